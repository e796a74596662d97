#include "agent/keeper/event_loop.h"

#include <sys/epoll.h>

#include <utility>

namespace rankscope::agent {

EventLoop::EventLoop() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

void EventLoop::Renew() {
  epoll_ = base::UniqueFd(epoll_create1(EPOLL_CLOEXEC));
  ready_.clear();
}

void EventLoop::Watch(int fd, std::function<void()> ready) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
  ready_[fd] = std::move(ready);
}

void EventLoop::Forget(int fd) {
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  ready_.erase(fd);
}

void EventLoop::Turn(int timeout_ms) {
  epoll_event events[64];
  int count = epoll_wait(epoll_.get(), events, 64, timeout_ms);
  for (int i = 0; i < count; ++i) {
    auto found = ready_.find(events[i].data.fd);
    if (found == ready_.end()) continue;
    auto ready = found->second;  // it may forget itself
    ready();
  }
}

}  // namespace rankscope::agent
