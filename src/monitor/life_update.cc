#include "monitor/life_update.h"

#include <algorithm>

#include "model/time_text.h"
#include "monitor/page_link.h"

namespace rankscope::monitor {
namespace {

constexpr uint64_t kPhases = 8;
constexpr std::string_view kLife = "life/";

uint64_t VersionAfter(uint64_t told, LifePhase phase) {
  return (told / kPhases + 1) * kPhases + static_cast<uint64_t>(phase);
}

struct Entered {
  LifePhase phase = LifePhase::kNone;  // kNone: nobody knows yet
  base::TimeNs at = 0;
};

Entered EnteredBy(const catalog::JobLife& life, LifePhase told, const LifeContext& context) {
  if (life.ended != 0) return {life.state == "finished" ? LifePhase::kFinished : LifePhase::kFailed, life.ended};
  if (life.state == "running") {
    return {LifePhase::kStarted, told == LifePhase::kStalled ? life.last_heard : life.launched};
  }
  int64_t silent = context.now - life.last_heard;
  if (silent > kGivenUpAfter) return {LifePhase::kFailed, life.last_heard + kGivenUpAfter};
  if (context.now - std::max(life.last_heard, context.heard_since) <= context.lost_after_ns) return {};
  return {LifePhase::kStalled, life.last_heard + context.lost_after_ns};
}

notify::Kind KindOf(LifePhase phase) {
  switch (phase) {
    case LifePhase::kStalled:
      return notify::Kind::kStalled;
    case LifePhase::kFinished:
      return notify::Kind::kFinished;
    case LifePhase::kFailed:
    case LifePhase::kDiagnosed:
      return notify::Kind::kFailed;
    case LifePhase::kStarted:
    case LifePhase::kNone:
      break;
  }
  return notify::Kind::kStarted;
}

notify::Severity SeverityOf(LifePhase phase) {
  if (KindOf(phase) == notify::Kind::kFailed) return notify::Severity::kCritical;
  return phase == LifePhase::kStalled ? notify::Severity::kWarning : notify::Severity::kInfo;
}

std::string RanksOf(const catalog::JobLife& life) {
  if (life.ranks_expected == 0) return "";
  return std::to_string(life.ranks_expected) + (life.ranks_expected == 1 ? " rank" : " ranks");
}

std::string TitleOf(const catalog::JobLife& life, LifePhase phase, LifePhase before) {
  if (phase == LifePhase::kFinished) return "after " + model::FormatDuration(life.ended - life.launched);
  if (phase != LifePhase::kStarted) return life.reason;
  if (before == LifePhase::kStalled) return "it is heard of again";
  std::string ranks = RanksOf(life);
  return ranks.empty() ? "training" : ranks;
}

// "cuda_oom on rank 3"
std::string WordsOf(const LifeVerdict& verdict) {
  return verdict.failure + (verdict.rank ? " on rank " + std::to_string(*verdict.rank) : "");
}

// Of a title with that verdict; of nothing: "".
std::string BeginningOf(const LifeVerdict& verdict) { return verdict.healthy ? "" : WordsOf(verdict) + " ("; }

// A failure with what is known of its cause. kNone: it is worth waiting, or nothing has changed.
LifePhase FailureOf(const catalog::JobLife& life, const LifeTold& told, LifePhase before, const LifeVerdict* verdict,
                    const LifeContext& context) {
  bool told_of = before == LifePhase::kFailed || before == LifePhase::kDiagnosed;
  bool in_time = told.waits_since == 0 || context.now - told.waits_since < kVerdictWait;
  bool waits = context.diagnoses && !told_of && life.ended != 0 && in_time;
  if (!verdict) return waits || told_of ? LifePhase::kNone : LifePhase::kFailed;
  if (waits && !verdict->settled) return LifePhase::kNone;
  if (before != LifePhase::kDiagnosed) return LifePhase::kDiagnosed;
  bool corrects = verdict->settled && !told.title.empty() && !told.title.starts_with(BeginningOf(*verdict));
  return corrects ? LifePhase::kDiagnosed : LifePhase::kNone;
}

void AddVerdict(const LifeVerdict& verdict, const LifeTold& told, notify::Update* update) {
  if (verdict.healthy) return update->text.push_back("Diagnosis: its records do not say why");
  update->title = BeginningOf(verdict) + update->title + ")";
  update->incident_class = verdict.failure;
  update->labels["alertname"] = NameOf(update->kind);
  update->probability = verdict.confidence;
  if (verdict.rank) {
    update->ranks = std::to_string(*verdict.rank);
    update->rank_count = 1;
  }
  if (verdict.step) update->text.push_back("It failed at step " + std::to_string(*verdict.step));
  update->evidence = (verdict.rank ? "rank " + std::to_string(*verdict.rank) + ": " : "") + verdict.root_line;
  if (!told.title.empty()) update->text.push_back("This corrects what was told before: " + told.title);
}

}  // namespace

std::string LifeId(const std::string& project, const std::string& job) {
  return std::string(kLife) + project + "/" + job;
}

bool IsLifeId(const std::string& incident) { return incident.starts_with(kLife); }

LifePhase PhaseOf(uint64_t version) { return static_cast<LifePhase>(version % kPhases); }

std::optional<notify::Update> LifeUpdate(const catalog::JobLife& life, const LifeTold& told, const LifeVerdict* verdict,
                                         const LifeContext& context) {
  bool launched_again = told.ended != 0 && life.launched > told.ended;
  LifePhase before = launched_again ? LifePhase::kNone : PhaseOf(told.version);
  Entered entered = EnteredBy(life, before, context);
  bool owed = before == LifePhase::kStalled;
  if (entered.phase == LifePhase::kFailed) {
    entered.phase = FailureOf(life, told, before, verdict, context);
  } else if (entered.phase == before) {
    return std::nullopt;
  }
  if (entered.phase == LifePhase::kNone) return std::nullopt;
  if (entered.at < context.told_since && !owed) return std::nullopt;
  notify::Update update;
  update.incident = LifeId(context.project, life.job);
  update.version = VersionAfter(told.version, entered.phase);
  update.kind = KindOf(entered.phase);
  update.project = context.project;
  update.job = life.job;
  update.severity = SeverityOf(entered.phase);
  update.started = entered.phase == LifePhase::kStalled ? life.last_heard : life.launched;
  if (!notify::IsOpen(update.kind)) update.ended = entered.at;
  update.title = TitleOf(life, entered.phase, before);
  if (std::string ranks = RanksOf(life); !ranks.empty()) update.text.push_back("Size: " + ranks);
  if (life.last_step) update.text.push_back("Last step: " + std::to_string(*life.last_step));
  update.link = PageLink(context.external_url, "jobs", life.job, context.project);
  if (entered.phase == LifePhase::kDiagnosed)
    AddVerdict(*verdict, before == entered.phase ? told : LifeTold(), &update);
  if (entered.phase == LifePhase::kFailed && context.diagnoses) update.text.push_back("Diagnosis: it follows");
  return update;
}

notify::Update LifeForgotten(const notify::Update& stalled, base::TimeNs now) {
  notify::Update update = stalled;
  update.version = VersionAfter(stalled.version, LifePhase::kFinished);
  update.kind = notify::Kind::kFinished;
  update.severity = notify::Severity::kInfo;
  update.ended = now;
  update.title = "the job was deleted";
  update.link.clear();
  return update;
}

}  // namespace rankscope::monitor
