#include "agent/keeper/keeper.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <utility>

#include "agent/capture.h"
#include "agent/child_process.h"
#include "agent/keeper/agent_process.h"
#include "agent/keeper/channel_pipe.h"
#include "agent/keeper/command_process.h"
#include "agent/keeper/event_loop.h"
#include "agent/keeper/guard.h"
#include "agent/keeper/kept_ranks.h"
#include "agent/keeper/output_pipes.h"
#include "agent/keeper/rank_door.h"
#include "agent/keeper/rank_environment.h"
#include "agent/keeper/signal_queue.h"
#include "agent/keeper/terminal_news.h"
#include "agent/launch.h"
#include "agent/life_events.h"
#include "agent/orphan_runs.h"
#include "agent/redaction.h"
#include "agent/run_description.h"
#include "agent/run_directory.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json_text.h"
#include "model/event.h"

namespace rankscope::agent {
namespace {

constexpr int64_t kGuardDelay = 500 * base::kNsPerMs;      // before one that was killed is made anew
constexpr int64_t kOrphanPatience = 200 * base::kNsPerMs;  // after the command's end, for bytes still in pipes
constexpr int64_t kOrphanHold = 30 * base::kNsPerSecond;   // what outlives command and ranks is kept so long

class Keeper {
 public:
  // `lock`: of the run; its guards hold it, too.
  Keeper(const KeeperOptions& options, base::UniqueFd lock, CaptureWriter capture)
      : options_(options),
        lock_(std::move(lock)),
        capture_(std::move(capture)),
        guard_(options.run_directory),
        agent_(options.agent_command, options.run_directory),
        pipes_(&loop_, &capture_, /*shares_terminal=*/options.attach_pid > 0),
        ranks_(&loop_, &capture_, &pipes_, [this] { RenewGuard(); }),
        news_(options.run_directory, options.alerts, &pipes_, &agent_) {}

  base::Result<int> Run() {
    base::Status status = Begin();
    if (status.ok()) {
      do {
        while (!Over()) Turn();
        TakeLeave();  // a guard that was made meanwhile takes over in there
      } while (in_background_ && !capture_.ended());
    }
    if (!status.ok() || capture_.ended()) {
      guard_.Dismiss();
      door_.Remove();
    }
    if (!status.ok()) return status;
    return command_.how_it_ended() ? command_.how_it_ended()->wait_status : 0;
  }

 private:
  base::Status Begin() {
    signals_.Begin();
    RETURN_IF_ERROR(door_.Open(options_.door));
    door_.Answer(&loop_, [this](const RankGreeting& rank, int connection) { Admit(rank, connection); });
    WatchAll();
    agent_.Start(signals_.mask_before());
    RETURN_IF_ERROR(options_.attach_pid > 0 ? Attach() : StartCommand());
    SayStart();
    RenewGuard();
    command_.LetGo();  // only now: from here on somebody always reads what it prints
    return {};
  }

  // All that there is to wait for, on a loop of this process's own.
  void WatchAll() {
    loop_.Renew();
    loop_.Watch(signals_.fd(), [this] { OnSignal(); });
    door_.AnswerAnew();
    pipes_.WatchAll();
    ranks_.WatchAll();
  }

  base::Status StartCommand() {
    ASSIGN_OR_RETURN(OutputPipes::WriteEnds ends, pipes_.Open({}, /*rank_pid=*/0));
    SetRankEnvironment({door_.path(), ends.out.get(), ends.err.get(), options_.rings, options_.buffering,
                        options_.log_interval_steps, options_.allow_pause, options_.python_path});
    return command_.Start(options_.command, ends.out.get(), ends.err.get(), signals_.mask_before());
  }

  // The process runs already and asks for its pipes at our socket; its end is the run's.
  base::Status Attach() {
    RETURN_IF_ERROR(command_.Adopt(options_.attach_pid, &loop_));
    nlohmann::json ready = {{"job_id", options_.job}, {"socket", door_.path()}, {"rings", options_.rings}};
    auto status = base::WriteFully(options_.ready_fd, base::JsonText(ready) + "\n");
    close(options_.ready_fd);
    return status;
  }

  void SayStart() {
    model::Record start = model::MakeEvent("job_start", base::WallNow(), "");
    DescribeRun(options_.command, environ, &start.fields);
    Identity identity = IdentityFrom(getenv);
    start.fields.emplace_back("pid", static_cast<int64_t>(command_.pid()));
    if (identity.world_size && identity.local_rank)
      start.fields.emplace_back("world_size", int64_t{*identity.world_size});
    for (const auto& [name, value] : options_.labels)
      start.fields.emplace_back("label." + name, RedactedLabel(name, value));
    start.text = "started: " + std::get<std::string>(*model::FindField(start.fields, "command"));
    capture_.Record(start);
  }

  // Where the successor of a keeper goes on that was killed, or that has left ranks to it.
  void RenewGuard() {
    if (guard_.Renew() == Guard::Side::kKeeper) return;
    auto capture = CaptureWriter::Continue(options_.run_directory, {});
    if (!capture.ok() || capture->ended()) _exit(0);
    capture_ = *std::move(capture);
    news_.SkipAlerts();
    WatchAll();
    pipes_.Rescue();
    if (command_.ended()) {
      LeaveTerminal();
    } else {
      command_.Watch(&loop_);
      capture_.Record(model::MakeEvent("keeper_replaced", base::WallNow(),
                                       "`rankscope run` was killed; its guard keeps the job's output"));
    }
    agent_.Watch(&loop_);
    RenewGuard();
  }

  // Nobody waits for us any more, and who reads the terminal's pipe waits for its end.
  void LeaveTerminal() {
    in_background_ = true;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null, fd);
    close(null);
  }

  // The guard is renewed before the rank gets its pipes: from then on somebody always reads them.
  void Admit(const RankGreeting& greeting, int connection) {
    auto ends = pipes_.Open(greeting.origin, greeting.pid);
    if (!ends.ok()) return;
    ranks_.Start(greeting);
    RenewGuard();
    SendDescriptors(connection, ends->out.get(), ends->err.get());
  }

  void OnSignal() {
    signals_.Read([this](const signalfd_siginfo& signal) {
      // A terminal's Ctrl+C has reached the command already; what a person or a scheduler sent us has not.
      bool for_the_command = signal.ssi_signo != SIGCHLD && signal.ssi_code != SI_KERNEL;
      if (for_the_command) command_.Signal(static_cast<int>(signal.ssi_signo));
    });
    Reap();
  }

  void Reap() {
    int status = 0;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
      if (command_.Reaped(pid, status)) continue;
      if (agent_.Reaped(pid, status)) {
        if (!command_.ended()) news_.SayRefused(base::MonotonicNow());
        continue;
      }
      if (guard_.Reaped(pid)) guard_due_at_ = base::MonotonicNow() + kGuardDelay;
    }
  }

  // Agent and guard are made again when they were killed. A guard must know the agent.
  void KeepHelpers(int64_t now) {
    bool agent_is_new = agent_.StartAgain(signals_.mask_before(), now);
    bool guard_is_due = !guard_.alive() && now >= guard_due_at_;
    if ((agent_is_new || guard_is_due) && !capture_.ended()) RenewGuard();
  }

  void Turn() {
    loop_.Turn(command_.ended() ? 10 : 50);
    pipes_.Gather();
    int64_t now = base::MonotonicNow();
    pipes_.ReadFiles(now);
    if (!in_background_) news_.Say(now);
    pipes_.Flush(now, /*all=*/false);
    KeepHelpers(now);
  }

  // Whether there is nothing more to do here: all has ended and is sent, or waiting any longer would hold up who waits
  // for the command. Then it is the guard that goes on.
  bool Over() {
    if (!command_.ended()) return false;
    FollowEnds();
    if (capture_.ended() && (in_background_ || agent_.done())) return true;
    if (in_background_) return false;
    int64_t deadline = command_.ended_at() + options_.flush_timeout_ms * base::kNsPerMs;
    return base::MonotonicNow() >= deadline || (!capture_.ended() && IsEndAcknowledged());
  }

  // Says what has ended: the command, then the node when no rank of it lives, then the output.
  void FollowEnds() {
    if (command_end_record_ == 0) {
      if (!SaidItsLastWords()) return;
      SayCommandEnd();
    }
    if (node_ended_at_ == 0 && ranks_.empty()) SayNodeEnd();
    if (capture_.ended() || node_ended_at_ == 0) return;
    bool held_long = base::MonotonicNow() - node_ended_at_ > kOrphanHold;
    if (pipes_.empty() || (ranks_.empty() && held_long)) EndCapture();
  }

  // The command's pipes have ended, or only an orphan still holds them and says nothing.
  bool SaidItsLastWords() {
    if (pipes_.empty() && ranks_.empty()) return true;
    int64_t since = base::MonotonicNow() - command_.ended_at();
    if (since <= kOrphanPatience) return false;
    return !pipes_.ReadEach() || since >= options_.flush_timeout_ms * base::kNsPerMs / 2;
  }

  // Ranks that outlive the command are no news of the node's end.
  void SayCommandEnd() {
    if (ranks_.empty()) {
      SayNodeEnd();
    } else {
      model::Record end = model::MakeEvent("command_end", pipes_.Now(), "");
      end.text = "the command ended: " + DescribeEnd(command_.how_it_ended(), &end) + "; ranks that it left go on";
      capture_.Record(end);
    }
    command_end_record_ = capture_.records();
    if (!pipes_.empty() || !ranks_.empty()) RenewGuard();
  }

  void SayNodeEnd() {
    model::Record end = model::MakeEvent("node_end", pipes_.Now(), "");
    end.text = "the command ended: " + DescribeEnd(command_.how_it_ended(), &end);
    capture_.Record(end);
    node_ended_at_ = base::MonotonicNow();
    if (command_end_record_ != 0 && !pipes_.empty()) RenewGuard();
  }

  void EndCapture() {
    if (!pipes_.empty()) {
      capture_.Record(model::MakeEvent("output_released", base::WallNow(),
                                       "a process outlives the command and its ranks and holds their output open; what "
                                       "it prints from now on is not kept"));
    }
    capture_.End();
    ReleaseOrphans();
    guard_.Dismiss();  // it holds the terminal's descriptors, and who reads these waits for their end
    pipes_.Flush(0, /*all=*/true);
  }

  bool IsEndAcknowledged() const {
    Progress progress = ReadProgress(options_.run_directory);
    return command_end_record_ != 0 && progress.keeper_records >= command_end_record_ &&
           progress.acknowledged == progress.spooled;
  }

  // Processes that outlive the command and still hold its pipes: somebody must read these, or they would stop at a full
  // pipe. What they say is theirs alone now.
  void ReleaseOrphans() {
    if (pipes_.empty()) return;
    if (fork() == 0) {
      lock_.reset();
      DrainForever(pipes_.fds());
    }
    pipes_.Close();
  }

  void TakeLeave() {
    if (in_background_) return;
    agent_.StartIfKilled(signals_.mask_before());
    news_.SayAlerts(base::MonotonicNow());
    if (!capture_.ended()) LeaveToGuard();
    if (in_background_) return;
    pipes_.Flush(0, /*all=*/true);
    if (!agent_.shipped() && !IsEndAcknowledged()) news_.SayUnacknowledged();
  }

  // It is what we are, and goes on when we are gone.
  void LeaveToGuard() {
    if (command_end_record_ == 0) SayCommandEnd();
    if (!in_background_ && !guard_.alive()) RenewGuard();
    if (in_background_ || ranks_.empty()) return;
    std::string left = std::to_string(ranks_.size()) + (ranks_.size() == 1 ? " rank lives" : " ranks live");
    pipes_.Announce("rankscope: the command has ended and " + left + " on; what they print is kept in the background\n",
                    base::MonotonicNow());
  }

  const KeeperOptions options_;
  base::UniqueFd lock_;
  CaptureWriter capture_;
  SignalQueue signals_;
  EventLoop loop_;
  RankDoor door_;
  Guard guard_;
  int64_t guard_due_at_ = 0;
  CommandProcess command_;
  AgentProcess agent_;
  uint64_t command_end_record_ = 0;  // the number of the record that tells of it; 0: not yet told
  int64_t node_ended_at_ = 0;        // monotonic, when its end was told
  bool in_background_ = false;       // the command has ended and `rankscope run` with it
  OutputPipes pipes_;
  KeptRanks ranks_;
  TerminalNews news_;
};

}  // namespace

base::Result<int> RunKeeper(const KeeperOptions& options) {
  signal(SIGPIPE, SIG_IGN);
  ASSIGN_OR_RETURN(base::UniqueFd lock, base::LockFile(KeeperLock(options.run_directory)));
  ASSIGN_OR_RETURN(CaptureWriter capture, CaptureWriter::Create(options.run_directory, {}));
  return Keeper(options, std::move(lock), std::move(capture)).Run();
}

}  // namespace rankscope::agent
