#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "api/http_server.h"

namespace rankscope::api {

// The bytes between a handler and its client: bounded, with the client's going away known on both sides. Any thread.
class ReplyQueue {
 public:
  static constexpr size_t kMaxWaiting = 1 << 20;

  // Handler's side; as Responder says.
  bool Write(std::string_view bytes);
  bool TryWrite(std::string_view bytes);
  void End();

  static constexpr long kEnd = -1, kBroken = -2;
  // Connection's side. Takes up to `max` bytes: >0 taken, 0 nothing there yet, kEnd, or kBroken: closed before its end.
  long Read(char* out, size_t max);
  void Close();
  // Called whenever a Read that found nothing would now find something.
  void OnReady(std::function<void()> ready);
  void OnClosed(std::function<void()> closed);

 private:
  void Append(std::string_view bytes);
  void Wake(std::unique_lock<std::mutex>* lock);

  std::mutex mutex_;
  std::condition_variable room_;
  std::deque<std::string> pieces_;  // what waits, none of them empty
  size_t taken_ = 0;                // of the first one, from its beginning
  size_t waiting_ = 0;              // bytes
  bool ended_ = false, closed_ = false, starving_ = false;
  std::function<void()> ready_, on_closed_;
};

}  // namespace rankscope::api
