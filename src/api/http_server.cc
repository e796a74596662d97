#include "api/http_server.h"

#include <microhttpd.h>
#include <netdb.h>
#include <sys/socket.h>

#include <atomic>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

#include "api/client_watch.h"
#include "api/exchange.h"
#include "api/worker_pool.h"
#include "base/url.h"

namespace rankscope::api {
namespace {

constexpr unsigned kMaxConnections = 4096;
constexpr size_t kConnectionMemory = 128 << 10;  // for headers and pieces of bodies
constexpr size_t kShortThreads = 2;

using AddressList = std::unique_ptr<addrinfo, void (*)(addrinfo*)>;

base::Result<AddressList> Resolve(const std::string& host, uint16_t port) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) return base::Status::Invalid("cannot listen on " + host + ": " + gai_strerror(error));
  return AddressList(found, freeaddrinfo);
}

class MicrohttpdServer : public HttpServer {
 public:
  MicrohttpdServer(Options options, Handler handler, BodyHandler body_handler)
      : options_(std::move(options)),
        handler_(std::move(handler)),
        body_handler_(std::move(body_handler)),
        pool_(options_.max_threads) {}
  ~MicrohttpdServer() override { Stop(); }

  base::Status Listen() {
    ASSIGN_OR_RETURN(AddressList addresses, Resolve(options_.address, options_.port));
    unsigned family = addresses->ai_family == AF_INET6 ? static_cast<unsigned>(MHD_USE_IPv6) : 0u;
    daemon_ =
        MHD_start_daemon(family | MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC, options_.port,
                         nullptr, nullptr, &MicrohttpdServer::OnRequest, this, MHD_OPTION_SOCK_ADDR, addresses->ai_addr,
                         MHD_OPTION_CONNECTION_LIMIT, kMaxConnections, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                         kConnectionMemory, MHD_OPTION_CONNECTION_TIMEOUT, options_.idle_timeout_s,
                         MHD_OPTION_NOTIFY_COMPLETED, &MicrohttpdServer::OnCompleted, this,
                         MHD_OPTION_UNESCAPE_CALLBACK, &MicrohttpdServer::LeaveEscapes, nullptr, MHD_OPTION_END);
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
    stopping_ = true;
    FinishAll();
    pool_.Stop();
    short_pool_.Stop();
    FinishAll();  // again: those that were just beginning
    MHD_stop_daemon(daemon_);
    daemon_ = nullptr;
  }

 private:
  void FinishAll() {
    std::vector<std::shared_ptr<Exchange>> open;
    {
      std::lock_guard lock(mutex_);
      for (const auto& weak : exchanges_) {
        if (auto exchange = weak.lock()) open.push_back(exchange);
      }
    }
    for (const auto& exchange : open) exchange->Finish();
  }

  static MHD_Result AddParameter(void* held, MHD_ValueKind, const char* key, const char* value) {
    auto* exchange = static_cast<Exchange*>(held);
    base::Status status = TakeParameter(key, value ? value : "", &exchange->request.query);
    if (!status.ok()) exchange->Refuse(MHD_HTTP_BAD_REQUEST, status.message());
    return MHD_YES;
  }

  static base::Status TakeParameter(const char* key, const char* value, std::map<std::string, std::string>* taken) {
    ASSIGN_OR_RETURN(std::string name, base::UrlDecode(key));
    auto text = base::UrlDecode(value);
    if (!text.ok()) return text.status().WithContext("parameter " + name);
    if (taken->emplace(name, *std::move(text)).second) return {};
    return base::Status::Invalid("parameter " + name + " is there twice");
  }

  static MHD_Result AddHeader(void* out, MHD_ValueKind, const char* key, const char* value) {
    std::string name(key);
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    (*static_cast<std::map<std::string, std::string>*>(out))[name] = value ? value : "";
    return MHD_YES;
  }

  // libmicrohttpd would leave what it cannot read as it is, and a %00 would end the text for it.
  static size_t LeaveEscapes(void*, MHD_Connection*, char* text) { return std::strlen(text); }

  static void TakeUrl(MHD_Connection* connection, const char* path, Exchange* exchange) {
    auto decoded = base::UrlDecode(path);
    if (!decoded.ok()) exchange->Refuse(MHD_HTTP_BAD_REQUEST, decoded.status().WithContext("the path").message());
    exchange->request.path = decoded.ok() ? *std::move(decoded) : path;
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, &AddParameter, exchange);
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
    if (server->stopping_) return MHD_NO;  // closes the connection
    if (*context == nullptr) {
      auto exchange = std::make_shared<Exchange>(connection);
      exchange->request.method = method;
      TakeUrl(connection, path, exchange.get());
      MHD_get_connection_values(connection, MHD_HEADER_KIND, &AddHeader, &exchange->request.headers);
      exchange->request.token = BearerToken(connection);
      if (server->body_handler_ && !exchange->refused()) {
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
    if (!std::exchange(exchange->started, true)) server->Dispatch(connection, std::move(exchange));
    return MHD_YES;
  }

  void TakeBody(Exchange* exchange, std::string_view bytes) const {
    if (exchange->feed()) return exchange->PushBody(bytes);
    if (exchange->request.body.size() + bytes.size() > options_.max_body_bytes) {
      exchange->Refuse(MHD_HTTP_CONTENT_TOO_LARGE,
                       "the body is larger than " + std::to_string(options_.max_body_bytes) + " bytes");
    }
    if (!exchange->refused()) exchange->request.body.append(bytes);
  }

  void Dispatch(MHD_Connection* connection, std::shared_ptr<Exchange> exchange) {
    if (exchange->feed()) return exchange->feed()->End();
    const MHD_ConnectionInfo* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    exchange->watch = watch_.Watch(info->connect_fd, [weak = exchange->weak_from_this()] {
      if (auto left = weak.lock()) left->Leave();
    });
    bool is_short = options_.is_short && options_.is_short(exchange->request);
    exchange->Handling(true);
    (is_short ? short_pool_ : pool_).Run([this, exchange = std::move(exchange)] {
      Handle(exchange);
      exchange->Handling(false);
      watch_.Forget(exchange->watch);  // what is live from here on finds out when it writes
    });
  }

  void Handle(const std::shared_ptr<Exchange>& exchange) const {
    if (!exchange->refused()) return handler_(exchange->request, exchange);
    exchange->AnswerRefusal();
  }

  static void OnCompleted(void* self, MHD_Connection*, void** context, MHD_RequestTerminationCode) {
    auto* exchange = static_cast<std::shared_ptr<Exchange>*>(*context);
    if (!exchange) return;
    static_cast<MicrohttpdServer*>(self)->watch_.Forget((*exchange)->watch);
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
  std::atomic<bool> stopping_{false};
  WorkerPool pool_, short_pool_{kShortThreads};
  ClientWatch watch_;
};

}  // namespace

base::Result<std::unique_ptr<HttpServer>> HttpServer::Start(Options options, Handler handler,
                                                            BodyHandler body_handler) {
  auto server = std::make_unique<MicrohttpdServer>(std::move(options), std::move(handler), std::move(body_handler));
  RETURN_IF_ERROR(server->Listen());
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace rankscope::api
