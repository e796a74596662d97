#include "monitor/life_update.h"

#include <algorithm>

#include "model/time_text.h"
#include "monitor/page_link.h"

namespace rankscope::monitor {
namespace {

constexpr uint64_t kPhases = 8;
constexpr std::string_view kLife = "life/";
// A job that says nothing for so long is given up, and nobody is reminded of it any more.
constexpr int64_t kGivenUpAfter = 24 * 3600 * base::kNsPerSecond;

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
      return notify::Kind::kFailed;
    case LifePhase::kStarted:
    case LifePhase::kNone:
      break;
  }
  return notify::Kind::kStarted;
}

notify::Severity SeverityOf(LifePhase phase) {
  if (phase == LifePhase::kFailed) return notify::Severity::kCritical;
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

}  // namespace

std::string LifeId(const std::string& project, const std::string& job) {
  return std::string(kLife) + project + "/" + job;
}

bool IsLifeId(const std::string& incident) { return incident.starts_with(kLife); }

LifePhase PhaseOf(uint64_t version) { return static_cast<LifePhase>(version % kPhases); }

std::optional<notify::Update> LifeUpdate(const catalog::JobLife& life, const LifeTold& told,
                                         const LifeContext& context) {
  bool launched_again = told.ended != 0 && life.launched > told.ended;
  LifePhase before = launched_again ? LifePhase::kNone : PhaseOf(told.version);
  Entered entered = EnteredBy(life, before, context);
  bool owed = before == LifePhase::kStalled;
  if (entered.phase == LifePhase::kNone || entered.phase == before) return std::nullopt;
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
