#include "api/tail.h"

#include <algorithm>
#include <cstdio>

#include "base/clock.h"
#include "model/record_json.h"

namespace rankscope::api {
namespace {

constexpr size_t kMaxHeld = 50'000;  // records that wait in one client's reorder window
constexpr auto kTick = std::chrono::milliseconds(20);

std::pair<std::string, uint64_t> KeyOf(const model::Record& record) {
  const model::Origin& origin = record.origin;
  return {origin.job + " " + std::to_string(origin.node_rank.value_or(-1)) + " " + origin.host, record.seq};
}

}  // namespace

TailHub::TailHub(query::LogSource* source) : source_(source) {
  subscription_ = source_->Subscribe([this](const model::RecordBatch& records) { OnAppend(records); });
  ticker_ = std::thread([this] { Loop(); });
}

TailHub::~TailHub() {
  source_->Unsubscribe(subscription_);
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    for (auto& [id, client] : clients_) client->responder->End();
  }
  wake_.notify_all();
  ticker_.join();
}

base::Status TailHub::Serve(const query::Query& query, uint64_t last, Format format,
                            const std::shared_ptr<Responder>& responder) {
  if (!query.pipes.empty()) return base::Status::Invalid("query: a tail takes a filter, and no pipes after it");
  ASSIGN_OR_RETURN(model::Matcher matcher, model::Matcher::Compile(query.filter));
  auto client = std::make_shared<Client>(query, std::move(matcher), format, responder);
  uint64_t id;
  {
    std::lock_guard lock(mutex_);
    id = ++last_id_;
    clients_[id] = client;
  }
  responder->Begin(200, format == Format::kEvents ? "text/event-stream" : "application/x-ndjson");
  responder->OnClosed([this, id] {
    std::lock_guard lock(mutex_);
    clients_.erase(id);
  });
  // What comes during this scan waits in `held`; what the scan finds of it as well is sent once.
  std::vector<model::Record> found = LastMatches(query, last);
  std::string line;
  for (auto record = found.rbegin(); record != found.rend(); ++record) {
    line.clear();
    model::AppendJson(*record, &line);
    if (!responder->Write(Framed(format, line))) return {};
  }
  std::lock_guard lock(mutex_);
  for (const model::Record& record : found) client->history.insert(KeyOf(record));
  client->live = true;
  return {};
}

// Newest first.
std::vector<model::Record> TailHub::LastMatches(const query::Query& query, uint64_t last) const {
  std::vector<model::Record> found;
  if (last == 0) return found;
  base::Budget budget;
  model::Scan scan;
  scan.project = query.project;
  scan.filter = query.filter;
  scan.newest_first = true;
  scan.limit = last;
  base::Status status = source_->Read(scan, &budget, [&](const model::Record& record) {
    found.push_back(record);
    return true;
  });
  if (!status.ok()) std::fprintf(stderr, "rankscope: tail: %s\n", status.message().c_str());
  return found;
}

void TailHub::OnAppend(const model::RecordBatch& records) {
  int64_t due = base::MonotonicNow() + kReorder;
  std::lock_guard lock(mutex_);
  if (clients_.empty()) return;
  model::RecordBatch::Cursor cursor(records);
  model::RecordView view;
  model::Record record;
  while (cursor.Next(&view)) {
    view.CopyTo(&record);
    for (auto& [id, client] : clients_) {
      if (record.origin.project != client->project || !client->matcher.Matches(record)) continue;
      if (client->held.size() >= kMaxHeld) {
        ++client->dropped;
      } else {
        client->held.push_back({due, record});
      }
    }
  }
}

void TailHub::Loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait_for(lock, kTick, [this] { return stopping_; });
    int64_t now = base::MonotonicNow();
    // A client that leaves removes itself under mutex_ from another thread: keep what is in use.
    std::vector<std::shared_ptr<Client>> clients;
    for (auto& [id, client] : clients_) {
      if (client->live) clients.push_back(client);
    }
    for (auto& client : clients) Release(client.get(), now);
  }
}

// REQUIRES mutex_. Sends what has waited its time, in the order of the records' times.
void TailHub::Release(Client* client, int64_t now) {
  auto end = std::find_if(client->held.begin(), client->held.end(), [&](const Held& held) { return held.due > now; });
  std::stable_sort(client->held.begin(), end,
                   [](const Held& a, const Held& b) { return a.record.time < b.record.time; });
  std::string line;
  for (auto held = client->held.begin(); held != end; ++held) {
    if (!client->history.empty() && client->history.erase(KeyOf(held->record)) > 0) continue;
    line.clear();
    model::AppendJson(held->record, &line);
    Say(client, line);
  }
  if (end != client->held.begin()) client->last_word = now;
  client->held.erase(client->held.begin(), end);
  if (client->dropped > 0) {
    line = "{\"stream\":\"event\",\"event\":\"tail_dropped\",\"level\":\"warning\",\"msg\":\"rankscope: " +
           std::to_string(client->dropped) + " records were too many for this reader\"}";
    uint64_t said = std::exchange(client->dropped, 0);
    Say(client, line);
    if (client->dropped > 0) client->dropped = said;
  }
  if (now - client->last_word > kHeartbeat) {
    client->responder->TryWrite(client->format == Format::kEvents ? ":\n\n" : "\n");
    client->last_word = now;
  }
}

void TailHub::Say(Client* client, std::string_view json) {
  if (!client->responder->TryWrite(Framed(client->format, json))) ++client->dropped;
}

std::string TailHub::Framed(Format format, std::string_view json) {
  if (format == Format::kEvents) return "data: " + std::string(json) + "\n\n";
  return std::string(json) + "\n";
}

}  // namespace rankscope::api
