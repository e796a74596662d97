#pragma once

#include <microhttpd.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "api/body_feed.h"
#include "api/http_server.h"
#include "api/reply_queue.h"
#include "api/worker_pool.h"

namespace rankscope::api {

// One request from its first byte to its last. Shared by the connection (libmicrohttpd's thread) and the handler.
// The connection is suspended whenever it has nothing to do: until the handler has begun, and while it says nothing.
class Exchange : public Responder, public std::enable_shared_from_this<Exchange> {
 public:
  explicit Exchange(MHD_Connection* connection) : connection_(connection) {}

  void Begin(int status, std::string_view content_type) override;
  bool Write(std::string_view bytes) override { return queue_.Write(bytes); }
  bool TryWrite(std::string_view bytes) override { return queue_.TryWrite(bytes); }
  void End() override { queue_.End(); }
  void OnClosed(std::function<void()> closed) override { queue_.OnClosed(std::move(closed)); }
  void ContinueBody() override;

  // The rest is for libmicrohttpd's thread.
  void Suspend();
  void Resume();
  // False: the answer has begun, nothing to wait for.
  bool SuspendUntilBegun();
  // From here on the body goes to the consumer instead of the request.
  void StreamBody(std::unique_ptr<BodyConsumer> consumer, WorkerPool* pool);
  void PushBody(std::string_view bytes);
  BodyFeed* feed() { return feed_.get(); }
  MHD_Result Answer();
  // Whether a handler is at it: what it has not written yet is missing from the answer.
  void Handling(bool handling);
  // The server stops. An answer that a handler is writing breaks off, and its client sees that; a live one ends. The
  // connection stays resumed from here on, as libmicrohttpd wants it then.
  void Finish();
  // The client waits for the answer no longer.
  void Leave();
  // The consumer holds the exchange that holds its feed: that ends here, whether the pool still runs what it is given
  // or not.
  void Completed();

  // An answer in place of the handler's; the first one counts.
  void Refuse(int status, std::string why);
  bool refused() const { return refusal_ != 0; }
  void AnswerRefusal();

  Request request;
  bool started = false;
  uint64_t watch = 0;  // of its client

 private:
  static ssize_t OnRead(void* held, uint64_t, char* out, size_t max);

  ReplyQueue queue_;
  std::mutex mutex_;  // guards what follows
  // Of a streamed body: set before anybody else knows the exchange, changed by libmicrohttpd's thread only.
  std::shared_ptr<BodyFeed> feed_;
  MHD_Connection* connection_;
  bool suspended_ = false, handling_ = false, finished_ = false;
  int status_ = 0;
  std::string content_type_;
  int refusal_ = 0;  // before the pool has it, by libmicrohttpd's thread
  std::string why_;
};

}  // namespace rankscope::api
