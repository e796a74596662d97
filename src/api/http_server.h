#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

namespace rankscope::api {

struct Request {
  std::string method, path;
  std::map<std::string, std::string> query;    // decoded parameters
  std::map<std::string, std::string> headers;  // names in lower case
  std::string token;                           // of "Authorization: Bearer TOKEN"; else empty
  std::string body;  // at most Options::max_body_bytes, else 413 is answered before the handler
};

// What a handler writes its answer with. Begin once, then Write as often as it likes, then End. All from any thread;
// handlers of live answers keep the shared_ptr and return.
class Responder {
 public:
  virtual ~Responder() = default;
  virtual void Begin(int status, std::string_view content_type) = 0;
  // False once the client has left, or has read nothing for Options::idle_timeout_s: stop. Blocks while more than 1 MiB
  // waits to be sent, unless called on the appending thread through TryWrite, which instead drops and returns false
  // when it would block.
  virtual bool Write(std::string_view bytes) = 0;
  virtual bool TryWrite(std::string_view bytes) = 0;
  virtual void End() = 0;
  // Called (once, soon) when the client leaves before End.
  virtual void OnClosed(std::function<void()> closed) = 0;
  // Goes on with a body whose consumer asked to wait (BodyConsumer::Take): of the responder that a BodyHandler gets.
  virtual void ContinueBody() {}
};

// Takes a request's body as it comes, whatever its size. Calls come from the pool's threads, one at a time.
class BodyConsumer {
 public:
  enum class Next : uint8_t { kMore, kWait };

  // Destroyed without End: the client left, or the server stops, in the middle.
  virtual ~BodyConsumer() = default;
  // kWait: nothing further is given, and little is read from the client, until Responder::ContinueBody.
  virtual Next Take(std::string_view bytes) = 0;
  // The body is whole: to be answered through the responder, now or later.
  virtual void End() = 0;
};

// HTTP/1.1 over libmicrohttpd: one epoll thread moves bytes, pools of threads run handlers; 1,000 open tails cost no
// thread each. A handler that waits for a slow reader keeps its thread; when those of long answers have all got one,
// the next wait, but short answers have threads of their own. A JSON error body is {"error": "…"}.
class HttpServer {
 public:
  struct Options {
    std::string address = "127.0.0.1";             // of this machine, or a name of it; IPv6 without brackets
    uint16_t port = 0;                             // 0: a free one
    size_t max_threads = 64;                       // for handlers, started as they are needed
    unsigned idle_timeout_s = 600;                 // a client that neither sends nor reads a byte for so long has left
    std::function<bool(const Request&)> is_short;  // what is answered in a moment, whatever else runs
    size_t max_body_bytes = 256 << 20;
  };
  using Handler = std::function<void(const Request&, std::shared_ptr<Responder>)>;
  // Asked once the headers are there: null, and the request goes to the handler with its whole body. It must be quick.
  using BodyHandler = std::function<std::unique_ptr<BodyConsumer>(const Request&, std::shared_ptr<Responder>)>;

  // kInvalid: the address is none; kUnavailable: it cannot be listened on, as when the port is in use.
  static base::Result<std::unique_ptr<HttpServer>> Start(Options options, Handler handler,
                                                         BodyHandler body_handler = nullptr);
  virtual ~HttpServer() = default;
  virtual uint16_t port() const = 0;
  // Live answers are ended, half-written ones break off; returns when no handler runs.
  virtual void Stop() = 0;
};

}  // namespace rankscope::api
