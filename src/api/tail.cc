#include "api/tail.h"

#include <algorithm>

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

void TailHub::Serve(query::Query query, uint64_t last, const std::shared_ptr<Responder>& responder) {
  auto client = std::make_shared<Client>();
  client->query = query;
  client->responder = responder;
  uint64_t id;
  {
    std::lock_guard lock(mutex_);
    id = ++last_id_;
    clients_[id] = client;
  }
  responder->Begin(200, "application/x-ndjson");
  responder->OnClosed([this, id] {
    std::lock_guard lock(mutex_);
    clients_.erase(id);
  });
  // What comes during this scan waits in `held`; what the scan finds of it as well is sent once.
  std::vector<model::Record> found;
  base::Budget budget;
  model::Scan scan = query::ScanOf(query);
  scan.newest_first = true;
  (void)source_
      ->Read(scan, &budget,
             [&](const model::Record& record) {
               if (found.size() >= last) return false;
               if (query::Matches(query, record)) found.push_back(record);
               return true;
             })
      .ok();
  std::string line;
  for (auto record = found.rbegin(); record != found.rend(); ++record) {
    line.clear();
    model::AppendJson(*record, &line);
    if (!responder->Write(line + "\n")) return;
  }
  std::lock_guard lock(mutex_);
  for (const model::Record& record : found) client->history.insert(KeyOf(record));
  client->live = true;
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
      if (!query::Matches(client->query, record)) continue;
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
    client->responder->TryWrite("\n");
    client->last_word = now;
  }
}

void TailHub::Say(Client* client, std::string_view line) {
  std::string with_newline(line);
  with_newline.push_back('\n');
  if (!client->responder->TryWrite(with_newline)) ++client->dropped;
}

}  // namespace rankscope::api
