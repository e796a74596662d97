#include "agent/keeper.h"

#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "agent/capture.h"
#include "agent/channel_pipe.h"
#include "agent/child_process.h"
#include "agent/event_loop.h"
#include "agent/exit_status.h"
#include "agent/guard.h"
#include "agent/launch.h"
#include "agent/life_events.h"
#include "agent/mirror.h"
#include "agent/oom_watch.h"
#include "agent/orphan_runs.h"
#include "agent/pidfd.h"
#include "agent/rank_door.h"
#include "agent/read_buffer.h"
#include "agent/run_description.h"
#include "base/clock.h"
#include "base/environment.h"
#include "base/file.h"
#include "model/event.h"

namespace rankscope::agent {
namespace {

constexpr useconds_t kGatherUs = 1000;  // between reads of a busy pipe: a writer that need not wake us is faster
constexpr int64_t kHelperRestartDelay = 500 * base::kNsPerMs;
constexpr int64_t kFailedAgentDelay = 5 * base::kNsPerSecond;
constexpr int kRefused = 2;                                // the agent's exit code where it need not come back
constexpr int64_t kOrphanPatience = 200 * base::kNsPerMs;  // after the command's end, for bytes still in pipes

class Keeper {
 public:
  explicit Keeper(const KeeperOptions& options)
      : options_(options), out_(STDOUT_FILENO), err_(STDERR_FILENO), guard_(options.run_directory) {}

  base::Result<int> Run() {
    base::Status status = Begin();
    if (status.ok()) {
      while (!Over()) Turn();
      Finish();
    }
    guard_.Dismiss();
    door_.Remove();
    if (!status.ok()) return status;
    return command_end_ ? command_end_->wait_status : 0;
  }

 private:
  struct Source {  // a pipe that we read
    base::UniqueFd fd;
    uint32_t channel;
    bool err;
    pid_t rank_pid;  // 0: the launcher's
  };
  struct Rank {
    base::UniqueFd pidfd;
    model::Origin origin;
    std::string error_file;
  };

  base::Status Begin() {
    signal(SIGPIPE, SIG_IGN);
    ASSIGN_OR_RETURN(lock_, base::LockFile(KeeperLock(options_.run_directory)));
    ASSIGN_OR_RETURN(auto capture, CaptureWriter::Create(options_.run_directory, {}));
    capture_ = std::make_unique<CaptureWriter>(std::move(capture));
    BlockSignals();
    RETURN_IF_ERROR(door_.Open());
    door_.Answer(&loop_, [this](const RankGreeting& rank, int connection) { Admit(rank, connection); });
    WatchAll();
    StartAgent();
    RETURN_IF_ERROR(options_.attach_pid > 0 ? Attach() : StartCommand());
    SayStart();
    RenewGuard();
    return {};
  }

  void BlockSignals() {
    sigset_t signals;
    sigemptyset(&signals);
    for (int number :
         {SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGCONT, SIGURG, SIGWINCH}) {
      sigaddset(&signals, number);
    }
    for (int number = SIGRTMIN; number <= SIGRTMAX; ++number) sigaddset(&signals, number);
    sigprocmask(SIG_BLOCK, &signals, &old_signals_);
    signals_ = base::UniqueFd(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  }

  // All that there is to wait for, on a loop of this process's own.
  void WatchAll() {
    loop_.Renew();
    loop_.Watch(signals_.get(), [this] { OnSignal(); });
    door_.AnswerAnew();
    for (const auto& [fd, source] : sources_) WatchSource(fd);
    for (const auto& [pid, rank] : ranks_) WatchRank(pid);
  }

  base::Status StartCommand() {
    ASSIGN_OR_RETURN(ChannelPipe out, MakeChannelPipe());
    ASSIGN_OR_RETURN(ChannelPipe err, MakeChannelPipe());
    AddSource(std::move(out.read), {}, false, 0);
    AddSource(std::move(err.read), {}, true, 0);
    SetEnvironment(out.write.get(), err.write.get());
    command_pid_ = fork();
    if (command_pid_ < 0) return base::Status::FromErrno("cannot fork", errno);
    if (command_pid_ == 0) {
      dup2(out.write.get(), STDOUT_FILENO);
      dup2(err.write.get(), STDERR_FILENO);
      sigprocmask(SIG_SETMASK, &old_signals_, nullptr);
      signal(SIGPIPE, SIG_DFL);
      ExecCommand(options_.command);
    }
    command_pidfd_ = OpenPidfd(command_pid_);
    return {};
  }

  // The process runs already and asks for its pipes at our socket; its end is the run's.
  base::Status Attach() {
    command_pid_ = options_.attach_pid;
    command_pidfd_ = OpenPidfd(command_pid_);
    if (!command_pidfd_.valid()) return base::Status::FromErrno("cannot watch the process", errno);
    WatchCommand();
    nlohmann::json ready = {{"job_id", options_.job}, {"socket", door_.path()}, {"rings", options_.rings}};
    auto status = base::WriteFully(options_.ready_fd, ready.dump() + "\n");
    close(options_.ready_fd);
    return status;
  }

  // For a command that is not our child.
  void WatchCommand() {
    loop_.Watch(command_pidfd_.get(), [this] {
      loop_.Forget(command_pidfd_.get());
      OnCommandEnd(ReadExitStatus(command_pidfd_.get(), command_pid_));
    });
  }

  void SetEnvironment(int out, int err) {
    setenv("RANKSCOPE_RUN", "1", 1);
    setenv("RANKSCOPE_SOCKET", door_.path().c_str(), 1);
    setenv("RANKSCOPE_STDOUT_INODE", InodeOf(out).c_str(), 1);
    setenv("RANKSCOPE_STDERR_INODE", InodeOf(err).c_str(), 1);
    setenv("RANKSCOPE_BUFFERING", options_.buffering.c_str(), 1);
    setenv("RANKSCOPE_RINGS", options_.rings.c_str(), 1);
    if (options_.log_interval_steps > 0) {
      setenv("RANKSCOPE_LOG_INTERVAL_STEPS", std::to_string(options_.log_interval_steps).c_str(), 1);
    }
    unsetenv("RANKSCOPE_RANK_PID");  // a nested run is its own
    if (options_.python_path.empty()) return;
    base::PrependToVariable("PYTHONPATH", options_.python_path + "/rankscope/bootstrap:" + options_.python_path);
  }

  void SayStart() {
    model::Record start = model::MakeEvent("job_start", base::WallNow(), "");
    DescribeRun(options_.command, environ, &start.fields);
    Identity identity = IdentityFrom(getenv);
    start.fields.emplace_back("pid", static_cast<int64_t>(command_pid_));
    if (identity.world_size && identity.local_rank)
      start.fields.emplace_back("world_size", int64_t{*identity.world_size});
    for (const auto& [name, value] : options_.labels) start.fields.emplace_back("label." + name, value);
    start.text = "started: " + std::get<std::string>(*model::FindField(start.fields, "command"));
    capture_->Record(start);
  }

  // Where the successor of a dead keeper goes on.
  void RenewGuard() {
    if (guard_.Renew() == Guard::Side::kKeeper) return;
    auto capture = CaptureWriter::Continue(options_.run_directory, {});
    if (!capture.ok() || capture->ended()) _exit(0);
    *capture_ = *std::move(capture);
    WatchAll();
    WatchCommand();
    if (auto left = buffer_.Rescue(); left && left->before == capture_->bytes_of(left->channel)) {
      capture_->Bytes(left->channel, base::WallNow(), left->bytes);
    }
    buffer_.Done();
    capture_->Record(model::MakeEvent("keeper_replaced", base::WallNow(),
                                      "`rankscope run` was killed; its guard keeps the job's output"));
    agent_pidfd_ = OpenPidfd(agent_pid_);
    loop_.Watch(agent_pidfd_.get(), [this] {
      loop_.Forget(agent_pidfd_.get());
      OnAgentEnd(access((options_.run_directory + "/run.json").c_str(), F_OK) != 0 ? 0 : -1);
    });
    RenewGuard();
  }

  void AddSource(base::UniqueFd fd, const model::Origin& origin, bool err, pid_t rank_pid) {
    int raw = fd.get();
    uint32_t channel = capture_->OpenChannel({origin, err ? model::Stream::kStderr : model::Stream::kStdout});
    sources_[raw] = {std::move(fd), channel, err, rank_pid};
    WatchSource(raw);
  }

  void WatchSource(int fd) {
    loop_.Watch(fd, [this, fd] { ReadSource(fd); });
  }

  // One read: fair among many ranks. False at the end or when nothing is there.
  bool ReadSource(int fd) {
    auto found = sources_.find(fd);
    if (found == sources_.end()) return false;
    Source& source = found->second;
    long got = buffer_.Read(fd, source.channel, capture_->bytes_of(source.channel));
    if (got > 0) {
      read_any_ = true;
      capture_->Bytes(source.channel, base::WallNow(), buffer_.bytes());
      buffer_.Done();
      (source.err ? err_ : out_).Write(fd, buffer_.bytes(), HasTerminalToItself(), base::MonotonicNow());
      return true;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    loop_.Forget(fd);
    sources_.erase(found);
    return false;
  }

  // One process writes, and no other keeper: those of attached ranks share the terminal of their launcher.
  bool HasTerminalToItself() const { return sources_.size() <= 2 && options_.attach_pid == 0; }

  // The guard is renewed before the rank gets its pipes: from then on somebody always reads them.
  void Admit(const RankGreeting& greeting, int connection) {
    auto out = MakeChannelPipe();
    auto err = MakeChannelPipe();
    if (!out.ok() || !err.ok()) return;
    AddSource(std::move(out->read), greeting.origin, false, greeting.pid);
    AddSource(std::move(err->read), greeting.origin, true, greeting.pid);
    model::Record start = model::MakeEvent("rank_start", base::WallNow(),
                                           "rank " + std::to_string(greeting.origin.rank.value_or(-1)) + " started");
    start.origin = greeting.origin;
    start.fields.emplace_back("pid", static_cast<int64_t>(greeting.pid));
    start.fields.insert(start.fields.end(), greeting.about.begin(), greeting.about.end());
    capture_->Record(start);
    if (base::UniqueFd pidfd = OpenPidfd(greeting.pid); pidfd.valid()) {
      oom_.Add(greeting.pid);
      ranks_[greeting.pid] = {std::move(pidfd), greeting.origin, greeting.error_file};
      WatchRank(greeting.pid);
    }
    RenewGuard();
    SendDescriptors(connection, out->write.get(), err->write.get());
  }

  void WatchRank(pid_t pid) {
    loop_.Watch(ranks_.at(pid).pidfd.get(), [this, pid] { OnRankExit(pid); });
  }

  void OnRankExit(pid_t pid) {
    auto found = ranks_.find(pid);
    if (found == ranks_.end()) return;
    Rank rank = std::move(found->second);
    ranks_.erase(found);
    auto status = ReadExitStatus(rank.pidfd.get(), pid);
    loop_.Forget(rank.pidfd.get());
    DrainRank(pid);  // its last words come before the news of its end
    bool killed = status && WIFSIGNALED(status->wait_status) && WTERMSIG(status->wait_status) == SIGKILL;
    model::Record exit = RankExit(rank.origin, pid, status, killed ? oom_.Struck(pid) : std::nullopt);
    if (std::string error = ReadErrorFile(rank.error_file); !error.empty()) exit.fields.emplace_back("error", error);
    capture_->Record(exit);
    RenewGuard();
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
      if (info.ssi_code != SI_KERNEL && !command_ended_) {
        SignalProcess(command_pidfd_.get(), static_cast<int>(info.ssi_signo));
      }
    }
    Reap();
  }

  void Reap() {
    int status = 0;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
      if (pid == command_pid_) {
        OnCommandEnd(ExitStatus{status, "wait"});
      } else if (pid == agent_pid_) {
        OnAgentEnd(WIFEXITED(status) ? WEXITSTATUS(status) : -1);
      } else if (guard_.Reaped(pid)) {
        helper_ended_at_ = base::MonotonicNow();
      }
    }
  }

  void OnCommandEnd(std::optional<ExitStatus> end) {
    command_end_ = std::move(end);
    command_ended_ = true;
    ended_at_ = base::MonotonicNow();
  }

  // Done, or refused for good; else it was killed, or could not work now.
  void OnAgentEnd(int exit_code) {
    agent_pid_ = -1;
    agent_exited_ = exit_code == 0 || exit_code == kRefused;
    helper_ended_at_ = base::MonotonicNow();
    helper_delay_ = exit_code < 0 ? kHelperRestartDelay : kFailedAgentDelay;
  }

  void StartAgent() {
    agent_pid_ = StartDetached(options_.agent_command, options_.run_directory + "/agent.log", old_signals_);
  }

  // Agent and guard are started again when they were killed, but not in a hurry.
  void KeepHelpers() {
    bool agent_missing = agent_pid_ <= 0 && !agent_exited_;
    if (!agent_missing && guard_.alive()) return;
    if (base::MonotonicNow() - helper_ended_at_ < helper_delay_) return;
    if (agent_missing) StartAgent();
    if (!capture_->ended()) RenewGuard();
  }

  void Turn() {
    loop_.Turn(command_ended_ ? 10 : 50);
    if (std::exchange(read_any_, false)) usleep(kGatherUs);
    int64_t now = base::MonotonicNow();
    out_.Flush(now, false);
    err_.Flush(now, false);
    KeepHelpers();
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
    return any && base::MonotonicNow() - ended_at_ < options_.flush_timeout_ms * base::kNsPerMs / 2;
  }

  void Finish() {
    while (!ranks_.empty()) OnRankExit(ranks_.begin()->first);
    model::Record end = model::MakeEvent("node_end", base::WallNow(), "");
    end.text = "the command ended: " + DescribeEnd(command_end_, &end);
    capture_->Record(end);
    capture_->End();
    ReleaseOrphans();
    guard_.Dismiss();  // it holds the terminal's descriptors, and who reads these waits for their end
    out_.Flush(0, true);
    err_.Flush(0, true);
    AwaitAgent();
  }

  // Processes that outlive the command and still hold its pipes: somebody must read these, or they would stop at a full
  // pipe. What they say is theirs alone now.
  void ReleaseOrphans() {
    if (sources_.empty()) return;
    if (fork() != 0) return;
    lock_.reset();
    std::vector<int> pipes;
    for (const auto& [fd, source] : sources_) pipes.push_back(fd);
    DrainForever(pipes);
  }

  void AwaitAgent() {
    int64_t deadline = ended_at_ + options_.flush_timeout_ms * base::kNsPerMs;
    while (base::MonotonicNow() < deadline && !agent_exited_) Turn();
    if (access((options_.run_directory + "/run.json").c_str(), F_OK) != 0) return;  // shipped and removed
    Progress progress = ReadProgress(options_.run_directory);
    dprintf(STDERR_FILENO, "rankscope: %lu records are not yet acknowledged; they are kept in %s. %s\n",
            static_cast<unsigned long>(progress.spooled - progress.acknowledged), options_.run_directory.c_str(),
            agent_pid_ > 0 ? "An agent in the background goes on sending them."
                           : (LastWordsOfAgent() + "Send them with: rankscope spool push DIR").c_str());
  }

  // Why it gave up ("rankscope: REASON" is its last line), as a sentence; empty where it said nothing.
  std::string LastWordsOfAgent() const {
    auto log = base::ReadWholeFile(options_.run_directory + "/agent.log");
    if (!log.ok() || log->empty()) return "";
    size_t end = log->find_last_not_of('\n');
    std::string line = log->substr(0, end + 1);
    line.erase(0, line.rfind('\n') + 1);
    return "The agent ended: " + line.substr(line.starts_with("rankscope: ") ? 11 : 0) + ". ";
  }

  const KeeperOptions options_;
  base::UniqueFd lock_;  // its guards hold it, too
  ReadBuffer buffer_;
  std::unique_ptr<CaptureWriter> capture_;
  Mirror out_, err_;
  Guard guard_;
  RankDoor door_;
  base::UniqueFd signals_;
  EventLoop loop_;
  sigset_t old_signals_{};
  std::map<int, Source> sources_;
  std::map<pid_t, Rank> ranks_;
  OomWatch oom_;
  pid_t command_pid_ = -1, agent_pid_ = -1;
  base::UniqueFd command_pidfd_, agent_pidfd_;
  std::optional<ExitStatus> command_end_;
  bool command_ended_ = false, agent_exited_ = false, read_any_ = false;
  int64_t ended_at_ = 0, helper_ended_at_ = 0, helper_delay_ = kHelperRestartDelay;
};

}  // namespace

base::Result<int> RunKeeper(const KeeperOptions& options) { return Keeper(options).Run(); }

}  // namespace rankscope::agent
