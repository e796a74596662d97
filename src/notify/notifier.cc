#include "notify/notifier.h"

#include <algorithm>
#include <chrono>

#include "base/coding.h"
#include "notify/channel_trouble.h"

namespace rankscope::notify {
namespace {

constexpr int64_t kKeptNs = 7 * 24 * 3600 * base::kNsPerSecond;  // what has ended
constexpr int64_t kPruneEveryNs = 3600 * base::kNsPerSecond;

std::function<base::TimeNs()> ForwardClock() {
  base::TimeNs wall = base::WallNow();
  int64_t start = base::MonotonicNow();
  return [wall, start] { return wall + (base::MonotonicNow() - start); };
}

Delivery DeliveryOf(const Config& config, const Message& message) {
  const Channel& channel = *config.Find(message.channel);
  Delivery delivery{message.id, message.channel, channel.kind->render(config, channel, message), message.at, {}};
  for (const Entry& entry : message.entries) delivery.incidents.push_back(entry.update->incident);
  return delivery;
}

}  // namespace

Notifier::Notifier(Options options) : options_(std::move(options)), planner_(options_.config) {
  if (!options_.now) options_.now = ForwardClock();
}

base::Result<std::unique_ptr<Notifier>> Notifier::Start(Options options) {
  std::unique_ptr<Notifier> notifier(new Notifier(std::move(options)));
  ASSIGN_OR_RETURN(notifier->log_, DeliveryLog::Open(notifier->options_.path));
  ASSIGN_OR_RETURN(notifier->began_, notifier->log_->Began());
  Notifier* self = notifier.get();
  for (const Channel& channel : self->options_.config->channels) {
    self->senders_[channel.name] =
        std::make_unique<Sender>(&channel, self->options_.now,
                                 [self](const Delivery& delivery, DeliveryState state, const std::string& why,
                                        bool late) { self->OnEnded(delivery, state, why, late); });
  }
  {
    std::lock_guard lock(self->mutex_);
    RETURN_IF_ERROR(self->Restore());
  }
  self->thread_ = std::thread([self] { self->Work(); });
  return notifier;
}

Notifier::~Notifier() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  senders_.clear();
}

base::Status Notifier::Restore() {
  base::TimeNs now = options_.now();
  ASSIGN_OR_RETURN(auto kept, log_->Load(now - MessageBudget::kWindowNs));
  for (const auto& silence : kept.silences) {
    RETURN_IF_ERROR(silence.ends > now ? planner_.silences()->Add(silence) : log_->RemoveSilence(silence.id));
  }
  for (KnownIncident& incident : kept.incidents) planner_.Restore(std::move(incident), now);
  for (const auto& [channel, at] : kept.recent) planner_.CountMessage(channel, at);
  for (const auto& [channel, failing] : kept.failing) {
    failing_[channel] = failing.since;
    auto sender = senders_.find(channel);
    if (sender != senders_.end()) sender->second->ResumeFailing(failing.since, failing.why);
  }
  for (Delivery& delivery : kept.pending) {
    auto sender = senders_.find(delivery.channel);
    if (sender != senders_.end()) {
      sender->second->Add(std::move(delivery));
    } else {
      RETURN_IF_ERROR(log_->End(delivery.id, DeliveryState::kRefused, "the channel is not configured any more", now));
    }
  }
  return {};
}

base::Status Notifier::Take(std::span<const Update> updates) {
  constexpr size_t kAtOnce = 1000;  // so that the bound on what is known holds within a storm, too
  for (; !updates.empty(); updates = updates.subspan(std::min(kAtOnce, updates.size()))) {
    std::lock_guard lock(mutex_);
    RETURN_IF_ERROR(TakeLocked(updates.first(std::min(kAtOnce, updates.size()))));
  }
  wake_.notify_all();
  return {};
}

base::Status Notifier::TakeLocked(std::span<const Update> updates) {
  base::TimeNs now = options_.now();
  std::map<std::string, Update> latest;  // of an incident only what it has become
  for (const Update& update : updates) {
    if (update.incident.empty() || update.version == 0) {
      return base::Status::Invalid("an update needs an incident and a version from 1: \"" + update.title + "\"");
    }
    if (!planner_.Knows(update.incident)) {
      ASSIGN_OR_RETURN(uint64_t version, log_->VersionOf(update.incident));
      if (update.version <= version) continue;
    }
    auto before = latest.find(update.incident);
    auto admitted = before == latest.end() ? planner_.Admit(update, now) : Planner::Follow(before->second, update, now);
    if (!admitted) continue;
    Update& kept = latest[admitted->incident];  // that of another incident, where it stands for this one
    kept = *std::move(admitted);
  }
  std::vector<Update> kept;
  kept.reserve(latest.size());
  for (auto& [id, update] : latest) kept.push_back(std::move(update));
  if (kept.empty()) return {};
  RETURN_IF_ERROR(log_->Keep(kept, now));
  for (Update& update : kept) planner_.Take(std::move(update), now);
  return {};
}

base::Result<std::string> Notifier::Silence(notify::Silence silence) {
  std::lock_guard lock(mutex_);
  if (silence.id.empty()) {
    std::string content = silence.by + silence.reason + std::to_string(silence.starts);
    for (const std::string& matcher : silence.matchers) content += '\0' + matcher;
    silence.id = "s-" + std::to_string(base::Checksum(content, static_cast<uint64_t>(options_.now())));
  }
  RETURN_IF_ERROR(planner_.silences()->Add(silence));
  base::Status status = log_->Put(silence);
  if (status.ok()) return silence.id;
  planner_.silences()->Remove(silence.id);
  return status;
}

base::Status Notifier::EndSilence(const std::string& id) {
  std::lock_guard lock(mutex_);
  planner_.silences()->Remove(id);
  return log_->RemoveSilence(id);
}

std::vector<notify::Silence> Notifier::SilencesNow() const {
  std::lock_guard lock(mutex_);
  std::vector<notify::Silence> silences = planner_.silences().All();
  std::erase_if(silences, [now = options_.now()](const notify::Silence& silence) { return silence.ends <= now; });
  return silences;
}

base::Result<uint64_t> Notifier::VersionOf(const std::string& incident) const {
  std::lock_guard lock(mutex_);
  return log_->VersionOf(incident);
}

std::vector<std::shared_ptr<const Update>> Notifier::Open(const std::string& project) const {
  std::lock_guard lock(mutex_);
  return planner_.Open(project);
}

base::Result<std::vector<Telling>> Notifier::Tellings(const TellingFilter& filter) const {
  std::lock_guard lock(mutex_);
  return log_->Tellings(filter);
}

std::vector<ChannelStatus> Notifier::Channels() const {
  std::vector<ChannelStatus> statuses;
  for (const auto& [name, sender] : senders_) statuses.push_back(sender->status());
  return statuses;
}

bool Notifier::Idle() const {
  std::lock_guard lock(mutex_);
  bool told = planned_.empty() && planner_.NextDue([](const std::string&) { return false; }) > options_.now();
  return told && std::all_of(senders_.begin(), senders_.end(),
                             [](const auto& each) { return each.second->status().waiting == 0; });
}

std::function<bool(const std::string&)> Notifier::Blocked() const {
  return [this](const std::string& channel) { return senders_.at(channel)->Blocked(); };
}

void Notifier::Work() {
  constexpr int64_t kLongestNs = 200 * base::kNsPerMs;  // the clock may be one that tests move
  std::unique_lock lock(mutex_);
  while (!stop_) {
    Advance();
    int64_t wait = planner_.NextDue(Blocked()) - options_.now();
    wake_.wait_for(lock, std::chrono::nanoseconds(std::clamp<int64_t>(wait, base::kNsPerMs, kLongestNs)));
  }
}

void Notifier::Advance() {
  NoteFailing();
  NoteTroubles(options_.now());
  Warn(TakeLocked(planner_.EndedStandIns(options_.now())));
  if (!RecordPlanned()) return;       // nothing more while the disk takes nothing
  base::TimeNs now = options_.now();  // not before what was taken just now
  PlanMore(now);
  if (!RecordPlanned()) return;
  auto closed = planner_.TakeClosed();
  if (!closed.empty()) Warn(log_->Close(closed, now));
  if (now - pruned_ < kPruneEveryNs) return;
  pruned_ = now;
  Warn(log_->Prune(now - kKeptNs));
}

void Notifier::PlanMore(base::TimeNs now) {
  planned_ = planner_.Plan(now, Blocked());
  for (const Message& message : planned_) deliveries_.push_back(DeliveryOf(*options_.config, message));
}

// Whether all that was planned is on the disk, and on its way.
bool Notifier::RecordPlanned() {
  if (planned_.empty()) return true;
  base::Status status = log_->Record(planned_, deliveries_);
  Warn(status);
  if (!status.ok()) return false;
  for (Delivery& delivery : deliveries_) {
    Sender& sender = *senders_.at(delivery.channel);
    sender.Add(std::move(delivery));
  }
  planned_.clear();
  deliveries_.clear();
  return true;
}

// So that a restart does not begin to count anew.
void Notifier::NoteFailing() {
  for (const auto& [name, sender] : senders_) {
    ChannelStatus status = sender->status();
    if (status.failing_since == failing_[name]) continue;
    base::Status noted = log_->NoteFailing(name, {status.failing_since, status.error});
    if (noted.ok()) failing_[name] = status.failing_since;
    Warn(noted);
  }
}

void Notifier::NoteTroubles(base::TimeNs now) {
  if (senders_.size() < 2) return;  // there is no other channel to tell
  std::vector<Update> troubles;
  for (const auto& [name, sender] : senders_) {
    auto trouble = TroubleOf(sender->status(), planner_.Fires(TroubleId(name)), now);
    if (trouble) troubles.push_back(*std::move(trouble));
  }
  Warn(TakeLocked(troubles));
}

void Notifier::OnEnded(const Delivery& delivery, DeliveryState state, const std::string& why, bool late) {
  std::lock_guard lock(mutex_);
  base::TimeNs now = options_.now();
  if (late) planner_.CountMessage(delivery.channel, now);
  Warn(log_->End(delivery.id, state, why, now));
  if (state != DeliveryState::kDelivered) {
    Warn(base::Status::Unavailable("channel " + delivery.channel + " was not told (" + delivery.id + "): " + why));
  }
  wake_.notify_all();
}

// What goes on is said once.
void Notifier::Warn(const base::Status& status) {
  if (status.ok() || !options_.warn || status.message() == warned_) return;
  warned_ = status.message();
  options_.warn("notify: " + warned_);
}

}  // namespace rankscope::notify
