#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "api/http_server.h"

namespace rankscope::api {

// The bytes between a client and the consumer of its body: bounded, in order, one call of the consumer at a time.
class BodyFeed : public std::enable_shared_from_this<BodyFeed> {
 public:
  static constexpr size_t kMaxWaiting = 1 << 20;

  // `run` has some thread call its argument soon; `drained` is called each time the waiting bytes were taken up.
  BodyFeed(std::unique_ptr<BodyConsumer> consumer, std::function<void(std::function<void()>)> run,
           std::function<void()> drained);

  // Connection's side.
  bool HasRoomFor(size_t bytes);
  void Push(std::string_view bytes);
  void End();
  void Abort();  // the client left: the consumer is destroyed without End
  // Consumer's side: after Next::kWait; may come before Take has returned.
  void Continue();

 private:
  void Wake(std::unique_lock<std::mutex>* lock);
  void Feed();

  const std::function<void(std::function<void()>)> run_;
  const std::function<void()> drained_;
  std::string taken_;  // Feed's own: takes turns with waiting_, so that neither grows anew
  std::mutex mutex_;   // guards what follows
  std::unique_ptr<BodyConsumer> consumer_;
  std::string waiting_;
  bool ended_ = false, aborted_ = false, held_ = false, continued_ = false, feeding_ = false;
};

}  // namespace rankscope::api
