#include "monitor/detection.h"

#include <algorithm>

#include "base/clock.h"

namespace rankscope::monitor {
namespace {

constexpr int64_t kSaveEvery = base::kNsPerSecond;  // of a position alone: the journal replays what comes after it
constexpr int64_t kLookEvery = base::kNsPerSecond;  // at the clock, for acknowledgements that are over
constexpr int64_t kSweepEvery = 60 * base::kNsPerSecond;
// While saving fails: so much is kept in memory, and so many bytes of the journal are not let go.
constexpr size_t kMostUnsaved = 10'000;
constexpr uint64_t kMostUnsavedBytes = uint64_t{1} << 30;

constexpr size_t kMostSeen = 10'000;  // jobs
constexpr auto kLookForAnswer = std::chrono::milliseconds(100);

// Of each incident only what it is now: more of them than there are incidents say nothing.
void KeepLast(std::vector<catalog::IncidentRow>* rows) {
  std::set<std::string> seen;
  std::vector<catalog::IncidentRow> last;
  for (auto row = rows->rbegin(); row != rows->rend(); ++row) {
    if (seen.insert(row->id).second) last.push_back(std::move(*row));
  }
  rows->assign(std::make_move_iterator(last.rbegin()), std::make_move_iterator(last.rend()));
}

}  // namespace

// A data directory without findings yet begins with what comes next.
Detection::Detection(Parts parts)
    : parts_(std::move(parts)),
      durable_position_(parts_.findings->position().value_or(parts_.store->durable_position())),
      desk_({parts_.project, parts_.findings, parts_.world_size, parts_.say}),
      judge_({parts_.project, parts_.findings, &desk_, parts_.store,
              [this](uint64_t* next) { return queue_.Waiting(next); }, parts_.say, parts_.is_past}),
      news_(parts_.findings->incidents(), parts_.listeners,
            [this](const std::string& line) { parts_.say("project " + parts_.project + ": " + line); }) {
  judge_.Use(parts_.rules);
}

Detection::~Detection() { Stop(); }

base::Status Detection::Append(uint64_t end_position, std::shared_ptr<const model::RecordBatch> records) {
  WelcomeNewJobs(*records);
  queue_.Put(end_position, std::move(records));
  return {};
}

// The store has what comes only after us: a job that it does not hold now begins here.
void Detection::WelcomeNewJobs(const model::RecordBatch& records) {
  if (seen_.size() > kMostSeen) seen_.clear();  // of those that the store holds, nothing comes of it
  for (const model::Origin& origin : records.origins()) {
    if (!seen_.insert(origin.job).second || parts_.store->Holds(origin.job)) continue;
    queue_.Put([this, job = origin.job] { judge_.Welcome(job); });
  }
}

base::Status Detection::Tick(uint64_t end_position, const std::string&, const std::vector<model::JobTime>& jobs) {
  queue_.Put(end_position, jobs);
  return {};
}

void Detection::Start(ingest::Ingest* ingest) {
  events_ = std::make_unique<FindingEvents>(parts_.project, parts_.findings, ingest);
  thread_ = std::thread([this] { Loop(); });
}

void Detection::Stop() {
  queue_.Stop();
  if (thread_.joinable()) thread_.join();
}

void Detection::UseRules(std::shared_ptr<const detect::RuleSet> rules) {
  queue_.Put([this, rules = std::move(rules)] { judge_.Use(rules); });
}

// While nothing is taken the errand would wait with what it follows; and who asks may be whom the server waits for.
base::Status Detection::ForgetJob(const std::string& job) {
  auto forgotten = std::make_shared<std::promise<base::Status>>();
  auto wanted = std::make_shared<std::atomic<bool>>(true);
  queue_.Put([this, job, forgotten, wanted] {
    if (*wanted) forgotten->set_value(Forget(job));
  });
  auto answer = forgotten->get_future();
  while (answer.wait_for(kLookForAnswer) != std::future_status::ready) {
    if (!full_ && !queue_.stopped()) continue;
    *wanted = false;
    return base::Status::Unavailable(full_ ? "findings cannot be saved now: try again when they can"
                                           : "the server is stopping");
  }
  return answer.get();
}

// Whoever was told that something is open is told that it is not.
base::Status Detection::Forget(const std::string& job) {
  RETURN_IF_ERROR(desk_.ResolveAll(job, "the job was deleted", base::WallNow()));
  RETURN_IF_ERROR(SaveAll());
  // Else they would come back after the job is gone.
  if (!events_->PublishAll()) {
    return base::Status::Unavailable("what was found of it is still being written; try again");
  }
  judge_.Forget(job);
  return parts_.findings->DeleteJob(job);
}

template <typename Answer>
base::Result<Answer> Detection::Ask(std::function<base::Result<Answer>()> question) {
  auto answered = std::make_shared<std::promise<base::Result<Answer>>>();
  queue_.PutFirst([this, question = std::move(question), answered] {
    base::Result<Answer> answer = question();
    base::Status saved = SaveAll();
    answered->set_value(answer.ok() && !saved.ok() ? base::Result<Answer>(saved) : std::move(answer));
  });
  auto answer = answered->get_future();
  while (answer.wait_for(kLookForAnswer) != std::future_status::ready) {
    if (queue_.stopped()) return base::Status::Unavailable("the server is stopping");
  }
  return answer.get();
}

base::Result<diagnose::Incident> Detection::Say(const std::string& incident, const IncidentWord& word) {
  return Ask<diagnose::Incident>([this, incident, word] { return desk_.Say(incident, word, base::WallNow()); });
}

base::Result<catalog::FindingRow> Detection::Decide(const std::string& finding, const catalog::Decision& decision) {
  return Ask<catalog::FindingRow>([this, finding, decision]() -> base::Result<catalog::FindingRow> {
    ASSIGN_OR_RETURN(catalog::FindingRow row, parts_.findings->Decide(finding, decision));
    RETURN_IF_ERROR(FollowDecision(row, decision));
    return row;
  });
}

base::Status Detection::FollowDecision(const catalog::FindingRow& row, const catalog::Decision& decision) {
  if (row.incident.empty()) return {};
  ASSIGN_OR_RETURN(auto decided, parts_.findings->incidents()->DecidedFindings(row.incident));
  IncidentWord word;
  word.by = decision.by;
  word.note = decision.note;
  if (decision.state == "confirmed") {
    word.act = IncidentWord::Act::kConfirm;
  } else if (decided.dismissed == decided.findings) {
    word.act = IncidentWord::Act::kDismiss;
  } else {
    return {};
  }
  return desk_.Say(row.incident, word, decision.at).status();
}

void Detection::SetCost(const std::string& job, const std::string& incident, const diagnose::IncidentCost& cost) {
  queue_.PutFirst([this, job, incident, cost] {
    desk_.SetCost(job, incident, cost);
    Collect();
  });
}

void Detection::Loop() {
  while (!queue_.stopped()) {
    news_.Tell();
    full_ = IsFull();
    TakeLot(full_ ? queue_.TakeFirst() : queue_.Take());
    LookAtClock();
    SaveWhenDue(/*now=*/HasNews());
    ForgetUnusedJobs();
    parts_.act(/*more=*/false);
    events_->Publish();
  }
  SaveWhenDue(/*now=*/true);
}

void Detection::TakeLot(const DetectionQueue::Lot& lot) {
  if (lot.errand) return lot.errand();
  if (!lot.batches.empty()) judge_.Take(lot.batches);
  if (!lot.tick.empty()) judge_.Tick(lot.tick);
  Collect();
  if (lot.end_position != 0) unsaved_.position = lot.end_position;
}

// What the desk has forgotten it reads again: it has to be on the disk.
void Detection::ForgetUnusedJobs() {
  int64_t now = base::MonotonicNow();
  bool due = now - swept_at_ >= kSweepEvery;
  if (due) {
    swept_at_ = now;
    judge_.ForgetQuietJobs();
  }
  if ((due || desk_.jobs() > IncidentDesk::kMostJobs) && !HasNews()) desk_.ForgetUnused(now);
}

void Detection::Collect() {
  Judge::Verdict verdict = judge_.TakeVerdict();
  std::move(verdict.findings.begin(), verdict.findings.end(), std::back_inserter(unsaved_.findings));
  for (catalog::WantedAction& wanted : verdict.actions) Want(std::move(wanted));
  std::move(verdict.events.begin(), verdict.events.end(), std::back_inserter(unsaved_.events));
  std::move(verdict.alerts.begin(), verdict.alerts.end(), std::back_inserter(alerts_));
  desk_.Drain(&unsaved_);
  if (failing_) KeepLast(&unsaved_.incidents);
}

// A storm of findings wants few things.
void Detection::Want(catalog::WantedAction wanted) {
  auto& actions = unsaved_.actions;
  auto same = std::find_if(actions.begin(), actions.end(), [&](const catalog::WantedAction& other) {
    return other.job == wanted.job && other.action == wanted.action;
  });
  if (same == actions.end()) return actions.push_back(std::move(wanted));
  ++same->further;
}

void Detection::LookAtClock() {
  int64_t now = base::MonotonicNow();
  if (now - looked_at_ < kLookEvery) return;
  looked_at_ = now;
  desk_.EndAcknowledgements(base::WallNow());
  Collect();
}

bool Detection::HasNews() const {
  return !unsaved_.findings.empty() || !unsaved_.incidents.empty() || !unsaved_.events.empty();
}

base::Status Detection::SaveAll() {
  Collect();
  failing_ = false;  // try at once
  SaveWhenDue(/*now=*/true);
  if (!HasNews()) return {};
  return base::Status::Unavailable("the findings cannot be saved now; what was said counts once they can");
}

bool Detection::IsFull() const {
  if (!failing_) return false;
  size_t unsaved = unsaved_.findings.size() + unsaved_.events.size() + unsaved_.versions.size();
  return unsaved > kMostUnsaved || unsaved_.position.value_or(0) > durable_position_ + kMostUnsavedBytes;
}

// A disk that is full now may not be at the next look: what was found stays here until then.
void Detection::SaveWhenDue(bool now) {
  if ((!now || failing_) && base::MonotonicNow() - saved_at_ < kSaveEvery) return;
  bool failed = failing_;
  base::Status status = Save();
  if (!status.ok() && !failed) {
    parts_.say("project " + parts_.project + ": findings cannot be saved yet: " + status.message());
  }
}

base::Status Detection::Save() {
  if (!unsaved_.position && !HasNews()) return {};
  saved_at_ = base::MonotonicNow();
  unsaved_.written = events_->written();
  base::Status status = parts_.findings->Save(unsaved_);
  failing_ = !status.ok();
  if (failing_) return status;
  if (!unsaved_.versions.empty()) news_.Expect();
  if (unsaved_.position) durable_position_ = *unsaved_.position;
  bool more = !unsaved_.actions.empty();
  unsaved_ = {};
  if (more) parts_.act(/*more=*/true);
  for (const auto& [job, line] : std::exchange(alerts_, {})) parts_.alert(job, line);
  return {};
}

}  // namespace rankscope::monitor
