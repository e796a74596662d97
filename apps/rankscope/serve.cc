#include <sys/select.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "api/ingest_door.h"
#include "api/routes.h"
#include "base/file.h"
#include "catalog/catalog.h"
#include "commands.h"
#include "ingest/ingest.h"
#include "query/store_log_source.h"
#include "store/store.h"
#include "wire/ingest_service.h"

namespace rankscope {
namespace {

struct Address {
  std::string host;
  uint16_t port;
};

base::Result<Address> ParseAddress(const std::string& text, const char* option) {
  size_t colon = text.rfind(':');
  char* end = nullptr;
  long port = colon == std::string::npos ? -1 : std::strtol(text.c_str() + colon + 1, &end, 10);
  if (port < 0 || port > 65535 || !end || *end != '\0' || end == text.c_str() + colon + 1) {
    return base::Status::Invalid(std::string(option) + " \"" + text + "\" is not HOST:PORT");
  }
  return Address{text.substr(0, colon), static_cast<uint16_t>(port)};
}

bool IsLoopback(const std::string& host) { return host.starts_with("127.") || host == "localhost"; }

// SIGTERM and SIGINT, to be read from a descriptor. Before any thread is started: they inherit the mask.
base::UniqueFd BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  return base::UniqueFd(signalfd(-1, &signals, SFD_CLOEXEC));
}

class Server {
 public:
  explicit Server(const ServeOptions& options) : options_(options) {}

  base::Status Start() {
    ASSIGN_OR_RETURN(Address http, ParseAddress(options_.http, "--http"));
    ASSIGN_OR_RETURN(Address grpc, ParseAddress(options_.grpc, "--grpc"));
    if (!IsLoopback(http.host) || !IsLoopback(grpc.host)) {
      return base::Status::Invalid("refusing to serve " + (IsLoopback(http.host) ? options_.grpc : options_.http) +
                                   ": only loopback addresses are served until there are access tokens");
    }
    RETURN_IF_ERROR(base::MakeDirectories(options_.data_dir));
    auto lock = base::LockFile(options_.data_dir + "/LOCK");
    if (!lock.ok()) {
      return base::Status::Unavailable(options_.data_dir +
                                       " is served by another rankscope; ask it, or choose another --data-dir");
    }
    lock_ = *std::move(lock);
    RETURN_IF_ERROR(OpenData());
    return Listen(http, grpc);
  }

  void Wait(int signals) {
    for (int idle_s = 0;;) {
      fd_set ready;
      FD_ZERO(&ready);
      FD_SET(signals, &ready);
      timeval second{1, 0};
      if (select(signals + 1, &ready, nullptr, nullptr, &second) > 0) return;
      idle_s = grpc_->open_streams() > 0 || requests_ != requests_seen_ ? 0 : idle_s + 1;
      requests_seen_ = requests_;
      if (options_.idle_exit_s > 0 && idle_s >= options_.idle_exit_s) return;
    }
  }

  // Readers first, then writers, then what holds the data: nothing acknowledged is lost.
  void Stop() {
    grpc_->Stop();
    http_->Stop();
    ingest_.reset();
    if (auto status = store_->Flush(); !status.ok()) Fail(status);
    unlink((options_.data_dir + "/server.json").c_str());
  }

 private:
  base::Status OpenData() {
    std::vector<std::string> damage;
    ASSIGN_OR_RETURN(store_, store::Store::Open(options_.data_dir + "/store", {}, &damage));
    ASSIGN_OR_RETURN(catalog_, catalog::Catalog::Open(options_.data_dir));
    ingest::Ingest::Options options;
    options.folder = options_.data_dir + "/journal";
    options.sinks = {store_.get(), catalog_.get()};
    // After a failed fdatasync nothing more can be promised: end, and let the replay find what is really on disk.
    options.fatal = [](const base::Status& status) {
      std::fprintf(stderr, "rankscope: the disk failed: %s\n", status.message().c_str());
      std::_Exit(1);
    };
    ASSIGN_OR_RETURN(ingest_, ingest::Ingest::Open(options, &damage));
    for (const std::string& sentence : damage) std::fprintf(stderr, "rankscope: %s\n", sentence.c_str());
    logs_ = query::MakeStoreLogSource(store_.get());
    return {};
  }

  base::Status Listen(const Address& http, const Address& grpc) {
    ASSIGN_OR_RETURN(grpc_, wire::IngestServer::Start(options_.grpc, ingest_.get(), RANKSCOPE_VERSION));
    std::string grpc_address = grpc.host + ":" + std::to_string(grpc_->port());
    api::HttpServer::Options options;
    options.address = http.host == "localhost" ? "127.0.0.1" : http.host;
    options.port = http.port;
    auto routes = api::MakeRoutes(
        {logs_.get(), catalog_.get(), RANKSCOPE_VERSION, grpc_address, options_.lost_after_s * base::kNsPerSecond,
         [this](const std::string& job, uint32_t steps) { return grpc_->SendCommand("default", job, {steps}); }});
    auto handler = [this, routes](const api::Request& request, std::shared_ptr<api::Responder> responder) {
      ++requests_;
      routes(request, std::move(responder));
    };
    auto body_handler = [this, door = api::MakeIngestDoor(ingest_.get())](const api::Request& request,
                                                                          std::shared_ptr<api::Responder> responder) {
      auto consumer = door(request, std::move(responder));
      if (consumer) ++requests_;
      return consumer;
    };
    ASSIGN_OR_RETURN(http_, api::HttpServer::Start(options, handler, body_handler));
    std::string http_address = http.host + ":" + std::to_string(http_->port());
    nlohmann::json endpoint = {{"http", http_address}, {"grpc", grpc_address}, {"pid", getpid()}};
    RETURN_IF_ERROR(base::WriteFileAtomically(options_.data_dir + "/server.json", endpoint.dump()));
    std::printf("rankscope: serving http=%s grpc=%s data=%s\n", http_address.c_str(), grpc_address.c_str(),
                options_.data_dir.c_str());
    std::fflush(stdout);
    return {};
  }

  const ServeOptions options_;
  base::UniqueFd lock_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<catalog::Catalog> catalog_;
  std::unique_ptr<query::LogSource> logs_;
  std::unique_ptr<ingest::Ingest> ingest_;
  std::unique_ptr<wire::IngestServer> grpc_;
  std::unique_ptr<api::HttpServer> http_;
  std::atomic<uint64_t> requests_{0};
  uint64_t requests_seen_ = 0;
};

}  // namespace

int Serve(const ServeOptions& options) {
  base::UniqueFd signals = BlockSignals();
  Server server(options);
  if (auto status = server.Start(); !status.ok()) return Fail(status);
  server.Wait(signals.get());
  server.Stop();
  return 0;
}

}  // namespace rankscope
