#include <sys/resource.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <vector>

#include "access/gate.h"
#include "access/token_file.h"
#include "api/authentication.h"
#include "api/ingest_door.h"
#include "base/file.h"
#include "base/host_port.h"
#include "base/memory_return.h"
#include "base/version.h"
#include "cli/named_input.h"
#include "commands.h"
#include "endpoint_file.h"
#include "live_actions.h"
#include "live_settings.h"
#include "projects.h"

namespace rankscope {
namespace {

constexpr uint16_t kUsualGrpcPort = 7071;

base::Result<base::HostPort> ParseAddress(const std::string& text, const char* option) {
  auto address = base::ParseHostPort(text);
  if (!address.ok()) return base::Status::Invalid(std::string(option) + " " + address.status().message());
  return address;
}

// Agents come in where people do, unless it was said otherwise: users know one address.
ServeOptions WithGrpcAddress(ServeOptions options) {
  auto http = base::ParseHostPort(options.http);  // a mistake in it is named later
  if (options.grpc.empty()) options.grpc = base::FormatHostPort({http.ok() ? http->host : "127.0.0.1", kUsualGrpcPort});
  return options;
}

bool IsLoopback(const std::string& host) { return host.starts_with("127.") || host == "localhost" || host == "::1"; }

// SIGTERM, SIGINT and SIGHUP, to be read from a descriptor. Before any thread is started: they inherit the mask.
base::UniqueFd BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  return base::UniqueFd(signalfd(-1, &signals, SFD_CLOEXEC));
}

// A connection is a descriptor: the usual soft limit of 1,024 is fewer than the tails that we promise.
void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

class Server {
 public:
  explicit Server(const ServeOptions& options) : options_(WithGrpcAddress(options)) {}

  base::Status Start() {
    ASSIGN_OR_RETURN(base::HostPort http, ParseAddress(options_.http, "--http"));
    ASSIGN_OR_RETURN(base::HostPort grpc, ParseAddress(options_.grpc, "--grpc"));
    if (!options_.grpc_advertise.empty()) {
      RETURN_IF_ERROR(ParseAddress(options_.grpc_advertise, "--grpc-advertise").status());
    }
    ASSIGN_OR_RETURN(RetentionRules rules, RetentionRules::Parse(options_.retention, options_.retention_bytes));
    RETURN_IF_ERROR(OpenGate(http, grpc));
    RETURN_IF_ERROR(TakeDataDirectory());
    RemoveEndpoint(options_.data_dir);  // of one that was killed
    RETURN_IF_ERROR(OpenData());
    if (rules.any()) projects_->StartRetention(std::move(rules), options_.retention_every_s);
    if (settings_.notifier()) projects_->StartTelling();
    return Listen(http, grpc);
  }

  void Wait(int signals) {
    for (int idle_s = 0;;) {
      fd_set ready;
      FD_ZERO(&ready);
      FD_SET(signals, &ready);
      timeval second{1, 0};
      bool signalled = select(signals + 1, &ready, nullptr, nullptr, &second) > 0;
      if (signalled && !IsHangUp(signals)) return;
      settings_.Reload(signalled, projects_.get());
      bool needed = HasOpenAnswers() || grpc_->open_streams() > 0 || requests_ != requests_seen_;
      idle_s = needed ? 0 : idle_s + 1;
      requests_seen_ = requests_;
      memory_.Look();
      if (options_.idle_exit_s > 0 && idle_s >= options_.idle_exit_s) return;
    }
  }

  // Readers first, then writers, then what holds the data: nothing acknowledged is lost. After a Start that failed,
  // too: what it began may use what it made. Who comes from now on begins a server of his own.
  void Stop() {
    if (projects_) RemoveEndpoint(options_.data_dir);
    if (actions_) actions_->Stop();
    if (grpc_) grpc_->Stop();
    if (http_) http_->Stop();
    if (!projects_) return;
    if (auto status = projects_->Close(); !status.ok()) Fail(status);
  }

 private:
  // A tail is one for as long as its client reads.
  void NoteAnswer(const std::shared_ptr<api::Responder>& responder) {
    if (options_.idle_exit_s == 0) return;
    std::lock_guard lock(answers_mutex_);
    answers_.push_back(responder);
  }

  bool HasOpenAnswers() {
    std::lock_guard lock(answers_mutex_);
    std::erase_if(answers_, [](const auto& answer) { return answer.expired(); });
    return !answers_.empty();
  }

  static bool IsHangUp(int signals) {
    signalfd_siginfo signal{};
    return read(signals, &signal, sizeof signal) == sizeof signal && signal.ssi_signo == SIGHUP;
  }

  base::Status TakeDataDirectory() {
    if (options_.data_dir.empty()) return base::Status::Invalid("--data-dir: want a folder");
    base::Status made = base::MakeDirectories(options_.data_dir);
    auto lock = made.ok() ? base::LockFile(options_.data_dir + "/LOCK") : made;
    if (lock.ok()) {
      lock_ = *std::move(lock);
      return {};
    }
    if (made.ok() && lock.status().code() == base::Code::kUnavailable) {
      return base::Status::Unavailable(options_.data_dir + kServedByAnother + "; ask it, or choose another --data-dir");
    }
    return {lock.status().code(),
            lock.status().message() + "; name a folder that you may write with --data-dir (or $XDG_DATA_HOME)"};
  }

  // Where other machines can come in, they need a token.
  base::Status OpenGate(const base::HostPort& http, const base::HostPort& grpc) {
    std::string file = TokenFile(options_.data_dir);
    bool exposed = !IsLoopback(http.host) || !IsLoopback(grpc.host);
    bool needs_token = exposed && !options_.insecure;
    if (needs_token) {
      ASSIGN_OR_RETURN(std::vector<access::Token> tokens, access::ReadTokens(file));
      if (tokens.empty()) {
        return base::Status::Invalid("refusing to serve " + (IsLoopback(http.host) ? options_.grpc : options_.http) +
                                     " without access tokens: make one with `rankscope token create --data-dir " +
                                     options_.data_dir + "`, or let everybody in with --insecure");
      }
    }
    gate_.emplace(file, needs_token ? access::Gate::Openness::kTokens : access::Gate::Openness::kLoopback);
    return {};
  }

  base::Status OpenData() {
    RETURN_IF_ERROR(settings_.Load());
    actions_ = MakeJobActions([this] { return live_projects_.load(); }, [this] { return agents_.load(); },
                              settings_.notifier());
    ASSIGN_OR_RETURN(ProjectOptions options, OptionsOfProjects());
    std::vector<std::string> damage;
    ASSIGN_OR_RETURN(projects_, Projects::Open(options_.data_dir, &*gate_, options, &damage));
    live_projects_ = projects_.get();
    for (const std::string& sentence : damage) Say(sentence);
    return {};
  }

  base::Result<ProjectOptions> OptionsOfProjects() {
    ProjectOptions options;
    options.lost_after_ns = options_.lost_after_s * base::kNsPerSecond;
    options.gpu_hour_price = options_.gpu_hour_price;
    if (!options_.topology.empty()) {
      ASSIGN_OR_RETURN(std::string yaml, cli::ReadNamedFile(options_.topology));
      ASSIGN_OR_RETURN(diagnose::Topology topology, diagnose::ReadTopology(options_.topology, yaml));
      options.topology = std::make_shared<diagnose::Topology>(std::move(topology));
    }
    options.memtable_bytes = options_.memtable_bytes;
    options.metrics = metrics_;
    options.rules = settings_.rules();
    options.notifier = settings_.notifier();
    options.actions = actions_.get();
    options.alert = [this](const std::string& project, const std::string& job, const std::string& line) {
      if (wire::IngestServer* agents = agents_) agents->SendCommand(project, job, {0, line});
    };
    // After a failed fdatasync nothing more can be promised: end, and let the replay find what is really on disk.
    options.alarms.fatal = [](const base::Status& status) {
      Say("the disk failed: " + status.message());
      std::_Exit(1);
    };
    options.alarms.say = Say;
    return options;
  }

  base::Status Listen(const base::HostPort& http, const base::HostPort& grpc) {
    ASSIGN_OR_RETURN(grpc_, wire::IngestServer::Start(options_.grpc, projects_.get(), base::kVersion));
    agents_ = grpc_.get();
    std::string grpc_address = base::FormatHostPort({grpc.host, static_cast<uint16_t>(grpc_->port())});
    api::HttpServer::Options options;
    options.address = http.host == "localhost" ? "127.0.0.1" : http.host;
    options.port = http.port;
    options.is_short = api::IsShort;
    ASSIGN_OR_RETURN(http_, api::HttpServer::Start(options, MakeHandler(grpc_address), MakeBodyHandler()));
    std::string http_address = base::FormatHostPort({http.host, http_->port()});
    // A full disk does not keep the server from serving what it has; only `logs` without --server will not find it.
    if (auto status = WriteEndpoint(options_.data_dir, http_address, grpc_address); !status.ok()) {
      Fail(status);
    }
    std::printf("rankscope: serving http=%s grpc=%s data=%s\n", http_address.c_str(), grpc_address.c_str(),
                options_.data_dir.c_str());
    std::fflush(stdout);
    return {};
  }

  api::HttpServer::Handler MakeHandler(const std::string& grpc_address) {
    const std::string& advertised = options_.grpc_advertise.empty() ? grpc_address : options_.grpc_advertise;
    auto routes =
        api::RequireAccess(&*gate_, [this, doors = Doors(advertised)](const std::string& project, bool may_begin) {
          return projects_->Routes(project, may_begin, doors);
        });
    return [this, routes](const api::Request& request, std::shared_ptr<api::Responder> responder) {
      ++requests_;
      NoteAnswer(responder);
      routes(request, std::move(responder));
    };
  }

  api::HttpServer::BodyHandler MakeBodyHandler() {
    auto door =
        api::MakeIngestDoor(&*gate_, [this](const std::string& project) { return projects_->IngestOf(project); });
    return [this, door](const api::Request& request, std::shared_ptr<api::Responder> responder) {
      auto consumer = door(request, std::move(responder));
      if (consumer) ++requests_;
      return consumer;
    };
  }

  api::Services Doors(const std::string& grpc_address) {
    api::Services doors{};
    doors.version = base::kVersion;
    doors.grpc_address = grpc_address;
    doors.lost_after_ns = options_.lost_after_s * base::kNsPerSecond;
    doors.query_limits = options_.query_limits;
    doors.metrics = metrics_;
    doors.notifier = settings_.notifier();
    doors.actions = actions_.get();
    doors.takes_records = [this] { return projects_->AllTakeRecords(); };
    doors.set_log_interval_steps = [this](const std::string& project, const std::string& job, uint32_t steps) {
      return grpc_->SendCommand(project, job, {steps, ""});
    };
    return doors;
  }

  base::MemoryReturn memory_;
  const ServeOptions options_;
  const std::shared_ptr<api::ServerMetrics> metrics_ = std::make_shared<api::ServerMetrics>();
  base::UniqueFd lock_;
  std::optional<access::Gate> gate_;
  LiveSettings settings_{options_, metrics_};
  std::unique_ptr<diagnose::JobActions> actions_;
  std::unique_ptr<Projects> projects_;
  std::atomic<Projects*> live_projects_{nullptr};  // projects_, once it is open
  std::unique_ptr<wire::IngestServer> grpc_;
  std::atomic<wire::IngestServer*> agents_{nullptr};  // grpc_, once it is there: detection begins earlier
  std::unique_ptr<api::HttpServer> http_;
  std::atomic<uint64_t> requests_{0};
  uint64_t requests_seen_ = 0;
  std::mutex answers_mutex_;
  std::vector<std::weak_ptr<api::Responder>> answers_;  // of a server that ends itself when it is idle
};

}  // namespace

int Serve(const ServeOptions& options) {
  base::UniqueFd signals = BlockSignals();
  RaiseFileLimit();
  Server server(options);
  base::Status started = server.Start();
  if (started.ok()) server.Wait(signals.get());
  server.Stop();
  return started.ok() ? 0 : Fail(started);
}

}  // namespace rankscope
