#include "api/incident_tail.h"

#include <chrono>
#include <vector>

#include "base/clock.h"

namespace rankscope::api {
namespace {

constexpr auto kLookEvery = std::chrono::milliseconds(200);
constexpr int64_t kHeartbeat = 5 * base::kNsPerSecond;

}  // namespace

IncidentTail::~IncidentTail() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    for (auto& [id, client] : clients_) client->reply->End();
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void IncidentTail::Serve(const catalog::IncidentFilter& filter, const std::shared_ptr<Responder>& reply) {
  auto client = std::make_shared<Client>();
  client->filter = filter;
  client->reply = reply;
  reply->Begin(200, "text/event-stream");
  uint64_t id = 0;
  {
    std::lock_guard lock(mutex_);
    id = ++last_id_;
    clients_[id] = client;
    if (!thread_.joinable()) thread_ = std::thread([this] { Loop(); });
  }
  wake_.notify_all();
  reply->OnClosed([this, id] {
    std::lock_guard lock(mutex_);
    clients_.erase(id);
  });
}

void IncidentTail::Loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait(lock, [this] { return stopping_ || !clients_.empty(); });
    lock.unlock();
    Look();
    lock.lock();
    wake_.wait_for(lock, kLookEvery, [this] { return stopping_; });
  }
}

void IncidentTail::Look() {
  std::vector<std::pair<uint64_t, std::shared_ptr<Client>>> clients;
  {
    std::lock_guard lock(mutex_);
    clients.assign(clients_.begin(), clients_.end());
  }
  uint64_t last_change = incidents_->last_change();
  for (auto& [id, client] : clients) {
    if (Send(client.get(), last_change)) continue;
    client->reply->End();
    std::lock_guard lock(mutex_);
    clients_.erase(id);
  }
}

// One that changes after `last_change` was read is sent again at the next look.
bool IncidentTail::Send(Client* client, uint64_t last_change) {
  int64_t now = base::MonotonicNow();
  std::string events;
  bool first = client->last_word == 0;
  if (first || last_change > client->filter.changed_after) {
    auto rows = incidents_->List(client->filter);
    if (!rows.ok()) return true;  // asked again soon
    for (auto row = rows->rbegin(); row != rows->rend(); ++row) {
      events += "id: " + std::to_string(last_change) + "\ndata: " + row->json + "\n\n";
    }
    client->filter.changed_after = last_change;
    client->filter.limit = -1;
    client->filter.state.clear();
    client->filter.open.reset();
  }
  if (events.empty() && now - client->last_word < kHeartbeat && !first) return true;
  client->last_word = now;
  return client->reply->TryWrite(events.empty() ? ":\n\n" : events);
}

}  // namespace rankscope::api
