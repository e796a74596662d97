#include "api/client_watch.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/clock.h"

namespace rankscope::api {
namespace {

constexpr uint64_t kStop = 0;  // no client's id
constexpr int64_t kPatienceNs = base::kNsPerSecond;

void Add(int epoll, int fd, uint32_t events, uint64_t id) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = id;
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

}  // namespace

ClientWatch::ClientWatch() : epoll_(epoll_create1(EPOLL_CLOEXEC)), stop_(eventfd(0, EFD_CLOEXEC)) {
  Add(epoll_.get(), stop_.get(), EPOLLIN, kStop);
  thread_ = std::thread([this] { Loop(); });
}

ClientWatch::~ClientWatch() {
  eventfd_write(stop_.get(), 1);
  thread_.join();
}

uint64_t ClientWatch::Watch(int socket, std::function<void()> gone) {
  std::lock_guard lock(mutex_);
  uint64_t id = ++last_id_;
  clients_.emplace(id, Client{socket, std::move(gone)});
  Add(epoll_.get(), socket, EPOLLRDHUP | EPOLLONESHOT, id);
  return id;
}

void ClientWatch::Forget(uint64_t id) {
  std::lock_guard lock(mutex_);
  auto found = clients_.find(id);
  if (found == clients_.end()) return;
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, found->second.socket, nullptr);
  clients_.erase(found);
}

std::function<void()> ClientWatch::TakeGone(uint64_t id) {
  std::lock_guard lock(mutex_);
  auto found = clients_.find(id);
  return found == clients_.end() ? nullptr : std::exchange(found->second.gone, nullptr);
}

int ClientWatch::PatienceLeft() const {
  if (leaving_.empty()) return -1;
  int64_t left = leaving_.front().gone_at - base::MonotonicNow();
  return static_cast<int>(std::max<int64_t>(left, 0) / base::kNsPerMs) + 1;
}

void ClientWatch::EndThoseGone() {
  for (; !leaving_.empty() && leaving_.front().gone_at <= base::MonotonicNow(); leaving_.pop_front()) {
    if (auto gone = TakeGone(leaving_.front().id)) gone();
  }
}

void ClientWatch::Loop() {
  std::array<epoll_event, 16> events{};
  while (true) {
    int count = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), PatienceLeft());
    for (int i = 0; i < count; ++i) {
      uint64_t id = events.at(static_cast<size_t>(i)).data.u64;
      if (id == kStop) return;
      leaving_.push_back({base::MonotonicNow() + kPatienceNs, id});
    }
    EndThoseGone();
  }
}

}  // namespace rankscope::api
