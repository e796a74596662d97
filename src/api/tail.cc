#include "api/tail.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "model/record_json.h"

namespace rankscope::api {
namespace {

constexpr size_t kMaxHeld = 50'000;      // records that wait in one client's reorder window
constexpr size_t kMaxArrived = 200'000;  // records that wait for the ticker; shared with the source's memory
constexpr auto kTick = std::chrono::milliseconds(20);

std::string ToJson(const model::Record& record) {
  std::string json;
  model::AppendJson(record, &json);
  return json;
}

// A record of the tail itself.
std::string Event(std::string_view name, const std::string& sentence) {
  std::string json = R"({"stream":"event","event":")" + std::string(name) + R"(","level":"warning","msg":)";
  model::AppendJsonString("rankscope: " + sentence, &json);
  return json + "}";
}

// Nothing is a heartbeat.
std::string Framed(TailHub::Format format, std::string_view json) {
  if (format == TailHub::Format::kLines) return std::string(json) + "\n";
  return (json.empty() ? ":" : "data: " + std::string(json)) + "\n\n";
}

size_t HashOf(const std::string& json) { return std::hash<std::string>()(json); }

// Newest first. kCorrupt: what is damaged is not among them. `oldest`: of them, where there are so many that it may
// have others before it.
base::Status LastMatches(query::LogSource* source, const query::Query& query, uint64_t last,
                         std::vector<std::string>* found, std::optional<std::pair<base::TimeNs, uint64_t>>* oldest) {
  if (last == 0) return {};
  base::Budget budget;
  model::Scan scan;
  scan.project = query.project;
  scan.filter = query.filter;
  scan.newest_first = true;
  scan.limit = last;
  RETURN_IF_ERROR(source->Read(scan, &budget, [&](const model::Record& record) {
    found->push_back(ToJson(record));
    if (found->size() == last) *oldest = {record.time, record.seq};
    return true;
  }));
  return budget.left_out();
}

}  // namespace

TailHub::TailHub(query::LogSource* source) : source_(source) {
  subscription_ = source_->Subscribe([this](const Records& records) { OnAppend(records); });
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
    client->after = batches_;
    clients_[id] = client;
  }
  wake_.notify_all();
  responder->Begin(200, format == Format::kEvents ? "text/event-stream" : "application/x-ndjson");
  responder->OnClosed([this, id] {
    std::lock_guard lock(mutex_);
    clients_.erase(id);
  });
  // What comes during this scan waits in `held`; what the scan finds of it as well is sent once.
  std::unordered_multiset<size_t> sent;
  if (!SendHistory(query, last, client.get(), &sent)) return {};
  std::lock_guard lock(mutex_);
  client->history = std::move(sent);
  client->live = true;
  return {};
}

// False once the client has left.
bool TailHub::SendHistory(const query::Query& query, uint64_t last, Client* client,
                          std::unordered_multiset<size_t>* sent) {
  std::vector<std::string> found;
  std::optional<std::pair<base::TimeNs, uint64_t>> oldest;
  if (auto status = LastMatches(source_, query, std::min(last, kMaxLast), &found, &oldest); !status.ok()) {
    if (!client->responder->Write(Framed(client->format, Event("tail_incomplete", status.message())))) return false;
  }
  {
    std::lock_guard lock(mutex_);
    client->history_until = batches_ + 1;  // one batch may have been found and not handed over yet
    client->history_from = oldest;
  }
  for (auto json = found.rbegin(); json != found.rend(); ++json) {
    if (!client->responder->Write(Framed(client->format, *json))) return false;
    sent->insert(HashOf(*json));
  }
  return true;
}

void TailHub::OnAppend(const Records& records) {
  std::lock_guard lock(mutex_);
  ++batches_;
  if (clients_.empty()) return;
  if (arrived_records_ + records->size() > kMaxArrived) {
    missed_ += records->size();
    return;
  }
  arrived_records_ += records->size();
  arrived_.push_back({batches_, base::MonotonicNow() + kReorder, records});
}

void TailHub::Loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait(lock, [this] { return stopping_ || !clients_.empty() || !arrived_.empty(); });
    wake_.wait_for(lock, kTick, [this] { return stopping_; });
    lock.unlock();
    Tick();
    lock.lock();
  }
}

void TailHub::Tick() {
  std::deque<Batch> arrived;
  std::vector<std::pair<std::shared_ptr<Client>, bool>> clients;  // and whether it is live
  uint64_t missed, newest;
  {
    std::lock_guard lock(mutex_);
    arrived.swap(arrived_);
    arrived_records_ = 0;
    missed = std::exchange(missed_, 0);
    newest = batches_;
    for (auto& [id, client] : clients_) clients.emplace_back(client, client->live);
  }
  int64_t now = base::MonotonicNow();
  for (auto& [client, live] : clients) {
    for (const Batch& batch : arrived) Take(batch, client.get());
    client->missed += missed;
    if (live) Release(client.get(), newest, now);
  }
}

void TailHub::Take(const Batch& batch, Client* client) {
  if (batch.number <= client->after) return;
  model::RecordBatch::Cursor cursor(*batch.records);
  model::RecordView view;
  model::Record record;
  while (cursor.Next(&view)) {
    if (view.origin->project != client->project) continue;
    view.CopyTo(&record);
    if (!client->matcher.Matches(record)) continue;
    if (client->held.size() >= kMaxHeld) {
      ++client->dropped;
    } else {
      client->held.push_back({batch.number, batch.due, record});
    }
  }
}

// Sends what has waited its time, in the order of the records' times. `newest`: the last batch that was taken.
void TailHub::Release(Client* client, uint64_t newest, int64_t now) {
  auto end = std::find_if(client->held.begin(), client->held.end(), [&](const Held& held) { return held.due > now; });
  if (end != client->held.begin()) client->last_word = now;
  std::stable_sort(client->held.begin(), end,
                   [](const Held& a, const Held& b) { return a.record.time < b.record.time; });
  for (auto held = client->held.begin(); held != end; ++held) {
    std::string json = ToJson(held->record);
    if (!WasSent(client, *held, json) && !Say(client, json)) ++client->dropped;
  }
  client->held.erase(client->held.begin(), end);
  uint64_t next = client->held.empty() ? newest : client->held.front().batch;
  if (next > client->history_until) client->history.clear();
  Confess(client);
  if (now - client->last_word > kHeartbeat) {
    Say(client, "");
    client->last_word = now;
  }
}

bool TailHub::WasSent(Client* client, const Held& held, const std::string& json) {
  if (held.batch > client->history_until) return false;
  // Of a batch that the scan found too: what is older than the last records that were asked for.
  if (client->history_from && std::pair(held.record.time, held.record.seq) < *client->history_from) return true;
  auto found = client->history.find(HashOf(json));
  if (found == client->history.end()) return false;
  client->history.erase(found);
  return true;
}

// What was lost is said as soon as there is room for it.
void TailHub::Confess(Client* client) {
  auto event = [&](uint64_t count, const std::string& why) {
    return Say(client, Event("tail_dropped", std::to_string(count) + why));
  };
  if (client->dropped > 0 && event(client->dropped, " records were too many for this reader")) client->dropped = 0;
  if (client->missed > 0 && event(client->missed, " records of all jobs came faster than tails look at them")) {
    client->missed = 0;
  }
}

bool TailHub::Say(Client* client, std::string_view json) {
  return client->responder->TryWrite(Framed(client->format, json));
}

}  // namespace rankscope::api
