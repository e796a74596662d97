#include "agent/keeper.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "agent/capture.h"
#include "agent/channel_pipe.h"
#include "agent/exit_status.h"
#include "agent/launch.h"
#include "agent/mirror.h"
#include "agent/run_description.h"
#include "base/clock.h"
#include "base/file.h"

namespace rankscope::agent {
namespace {

constexpr size_t kReadBytes = 1 << 20;
constexpr useconds_t kGatherUs = 1000;  // between reads of a busy pipe: a writer that need not wake us is faster
constexpr int64_t kAgentRestartDelay = 500 * base::kNsPerMs;
constexpr int64_t kOrphanPatience = 200 * base::kNsPerMs;  // after the command's end, for bytes still in pipes

model::Record Event(std::string_view name, std::string text) {
  model::Record record;
  record.stream = model::Stream::kEvent;
  record.time = base::WallNow();
  record.text = std::move(text);
  record.fields.emplace_back("event", std::string(name));
  return record;
}

// "exit 1" or "SIGKILL", and the fields that say so.
std::string DescribeEnd(int wait_status, model::Record* record) {
  if (WIFSIGNALED(wait_status)) {
    std::string name = SignalName(WTERMSIG(wait_status));
    record->fields.emplace_back("signal", name);
    record->fields.emplace_back("signal_number", static_cast<int64_t>(WTERMSIG(wait_status)));
    record->level = "error";
    return name;
  }
  int code = WEXITSTATUS(wait_status);
  record->fields.emplace_back("exit_code", static_cast<int64_t>(code));
  record->level = code == 0 ? "info" : "error";
  return "exit " + std::to_string(code);
}

// The training goes first. A new session is a scheduling group of its own (autogroup), which has a niceness, too.
void YieldToTraining() {
  (void)!nice(10);
  auto group = base::OpenFile("/proc/self/autogroup", O_WRONLY);
  if (group.ok()) (void)!write(group->get(), "10", 2);
}

class Keeper {
 public:
  explicit Keeper(const KeeperOptions& options) : options_(options), out_(STDOUT_FILENO), err_(STDERR_FILENO) {}
  ~Keeper() { unlink(socket_path_.c_str()); }

  base::Result<int> Run() {
    RETURN_IF_ERROR(Prepare());
    StartAgent();
    RETURN_IF_ERROR(options_.attach_pid > 0 ? Attach() : StartCommand());
    SayStart();
    while (!Over()) Turn();
    Finish();
    return wait_status_;
  }

 private:
  struct Source {  // a pipe that we read
    base::UniqueFd fd;
    uint32_t channel;
    bool err;
    int rank_pid;  // 0: the launcher's
  };
  struct Rank {
    base::UniqueFd pidfd;
    model::Origin origin;
    std::optional<uint64_t> oom_kills_before;
  };

  base::Status Prepare() {
    signal(SIGPIPE, SIG_IGN);
    ASSIGN_OR_RETURN(auto capture, CaptureWriter::Create(options_.run_directory, {}));
    capture_ = std::make_unique<CaptureWriter>(std::move(capture));
    epoll_ = base::UniqueFd(epoll_create1(EPOLL_CLOEXEC));
    sigset_t signals;
    sigemptyset(&signals);
    for (int number : {SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2}) sigaddset(&signals, number);
    sigprocmask(SIG_BLOCK, &signals, &old_signals_);
    signals_ = base::UniqueFd(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
    Watch(signals_.get(), [this] { OnSignal(); });
    return Listen();
  }

  base::Status Listen() {
    listener_ = base::UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    char folder[] = "/tmp/rankscope-XXXXXX";
    if (!mkdtemp(folder)) return base::Status::FromErrno("cannot make a folder in /tmp", errno);
    socket_folder_ = folder;
    socket_path_ = socket_folder_ + "/keeper";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socket_path_.c_str(), sizeof address.sun_path - 1);
    if (bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        listen(listener_.get(), 512) != 0) {
      return base::Status::FromErrno("cannot listen on " + socket_path_, errno);
    }
    Watch(listener_.get(), [this] { OnConnection(); });
    return {};
  }

  base::Status StartCommand() {
    ASSIGN_OR_RETURN(ChannelPipe out, MakeChannelPipe());
    ASSIGN_OR_RETURN(ChannelPipe err, MakeChannelPipe());
    AddSource(std::move(out.read), {}, false, 0);
    AddSource(std::move(err.read), {}, true, 0);
    SetEnvironment(out.write.get(), err.write.get());
    command_pid_ = fork();
    if (command_pid_ < 0) return base::Status::FromErrno("cannot fork", errno);
    if (command_pid_ == 0) ExecCommand(out.write.get(), err.write.get());
    return {};
  }

  // The process runs already and asks for its pipes at our socket; its end is the run's.
  base::Status Attach() {
    attached_ = base::UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, options_.attach_pid, 0)));
    if (!attached_.valid()) return base::Status::FromErrno("cannot watch the process", errno);
    Watch(attached_.get(), [this] {
      auto status = ReadExitStatus(attached_.get(), options_.attach_pid);
      end_source_ = status ? status->source : "unknown";
      wait_status_ = status ? status->wait_status : 0;
      command_ended_ = true;
      ended_at_ = base::MonotonicNow();
      Forget(attached_.get());
    });
    nlohmann::json ready = {{"job_id", options_.job}, {"socket", socket_path_}, {"rings", options_.rings}};
    std::string line = ready.dump() + "\n";
    auto status = base::WriteFully(options_.ready_fd, line);
    close(options_.ready_fd);
    return status;
  }

  void SetEnvironment(int out, int err) {
    setenv("RANKSCOPE_RUN", "1", 1);
    setenv("RANKSCOPE_SOCKET", socket_path_.c_str(), 1);
    setenv("RANKSCOPE_STDOUT_INODE", InodeOf(out).c_str(), 1);
    setenv("RANKSCOPE_STDERR_INODE", InodeOf(err).c_str(), 1);
    setenv("RANKSCOPE_BUFFERING", options_.buffering.c_str(), 1);
    setenv("RANKSCOPE_RINGS", options_.rings.c_str(), 1);
    if (options_.log_interval_steps > 0) {
      setenv("RANKSCOPE_LOG_INTERVAL_STEPS", std::to_string(options_.log_interval_steps).c_str(), 1);
    }
    unsetenv("RANKSCOPE_RANK_PID");  // a nested run is its own
    if (options_.python_path.empty()) return;
    std::string path = options_.python_path + "/rankscope/bootstrap:" + options_.python_path;
    if (const char* before = std::getenv("PYTHONPATH"); before && *before) path += std::string(":") + before;
    setenv("PYTHONPATH", path.c_str(), 1);
  }

  [[noreturn]] void ExecCommand(int out, int err) {
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    sigprocmask(SIG_SETMASK, &old_signals_, nullptr);
    signal(SIGPIPE, SIG_DFL);
    std::vector<char*> arguments;
    for (const std::string& argument : options_.command) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    execvp(arguments[0], arguments.data());
    int error = errno;
    dprintf(STDERR_FILENO, "rankscope: cannot run %s: %s\n", arguments[0], std::strerror(error));
    _exit(error == ENOENT ? 127 : 126);
  }

  void SayStart() {
    model::Record start = Event("job_start", "");
    DescribeRun(options_.command, environ, &start.fields);
    Identity identity = IdentityFrom(getenv);
    start.fields.emplace_back("pid", static_cast<int64_t>(command_pid_));
    if (identity.world_size && identity.local_rank)
      start.fields.emplace_back("world_size", int64_t{*identity.world_size});
    for (const auto& [name, value] : options_.labels) start.fields.emplace_back("label." + name, value);
    start.text = "started: " + std::get<std::string>(*model::FindField(start.fields, "command"));
    capture_->Record(start);
  }

  void Watch(int fd, std::function<void()> ready) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
    ready_[fd] = std::move(ready);
  }

  void Forget(int fd) {
    epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
    ready_.erase(fd);
  }

  void AddSource(base::UniqueFd fd, const model::Origin& origin, bool err, int rank_pid) {
    int raw = fd.get();
    uint32_t channel = capture_->OpenChannel({origin, err ? model::Stream::kStderr : model::Stream::kStdout});
    sources_[raw] = {std::move(fd), channel, err, rank_pid};
    Watch(raw, [this, raw] { ReadSource(raw); });
  }

  // One read: fair among many ranks. False at the end or when nothing is there.
  bool ReadSource(int fd) {
    auto found = sources_.find(fd);
    if (found == sources_.end()) return false;
    Source& source = found->second;
    ssize_t got = read(fd, buffer_.data(), buffer_.size());
    if (got > 0) {
      read_any_ = true;
      std::string_view bytes(buffer_.data(), static_cast<size_t>(got));
      capture_->Bytes(source.channel, base::WallNow(), bytes);
      (source.err ? err_ : out_).Write(fd, bytes, sources_.size() <= 2, base::MonotonicNow());
      return true;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    Forget(fd);
    sources_.erase(found);
    return false;
  }

  void OnConnection() {
    base::UniqueFd connection(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!connection.valid()) return;
    int raw = connection.get();
    connections_[raw] = std::move(connection);
    Watch(raw, [this, raw] { OnGreeting(raw); });
  }

  // A rank's bootstrap says who it is, in one line, and gets the write ends of its own two pipes.
  void OnGreeting(int fd) {
    char text[16384];
    ssize_t got = recv(fd, text, sizeof text, 0);
    ucred peer{};
    socklen_t size = sizeof peer;
    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
    auto json = got > 0 ? nlohmann::json::parse(std::string_view(text, static_cast<size_t>(got)), nullptr, false)
                        : nlohmann::json();
    if (json.is_object() && peer.pid > 0) Admit(fd, peer.pid, json);
    Forget(fd);
    connections_.erase(fd);
  }

  void Admit(int fd, pid_t pid, const nlohmann::json& said) {
    auto out = MakeChannelPipe();
    auto err = MakeChannelPipe();
    if (!out.ok() || !err.ok()) return;
    if (!SendDescriptors(fd, out->write.get(), err->write.get())) return;
    model::Origin origin = OriginOf(said);
    AddSource(std::move(out->read), origin, false, pid);
    AddSource(std::move(err->read), origin, true, pid);
    model::Record start = Event("rank_start", "rank " + std::to_string(origin.rank.value_or(-1)) + " started");
    start.origin = origin;
    start.fields.emplace_back("pid", static_cast<int64_t>(pid));
    if (said.contains("world_size") && said["world_size"].is_number_integer()) {
      start.fields.emplace_back("world_size", said["world_size"].get<int64_t>());
    }
    for (const char* name : {"gpu", "python", "source"}) {
      if (said.contains(name) && said[name].is_string()) start.fields.emplace_back(name, said[name].get<std::string>());
    }
    capture_->Record(start);
    base::UniqueFd pidfd(
        static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));  // glibc 2.36 declares it without C linkage
    if (!pidfd.valid()) return;
    Watch(pidfd.get(), [this, pid] { OnRankExit(pid); });
    ranks_[pid] = {std::move(pidfd), origin, OomKills(pid)};
  }

  static model::Origin OriginOf(const nlohmann::json& said) {
    auto number = [&](const char* name) -> std::optional<int32_t> {
      if (!said.contains(name) || !said[name].is_number_integer()) return std::nullopt;
      return said[name].get<int32_t>();
    };
    model::Origin origin;
    origin.rank = number("rank");
    origin.local_rank = number("local_rank");
    origin.node_rank = number("node_rank");
    origin.attempt = number("attempt").value_or(0);
    return origin;
  }

  void OnRankExit(pid_t pid) {
    auto found = ranks_.find(pid);
    if (found == ranks_.end()) return;
    Rank rank = std::move(found->second);
    ranks_.erase(found);
    auto status = ReadExitStatus(rank.pidfd.get(), pid);
    Forget(rank.pidfd.get());
    DrainRank(pid);  // its last words come before the news of its end
    model::Record exit = Event("rank_exit", "");
    exit.origin = rank.origin;
    exit.fields.emplace_back("pid", static_cast<int64_t>(pid));
    std::string how = "how is unknown";
    if (status) {
      how = DescribeEnd(status->wait_status, &exit);
      if (WIFSIGNALED(status->wait_status) && WTERMSIG(status->wait_status) == SIGKILL) {
        how += NoteOomKill(rank, &exit);
      }
    }
    exit.fields.emplace_back("exit_source", status ? status->source : "unknown");
    exit.text = "rank " + std::to_string(rank.origin.rank.value_or(-1)) + " ended: " + how;
    capture_->Record(exit);
  }

  // The cgroup's counter moved while the rank ran: the kernel's OOM killer was at work in it.
  std::string NoteOomKill(const Rank& rank, model::Record* exit) const {
    auto now = OomKills(getpid());
    if (!now || !rank.oom_kills_before) return "";
    bool killed = *now > *rank.oom_kills_before;
    exit->fields.emplace_back("oom_kill", std::string(killed ? "true" : "false"));
    return killed ? " by the kernel's OOM killer" : "";
  }

  void DrainRank(pid_t pid) {
    std::vector<int> fds;
    for (const auto& [fd, source] : sources_) {
      if (source.rank_pid == pid) fds.push_back(fd);
    }
    for (int fd : fds) {
      while (ReadSource(fd)) {
      }
    }
  }

  void OnSignal() {
    signalfd_siginfo info{};
    while (read(signals_.get(), &info, sizeof info) == sizeof info) {
      if (info.ssi_signo == SIGCHLD) continue;
      // A terminal's Ctrl+C has reached the command already; what a person or a scheduler sent us has not.
      if (info.ssi_code != SI_KERNEL && command_pid_ > 0 && !command_ended_) {
        kill(command_pid_, static_cast<int>(info.ssi_signo));
      }
    }
    Reap();
  }

  void Reap() {
    int status = 0;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
      if (pid == command_pid_) {
        wait_status_ = status;
        command_ended_ = true;
        ended_at_ = base::MonotonicNow();
      } else if (pid == agent_pid_) {
        agent_pid_ = -1;
        agent_ended_at_ = base::MonotonicNow();
        agent_exited_ = WIFEXITED(status);  // done, or it said why; only a killed one is started again
      }
    }
  }

  void StartAgent() {
    agent_pid_ = fork();
    if (agent_pid_ != 0) return;
    setsid();
    YieldToTraining();
    sigprocmask(SIG_SETMASK, &old_signals_, nullptr);
    auto log = base::OpenFile(options_.run_directory + "/agent.log", O_WRONLY | O_CREAT | O_APPEND);
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDIN_FILENO);
    dup2(log.ok() ? log->get() : null, STDOUT_FILENO);
    dup2(log.ok() ? log->get() : null, STDERR_FILENO);
    std::vector<char*> arguments;
    for (const std::string& argument : options_.agent_command) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    execv(arguments[0], arguments.data());
    _exit(127);
  }

  void KeepAgent() {
    if (agent_pid_ > 0 || agent_exited_) return;
    if (base::MonotonicNow() - agent_ended_at_ > kAgentRestartDelay) StartAgent();
  }

  void Turn() {
    epoll_event events[64];
    int count = epoll_wait(epoll_.get(), events, 64, command_ended_ ? 10 : 50);
    for (int i = 0; i < count; ++i) {
      auto found = ready_.find(events[i].data.fd);
      if (found == ready_.end()) continue;
      auto ready = found->second;  // it may forget itself
      ready();
    }
    if (std::exchange(read_any_, false)) usleep(kGatherUs);
    int64_t now = base::MonotonicNow();
    out_.Flush(now, false);
    err_.Flush(now, false);
    KeepAgent();
  }

  // The command has ended, and its pipes have too, or only an orphan still holds them and says nothing.
  bool Over() {
    if (!command_ended_) return false;
    if (sources_.empty() && ranks_.empty()) return true;
    return base::MonotonicNow() - ended_at_ > kOrphanPatience && !AnyReadable();
  }

  bool AnyReadable() {
    bool any = false;
    std::vector<int> fds;
    for (const auto& [fd, source] : sources_) fds.push_back(fd);
    for (int fd : fds) any = ReadSource(fd) || any;
    return any && base::MonotonicNow() - ended_at_ < options_.flush_timeout_ms * base::kNsPerMs;
  }

  void Finish() {
    while (!ranks_.empty()) OnRankExit(ranks_.begin()->first);
    model::Record end = Event("node_end", "");
    std::string how = end_source_ == "unknown" ? "how is unknown" : DescribeEnd(wait_status_, &end);
    end.fields.emplace_back("exit_source", end_source_);
    end.text = "the command ended: " + how;
    capture_->Record(end);
    capture_->End();
    out_.Flush(0, true);
    err_.Flush(0, true);
    AwaitAgent();
    rmdir(socket_folder_.c_str());
  }

  void AwaitAgent() {
    int64_t deadline = base::MonotonicNow() + options_.flush_timeout_ms * base::kNsPerMs;
    while (base::MonotonicNow() < deadline) {
      Turn();
      if (agent_exited_) break;
    }
    if (access((options_.run_directory + "/run.json").c_str(), F_OK) != 0) return;  // shipped and removed
    Progress progress = ReadProgress(options_.run_directory);
    dprintf(STDERR_FILENO, "rankscope: %lu records are not yet acknowledged; they are kept in %s. %s\n",
            static_cast<unsigned long>(progress.spooled - progress.acknowledged), options_.run_directory.c_str(),
            agent_pid_ > 0 ? "An agent in the background goes on sending them."
                           : "Send them with: rankscope spool push DIR");
  }

  const KeeperOptions options_;
  std::unique_ptr<CaptureWriter> capture_;
  Mirror out_, err_;
  base::UniqueFd epoll_, signals_, listener_;
  std::string socket_folder_, socket_path_;
  sigset_t old_signals_{};
  std::map<int, std::function<void()>> ready_;
  std::map<int, Source> sources_;
  std::map<int, base::UniqueFd> connections_;
  std::map<pid_t, Rank> ranks_;
  std::vector<char> buffer_ = std::vector<char>(kReadBytes);
  pid_t command_pid_ = -1, agent_pid_ = -1;
  bool command_ended_ = false, agent_exited_ = false, read_any_ = false;
  int wait_status_ = 0;
  base::UniqueFd attached_;
  std::string end_source_ = "wait";
  int64_t ended_at_ = 0, agent_ended_at_ = 0;
};

}  // namespace

base::Result<int> RunKeeper(const KeeperOptions& options) { return Keeper(options).Run(); }

}  // namespace rankscope::agent
