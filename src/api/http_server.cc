#include "api/http_server.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <sys/socket.h>

#include <cctype>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "api/body_feed.h"
#include "api/reply_queue.h"

namespace rankscope::api {
namespace {

constexpr unsigned kMaxConnections = 4096;
constexpr size_t kSendBlock = 64 << 10;
constexpr size_t kConnectionMemory = 128 << 10;  // for headers and pieces of bodies

// Runs handlers; a full queue makes the newest wait in it, never a new thread.
class WorkerPool {
 public:
  explicit WorkerPool(int threads) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Loop(); });
  }
  ~WorkerPool() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  void Run(std::function<void()> work) {
    {
      std::lock_guard lock(mutex_);
      queue_.push_back(std::move(work));
    }
    wake_.notify_one();
  }

 private:
  void Loop() {
    while (true) {
      std::function<void()> work;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        if (queue_.empty()) return;
        work = std::move(queue_.front());
        queue_.pop_front();
      }
      work();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

// One request from its first byte to its last. Shared by the connection (libmicrohttpd's thread) and the handler.
// The connection is suspended whenever it has nothing to do: until the handler has begun, and while it says nothing.
class Exchange : public Responder, public std::enable_shared_from_this<Exchange> {
 public:
  explicit Exchange(MHD_Connection* connection) : connection_(connection) {}

  void Begin(int status, std::string_view content_type) override {
    {
      std::lock_guard lock(mutex_);
      status_ = status;
      content_type_ = content_type;
    }
    Resume();
  }
  bool Write(std::string_view bytes) override { return queue_.Write(bytes); }
  bool TryWrite(std::string_view bytes) override { return queue_.TryWrite(bytes); }
  void End() override { queue_.End(); }
  void OnClosed(std::function<void()> closed) override { queue_.OnClosed(std::move(closed)); }
  void ContinueBody() override { feed_->Continue(); }

  // The rest is for libmicrohttpd's thread.
  void Suspend() {
    std::lock_guard lock(mutex_);
    if (connection_ && !suspended_) {
      suspended_ = true;
      MHD_suspend_connection(connection_);
    }
  }
  void Resume() {
    std::lock_guard lock(mutex_);
    if (connection_ && suspended_) {
      suspended_ = false;
      MHD_resume_connection(connection_);
    }
  }
  // False: the answer has begun, nothing to wait for.
  bool SuspendUntilBegun() {
    std::lock_guard lock(mutex_);
    if (status_ != 0) return false;
    if (connection_ && !suspended_) {
      suspended_ = true;
      MHD_suspend_connection(connection_);
    }
    return true;
  }
  // From here on the body goes to the consumer instead of the request.
  void StreamBody(std::unique_ptr<BodyConsumer> consumer, WorkerPool* pool) {
    feed_ = std::make_shared<BodyFeed>(
        std::move(consumer), [pool](std::function<void()> work) { pool->Run(std::move(work)); },
        [weak = weak_from_this()] {
          if (auto self = weak.lock()) self->Resume();
        });
  }
  void PushBody(std::string_view bytes) {
    // Suspend first: the feed, drained meanwhile, finds a connection that it can resume.
    if (!feed_->HasRoomFor(bytes.size())) Suspend();
    feed_->Push(bytes);
  }
  BodyFeed* feed() { return feed_.get(); }
  MHD_Result Answer() {
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
  void Completed() {
    {
      std::lock_guard lock(mutex_);
      connection_ = nullptr;
    }
    queue_.Close();
    if (feed_) feed_->Abort();
  }

  Request request;
  bool too_large = false;
  bool started = false;

 private:
  static ssize_t OnRead(void* held, uint64_t, char* out, size_t max) {
    Exchange* exchange = static_cast<std::shared_ptr<Exchange>*>(held)->get();
    // Suspend first: a writer that comes between finds a connection that it can resume.
    exchange->Suspend();
    long count = exchange->queue_.Read(out, max);
    if (count == 0) return 0;
    exchange->Resume();
    return count < 0 ? MHD_CONTENT_READER_END_OF_STREAM : count;
  }

  ReplyQueue queue_;
  std::shared_ptr<BodyFeed> feed_;  // of a streamed body; set before anybody else knows the exchange
  std::mutex mutex_;                // guards what follows
  MHD_Connection* connection_;
  bool suspended_ = false;
  int status_ = 0;
  std::string content_type_;
};

class MicrohttpdServer : public HttpServer {
 public:
  MicrohttpdServer(Options options, Handler handler, BodyHandler body_handler)
      : options_(std::move(options)),
        handler_(std::move(handler)),
        body_handler_(std::move(body_handler)),
        pool_(options_.threads) {}
  ~MicrohttpdServer() override { Stop(); }

  base::Status Listen() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(options_.port);
    if (inet_pton(AF_INET, options_.address.c_str(), &address.sin_addr) != 1) {
      return base::Status::Invalid("\"" + options_.address + "\" is no IPv4 address");
    }
    daemon_ = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC, options_.port,
                               nullptr, nullptr, &MicrohttpdServer::OnRequest, this, MHD_OPTION_SOCK_ADDR,
                               reinterpret_cast<sockaddr*>(&address), MHD_OPTION_CONNECTION_LIMIT, kMaxConnections,
                               MHD_OPTION_CONNECTION_MEMORY_LIMIT, kConnectionMemory, MHD_OPTION_NOTIFY_COMPLETED,
                               &MicrohttpdServer::OnCompleted, this, MHD_OPTION_END);
    if (!daemon_) {
      return base::Status::Unavailable("cannot listen on " + options_.address + ":" + std::to_string(options_.port) +
                                       ": " + std::strerror(errno) + "; choose another with --http");
    }
    const MHD_DaemonInfo* info = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_BIND_PORT);
    port_ = info ? info->port : options_.port;
    return {};
  }

  uint16_t port() const override { return port_; }

  void Stop() override {
    if (!daemon_) return;
    std::vector<std::shared_ptr<Exchange>> open;
    {
      std::lock_guard lock(mutex_);
      for (const auto& weak : exchanges_) {
        if (auto exchange = weak.lock()) open.push_back(exchange);
      }
    }
    for (const auto& exchange : open) exchange->End();
    for (const auto& exchange : open) exchange->Resume();
    MHD_stop_daemon(daemon_);
    daemon_ = nullptr;
  }

 private:
  static MHD_Result AddParameter(void* out, MHD_ValueKind, const char* key, const char* value) {
    (*static_cast<std::map<std::string, std::string>*>(out))[key] = value ? value : "";
    return MHD_YES;
  }

  static MHD_Result AddHeader(void* out, MHD_ValueKind, const char* key, const char* value) {
    std::string name(key);
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    (*static_cast<std::map<std::string, std::string>*>(out))[name] = value ? value : "";
    return MHD_YES;
  }

  static std::string BearerToken(MHD_Connection* connection) {
    constexpr std::string_view kScheme = "Bearer ";
    const char* header = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    std::string_view value = header ? header : "";
    return value.starts_with(kScheme) ? std::string(value.substr(kScheme.size())) : "";
  }

  // libmicrohttpd calls this once with the headers, then for each piece of the body, then with none.
  static MHD_Result OnRequest(void* self, MHD_Connection* connection, const char* path, const char* method, const char*,
                              const char* upload, size_t* upload_size, void** context) {
    auto* server = static_cast<MicrohttpdServer*>(self);
    if (*context == nullptr) {
      auto exchange = std::make_shared<Exchange>(connection);
      exchange->request.method = method;
      exchange->request.path = path;
      MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, &AddParameter, &exchange->request.query);
      MHD_get_connection_values(connection, MHD_HEADER_KIND, &AddHeader, &exchange->request.headers);
      exchange->request.token = BearerToken(connection);
      if (server->body_handler_) {
        if (auto consumer = server->body_handler_(exchange->request, exchange)) {
          exchange->StreamBody(std::move(consumer), &server->pool_);
        }
      }
      server->Remember(exchange);
      *context = new std::shared_ptr<Exchange>(std::move(exchange));
      return MHD_YES;
    }
    auto exchange = *static_cast<std::shared_ptr<Exchange>*>(*context);
    if (*upload_size > 0) {
      server->TakeBody(exchange.get(), {upload, *upload_size});
      *upload_size = 0;
      return MHD_YES;
    }
    if (!exchange->SuspendUntilBegun()) return exchange->Answer();
    if (!std::exchange(exchange->started, true)) server->Dispatch(std::move(exchange));
    return MHD_YES;
  }

  void TakeBody(Exchange* exchange, std::string_view bytes) const {
    if (exchange->feed()) return exchange->PushBody(bytes);
    if (exchange->request.body.size() + bytes.size() > options_.max_body_bytes) exchange->too_large = true;
    if (!exchange->too_large) exchange->request.body.append(bytes);
  }

  void Dispatch(std::shared_ptr<Exchange> exchange) {
    if (exchange->feed()) return exchange->feed()->End();
    pool_.Run([this, exchange = std::move(exchange)] {
      if (!exchange->too_large) return handler_(exchange->request, exchange);
      exchange->Begin(MHD_HTTP_CONTENT_TOO_LARGE, "application/json");
      exchange->Write("{\"error\":\"the body is larger than " + std::to_string(options_.max_body_bytes) +
                      " bytes\"}\n");
      exchange->End();
    });
  }

  static void OnCompleted(void*, MHD_Connection*, void** context, MHD_RequestTerminationCode) {
    auto* exchange = static_cast<std::shared_ptr<Exchange>*>(*context);
    if (!exchange) return;
    (*exchange)->Completed();
    delete exchange;
    *context = nullptr;
  }

  void Remember(const std::shared_ptr<Exchange>& exchange) {
    std::lock_guard lock(mutex_);
    std::erase_if(exchanges_, [](const auto& weak) { return weak.expired(); });
    exchanges_.push_back(exchange);
  }

  const Options options_;
  const Handler handler_;
  const BodyHandler body_handler_;
  MHD_Daemon* daemon_ = nullptr;
  uint16_t port_ = 0;
  std::mutex mutex_;  // guards exchanges_
  std::vector<std::weak_ptr<Exchange>> exchanges_;
  WorkerPool pool_;
};

}  // namespace

base::Result<std::unique_ptr<HttpServer>> HttpServer::Start(Options options, Handler handler,
                                                            BodyHandler body_handler) {
  auto server = std::make_unique<MicrohttpdServer>(std::move(options), std::move(handler), std::move(body_handler));
  RETURN_IF_ERROR(server->Listen());
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace rankscope::api
