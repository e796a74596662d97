#include "api/exchange.h"

#include <utility>

#include "api/answer.h"

namespace rankscope::api {
namespace {

constexpr size_t kSendBlock = 64 << 10;

}  // namespace

void Exchange::Begin(int status, std::string_view content_type) {
  {
    std::lock_guard lock(mutex_);
    status_ = status;
    content_type_ = content_type;
  }
  Resume();
}

void Exchange::ContinueBody() {
  std::shared_ptr<BodyFeed> feed;
  {
    std::lock_guard lock(mutex_);
    feed = feed_;
  }
  if (feed) feed->Continue();
}

void Exchange::Suspend() {
  std::lock_guard lock(mutex_);
  if (connection_ && !suspended_ && !finished_) {
    suspended_ = true;
    MHD_suspend_connection(connection_);
  }
}

void Exchange::Resume() {
  std::lock_guard lock(mutex_);
  if (connection_ && suspended_) {
    suspended_ = false;
    MHD_resume_connection(connection_);
  }
}

bool Exchange::SuspendUntilBegun() {
  std::lock_guard lock(mutex_);
  if (status_ != 0) return false;
  if (connection_ && !suspended_) {
    suspended_ = true;
    MHD_suspend_connection(connection_);
  }
  return true;
}

void Exchange::StreamBody(std::unique_ptr<BodyConsumer> consumer, WorkerPool* pool) {
  feed_ = std::make_shared<BodyFeed>(
      std::move(consumer), [pool](std::function<void()> work) { pool->Run(std::move(work)); },
      [weak = weak_from_this()] {
        if (auto self = weak.lock()) self->Resume();
      });
}

void Exchange::PushBody(std::string_view bytes) {
  // Suspend first: the feed, drained meanwhile, finds a connection that it can resume.
  if (!feed_->HasRoomFor(bytes.size())) Suspend();
  feed_->Push(bytes);
}

MHD_Result Exchange::Answer() {
  auto* keep = new std::shared_ptr<Exchange>(shared_from_this());
  queue_.OnReady([weak = weak_from_this()] {
    if (auto self = weak.lock()) self->Resume();
  });
  MHD_Response* response =
      MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, kSendBlock, &Exchange::OnRead, keep,
                                        [](void* held) { delete static_cast<std::shared_ptr<Exchange>*>(held); });
  MHD_add_response_header(response, "Content-Type", content_type_.c_str());
  MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
  if (status_ == MHD_HTTP_UNAUTHORIZED) MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
  MHD_Result result = MHD_queue_response(connection_, static_cast<unsigned>(status_), response);
  MHD_destroy_response(response);
  return result;
}

void Exchange::Handling(bool handling) {
  std::lock_guard lock(mutex_);
  handling_ = handling;
}

void Exchange::Finish() {
  bool cut;
  {
    std::lock_guard lock(mutex_);
    finished_ = true;
    cut = handling_;
  }
  if (cut) {
    queue_.Close();
  } else {
    queue_.End();
  }
  Resume();
}

void Exchange::Leave() {
  queue_.Close();
  Resume();
}

void Exchange::Completed() {
  std::shared_ptr<BodyFeed> feed;
  {
    std::lock_guard lock(mutex_);
    connection_ = nullptr;
    feed = std::move(feed_);
  }
  queue_.Close();
  if (feed) feed->Abort();
}

void Exchange::Refuse(int status, std::string why) {
  if (refused()) return;
  refusal_ = status;
  why_ = std::move(why);
}

void Exchange::AnswerRefusal() { api::Answer(shared_from_this(), refusal_, {{"error", why_}}); }

ssize_t Exchange::OnRead(void* held, uint64_t, char* out, size_t max) {
  Exchange* exchange = static_cast<std::shared_ptr<Exchange>*>(held)->get();
  long count = exchange->queue_.Read(out, max);
  if (count == 0) {
    // Once more when it is suspended: a writer that came between found a connection that it could not resume.
    exchange->Suspend();
    count = exchange->queue_.Read(out, max);
    if (count == 0) return 0;
    exchange->Resume();
  }
  if (count == ReplyQueue::kBroken) return MHD_CONTENT_READER_END_WITH_ERROR;
  return count == ReplyQueue::kEnd ? MHD_CONTENT_READER_END_OF_STREAM : count;
}

}  // namespace rankscope::api
