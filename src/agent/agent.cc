#include "agent/agent.h"

#include <poll.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <mutex>

#include "agent/alerts.h"
#include "agent/capture.h"
#include "agent/collector.h"
#include "agent/exit_witnesses.h"
#include "agent/keeper/rank_door.h"
#include "agent/orphan_runs.h"
#include "agent/ranks/rank_gpus.h"
#include "agent/ranks/rank_orders.h"
#include "agent/ranks/rings.h"
#include "agent/ranks/silent_ranks.h"
#include "agent/run_directory.h"
#include "agent/samples/gpu_sampler.h"
#include "agent/samples/host_sampler.h"
#include "agent/samples/port_sampler.h"
#include "agent/ship/sender.h"
#include "agent/ship/spool.h"
#include "base/clock.h"

namespace rankscope::agent {
namespace {

constexpr size_t kFrameBytes = 256 << 10;
constexpr int64_t kFrameAge = 50 * base::kNsPerMs;   // the longest a record waits for company
constexpr int kLastAlertsMs = 500;                   // what the last lines say may still be judged
constexpr int kIdleMs = 10;                          // between looks at a quiet capture
constexpr int64_t kQuiet = 20 * base::kNsPerSecond;  // a third of what a server waits before it calls a job lost

// Less than a quarter of the disk is free, or less than 64 MiB of a large one: room for what the keeper captures
// meanwhile.
bool DiskIsShort(const std::string& path) {
  struct statvfs disk {};
  if (statvfs(path.c_str(), &disk) != 0) return false;
  return disk.f_bavail < std::min<uint64_t>(disk.f_blocks / 4, (64 << 20) / disk.f_frsize);
}

class Agent {
 public:
  Agent(const AgentOptions& options, const RunConfig& config, std::unique_ptr<Spool> spool, CaptureReader reader)
      : options_(options),
        config_(config),
        directory_(options.run_directory),
        spool_(std::move(spool)),
        reader_(std::move(reader)),
        collector_(config, spool_->positions()),
        rings_(config, spool_->positions()),
        host_("/", options.run_directory),
        silent_ranks_(config.rings),
        sender_(config, spool_.get(), spool_->next_seq() - 1, [this](const std::string& line) { TakeAlert(line); }),
        orders_(config, options.run_directory, &rings_,
                [this](model::JobAnswer answer) { sender_.Answer(std::move(answer)); }),
        said_(ReadProgress(directory_)) {}

  base::Result<Shipped> Run() {
    while (!Finished()) {
      bool busy = Pull();
      if (collector_.ended()) {
        for (model::Record& event : silent_ranks_.Ends()) collector_.Add(std::move(event));
      }
      if (auto status = sender_.refusal(); !status.ok()) return status;
      collector_.Tick(base::WallNow());
      TakeSamples();
      if (IsQuiet()) collector_.Add(HostSampler::Uptime(base::WallNow()));
      if (uint32_t steps = sender_.log_interval_steps()) rings_.SetLogIntervalSteps(steps);
      ServeOrders();
      Spill(/*force=*/collector_.ended() || Drained(busy));
      Release();
      if (!failed_.ok()) return failed_;
      if (Removed()) return Abandon();
      if (GaveUp()) return NoAnswer();
      if (!busy) poll(nullptr, 0, kIdleMs);
    }
    if (config_.alerts && sender_.connected()) poll(nullptr, 0, kLastAlertsMs);
    if (KeeperIsDead()) RankDoor::RemoveFolder(DoorFolder(config_));
    Shipped shipped{spool_->next_seq() - 1, sender_.held_before(), sender_.lost(), ""};
    shipped.kept_in = SetAside();
    RemoveFolders(/*with_directory=*/shipped.kept_in.empty());
    return shipped;
  }

 private:
  // It removes its door itself, where it lives to do so.
  bool KeeperIsDead() const { return options_.drain || base::LockFile(KeeperLock(directory_)).ok(); }

  // On the sender's thread. One that came while the folder goes would leave a folder with nothing but that alert.
  void TakeAlert(const std::string& line) {
    std::lock_guard lock(alerts_mutex_);
    if (takes_alerts_) AppendAlert(directory_, line);
  }

  void RemoveFolders(bool with_directory) {
    {
      std::lock_guard lock(alerts_mutex_);
      takes_alerts_ = false;
    }
    std::error_code ignored;  // a leftover folder only costs its place
    if (with_directory) std::filesystem::remove_all(directory_, ignored);
    if (!config_.rings.empty()) std::filesystem::remove_all(config_.rings, ignored);
  }

  // Where the run directory is, for people to look at, when records are lost that its capture may hold still: beside
  // runs/, where nobody takes it up, or where it was. Empty: it is of no use.
  std::string SetAside() const {
    if (sender_.lost() == 0 || access((directory_ + "/capture/00000001").c_str(), F_OK) != 0) return "";
    const std::string folder = StateHome() + "/damaged";
    const std::string place = folder + "/" + config_.run;
    bool moved =
        !config_.run.empty() && base::MakeDirectories(folder).ok() && rename(directory_.c_str(), place.c_str()) == 0;
    return moved ? place : directory_;
  }

  // Whether somebody has removed the run directory, spool and all: there is nothing left to send. Asked once a second.
  bool Removed() {
    int64_t now = base::MonotonicNow();
    if (now - looked_at_ < base::kNsPerSecond) return false;
    looked_at_ = now;
    return access(directory_.c_str(), F_OK) != 0 && errno == ENOENT;
  }

  base::Status Abandon() {
    RemoveFolders(/*with_directory=*/true);
    return base::Status::NotFound("the run directory " + directory_ + " was removed");
  }

  base::Status NoAnswer() const {
    return base::Status::Unavailable("no acknowledgement from " + CurrentServer(config_) + " for " +
                                     std::to_string(options_.give_up_after_s) + " s; what is left stays in " +
                                     directory_);
  }

  // Reads capture and rings until a frame is full or nothing is left. False when there was nothing.
  bool Pull() {
    bool any = false;
    while (pending_bytes() < kFrameBytes && !collector_.ended()) {
      auto entry = reader_.Next();
      if (!entry.ok() || !entry->has_value()) break;
      any = true;
      if (collector_.WantsRings(**entry, looked_at_rings_)) {
        looked_at_rings_ = base::WallNow();
        rings_.LookAtOnce();
        PullRings();
      }
      if (const auto* captured = std::get_if<CaptureRecord>(&**entry)) silent_ranks_.Hear(captured->record);
      collector_.Take(**entry);
    }
    if (collector_.ended()) rings_.End();
    return PullRings() || any;
  }

  // Whose a ring is is known once the run has begun.
  bool PullRings() {
    if (!collector_.lone_command() && !collector_.ended()) return false;
    rings_.SetLoneCommand(collector_.lone_command().value_or(0));
    bool any = rings_.Pull(kFrameBytes);
    if (rings_.command_is_a_rank()) collector_.TakeCommandForARank();
    return any;
  }

  void TakeSamples() {
    for (model::Record& record : gpus_.Take()) collector_.Add(std::move(record));
    if (!collector_.ended()) {
      for (model::Record& event : silent_ranks_.Look(base::MonotonicNow())) collector_.Add(std::move(event));
    }
    int64_t now = base::MonotonicNow();
    bool due = sampled_at_ == 0 || now - sampled_at_ >= config_.sample_interval_s * base::kNsPerSecond;
    if (config_.sample_interval_s <= 0 || !due || collector_.node_ended()) return;
    sampled_at_ = now;
    collector_.Add(host_.Sample(base::WallNow()));
    for (model::Record& record : ports_.Sample(base::WallNow())) collector_.Add(std::move(record));
    gpus_.Request();
  }

  // Ranks may say nothing for hours, and nobody need want samples: the server is to hear that the run goes on.
  bool IsQuiet() const {
    return unspooled_.empty() && pending_bytes() == 0 && !collector_.node_ended() &&
           base::MonotonicNow() - spooled_at_ >= kQuiet;
  }

  void ServeOrders() {
    int64_t now = base::MonotonicNow();
    for (const model::JobOrder& order : sender_.TakeOrders()) orders_.Take(order, now);
    orders_.Look(now, sender_.connected());
    for (model::Record& record : orders_.Drain()) collector_.Add(std::move(record));
    if (orders_.WantsSamples()) sampled_at_ = 0;
  }

  size_t pending_bytes() const { return collector_.pending_bytes() + rings_.pending_bytes(); }

  // `spool push` on a run whose keeper was killed: no more will come.
  bool Drained(bool busy) {
    if (options_.drain && !busy && !collector_.ended()) collector_.Take(CaptureEnd{});
    return collector_.ended();
  }

  void Spill(bool force) {
    int64_t now = base::MonotonicNow();
    if (pending_bytes() == 0 && unspooled_.empty()) {
      oldest_ = now;
      return;
    }
    if (!force && pending_bytes() < kFrameBytes && now - oldest_ < kFrameAge) return;
    if (unspooled_.empty()) {
      Drain();
    }
    MakeRoom();
    if (auto status = spool_->Append(&unspooled_, positions_); !status.ok()) {  // a full disk: they wait here
      (void)spool_->Thin().ok();
      if (status.code() == base::Code::kInternal) failed_ = status;  // a disk that lies: only a new start reads it anew
      return;
    }
    unspooled_.clear();
    spooled_at_ = now;
    rings_.Release(positions_);
    oldest_ = now;
    sender_.Wake(spool_->next_seq() - 1);
    reader_.RemoveBefore(file_number_ - 1);  // a line held since the file before may still be read again
  }

  // The spool keeps within its bytes, and leaves the disk some for the keeper's capture.
  void MakeRoom() {
    while (spool_->bytes_on_disk() > config_.spool_limit_bytes || DiskIsShort(directory_)) {
      auto freed = spool_->Thin();
      if (!freed.ok() || !*freed) return;
    }
  }

  void Drain() {
    unspooled_ = collector_.Drain();
    for (model::Record& record : rings_.Drain()) unspooled_.push_back(std::move(record));
    exits_.Resolve(&unspooled_);
    rank_gpus_.Complete(gpus_.uuids(), &unspooled_);
    positions_ = rings_.positions();
    positions_.merge(collector_.positions());
    file_number_ = reader_.file_number();
  }

  void Release() {
    spool_->Release(sender_.acked_seq());
    std::string trouble = sender_.trouble();
    bool known = !trouble.empty() || sender_.reached();  // an agent before this one may have met some
    if (known && trouble != trouble_) WriteTrouble(directory_, trouble_ = trouble);
    // What an agent before this one knew counts until the server answers.
    Progress progress{spool_->next_seq() - 1, sender_.reached() ? sender_.acked_seq() : said_.acknowledged,
                      Collector::KeeperRecords(spool_->positions())};
    if (progress == said_) return;
    said_ = progress;
    WriteProgress(directory_, progress);
  }

  bool Finished() const {
    return collector_.ended() && rings_.done() && unspooled_.empty() && pending_bytes() == 0 &&
           sender_.acked_seq() + 1 >= spool_->next_seq();
  }

  bool GaveUp() {
    if (options_.give_up_after_s == 0 || !collector_.ended()) return false;
    int64_t now = base::MonotonicNow();
    if (waiting_since_ == 0 || sender_.acked_seq() != waiting_past_) waiting_since_ = now;
    waiting_past_ = sender_.acked_seq();
    return now - waiting_since_ > options_.give_up_after_s * base::kNsPerSecond;
  }

  const AgentOptions options_;
  const RunConfig config_;
  const std::string directory_;
  std::unique_ptr<Spool> spool_;
  CaptureReader reader_;
  Collector collector_;
  Rings rings_;
  ExitWitnesses exits_;
  HostSampler host_;
  PortSampler ports_;
  GpuSampler gpus_;
  RankGpus rank_gpus_;
  SilentRankWatch silent_ranks_;
  int64_t sampled_at_ = 0, spooled_at_ = base::MonotonicNow();
  std::mutex alerts_mutex_;
  bool takes_alerts_ = config_.alerts;  // guarded by it
  Sender sender_;
  RankOrders orders_;
  std::vector<model::Record> unspooled_;
  base::Status failed_;
  SourcePositions positions_;
  uint64_t file_number_ = 0;
  int64_t oldest_ = 0, waiting_since_ = 0, looked_at_ = 0;
  base::TimeNs looked_at_rings_ = 0;
  uint64_t waiting_past_ = 0;
  Progress said_;
  std::string trouble_ = ReadTrouble(directory_);
};

base::Status OtherAgent(const std::string& run_directory) {
  const int64_t holder = AgentOf(run_directory);
  if (holder <= 0) return base::Status::Unavailable("another agent works on " + run_directory + ": try again later");
  const std::string pid = std::to_string(holder);
  return base::Status::Unavailable("agent " + pid + " works on " + run_directory +
                                   "; where that is the agent of a run that has ended, `kill " + pid +
                                   "` ends it, and nothing is lost");
}

}  // namespace

base::Result<Shipped> RunAgent(const AgentOptions& options) {
  ASSIGN_OR_RETURN(RunConfig config, ReadRunConfig(options.run_directory));
  if (!options.token.empty()) config.token = options.token;
  if (!options.server.empty()) {
    config.server = options.server;
    config.data_dir.clear();
  }
  auto lock = base::LockFile(AgentLock(options.run_directory));
  if (!lock.ok()) return OtherAgent(options.run_directory);
  SignAgentLock(lock->get());
  // What is drained is removed: nobody may write there any more.
  auto keeper = options.drain ? base::LockFile(KeeperLock(options.run_directory))
                              : base::Result<base::UniqueFd>(base::UniqueFd());
  if (!keeper.ok()) return base::Status::Unavailable("the run of " + options.run_directory + " still goes on");
  if (options.drain) MarkDrained(keeper->get());
  journal::Recovery recovery;
  ASSIGN_OR_RETURN(auto spool, Spool::Open(options.run_directory + "/spool", &recovery));
  ASSIGN_OR_RETURN(CaptureReader reader, CaptureReader::Open(options.run_directory));
  return Agent(options, config, std::move(spool), std::move(reader)).Run();
}

}  // namespace rankscope::agent
