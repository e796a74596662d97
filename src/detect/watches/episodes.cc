#include "detect/watches/episodes.h"

#include <utility>

#include "detect/message.h"
#include "model/record_json.h"
#include "model/record_value.h"

namespace rankscope::detect {
namespace {

constexpr size_t kMostEvidence = 5;
// A line says that something happened, never that it is over: it is when nobody has said it for so long.
constexpr int64_t kQuietNs = 600 * base::kNsPerSecond;
constexpr size_t kLongestWhy = 300;

template <typename Number>
std::string TextOf(const std::optional<Number>& number) {
  return number ? std::to_string(*number) : "?";
}
std::string NumberOr(const std::optional<double>& number) { return number ? model::NumberText(*number) : "?"; }

void AddEvidence(const Sighting& sighting, Finding* finding) {
  auto& evidence = finding->evidence;
  if (sighting.record && evidence.size() < kMostEvidence) sighting.record->CopyTo(&evidence.emplace_back());
  for (const model::Record& record : sighting.further) {
    if (evidence.size() < kMostEvidence) evidence.push_back(record);
  }
}

}  // namespace

void Episodes::Holds(const Sighting& sighting) {
  Scope scope = Reduced(sighting.scope, rule_->per);
  auto [found, is_new] = open_.try_emplace(scope);
  Episode& episode = found->second;
  episode.holding.insert(sighting.scope);
  episode.last = std::max(episode.last, sighting.time);
  if (sighting.step) episode.last_step = sighting.step;
  if (is_new) {
    episode.finding = Begin(sighting, scope);
    sink_(episode.finding);
  } else {
    AddEvidence(sighting, &episode.finding);
  }
}

Finding Episodes::Begin(const Sighting& sighting, const Scope& scope) const {
  Finding finding;
  finding.rule = rule_->name;
  finding.finding_class = rule_->finding_class;
  finding.role = rule_->role;
  finding.likely = sighting.likely;
  finding.severity = rule_->severity;
  finding.action = rule_->action;
  finding.job = job_;
  finding.attempt = attempt_;
  finding.scope = scope;
  finding.step = sighting.step;
  finding.time = sighting.time;
  finding.value = sighting.value;
  finding.threshold = sighting.threshold;
  AddEvidence(sighting, &finding);
  finding.id = FindingId(finding);
  finding.message = Message(finding, sighting, sighting.why.substr(0, kLongestWhy));
  finding.headline = QuotesLines() ? Message(finding, sighting, "…") : finding.message;
  return finding;
}

bool Episodes::QuotesLines() const {
  return std::holds_alternative<LineCondition>(rule_->condition) ||
         std::holds_alternative<JoinCondition>(rule_->condition);
}

std::string Episodes::Message(const Finding& finding, const Sighting& sighting, const std::string& why) const {
  std::string who = sighting.scope.rank ? "rank " + std::to_string(*sighting.scope.rank) : "job " + job_;
  if (rule_->summary.empty()) return who + ": " + why;
  return FillMessage(rule_->summary, [&](std::string_view name) -> std::string {
    if (name == "rule") return rule_->name;
    if (name == "class") return rule_->finding_class;
    if (name == "job") return job_;
    if (name == "attempt") return std::to_string(attempt_);
    if (name == "node") return TextOf(sighting.scope.node_rank);
    if (name == "rank") return TextOf(sighting.scope.rank);
    if (name == "step") return TextOf(finding.step);
    if (name == "value") return NumberOr(finding.value);
    if (name == "threshold" || name == "median") return NumberOr(finding.threshold);
    if (name == "time") return model::FormatTime(finding.time);
    return why;
  });
}

void Episodes::Ends(const Scope& scope, std::optional<int64_t> step, base::TimeNs time) {
  auto episode = open_.find(Reduced(scope, rule_->per));
  if (episode == open_.end()) return;
  episode->second.holding.erase(scope);
  if (episode->second.holding.empty() && IsOver(episode->second, step, time)) Close(episode, time);
}

void Episodes::Resume(std::vector<Finding> told, bool holds) {
  std::map<Scope, Episode> seen = std::exchange(open_, {});
  for (Finding& finding : told) {
    Episode& episode = open_[finding.scope];
    if (auto found = seen.find(finding.scope); found != seen.end()) {
      episode = std::move(found->second);
    } else {
      episode.last = finding.time;
      episode.last_step = finding.step;
      if (holds) episode.holding.insert(finding.scope);
    }
    if (finding.evidence.size() < episode.finding.evidence.size()) finding.evidence = episode.finding.evidence;
    episode.finding = std::move(finding);
  }
}

bool Episodes::IsOver(const Episode& episode, std::optional<int64_t> step, base::TimeNs now) const {
  const Span& keep = rule_->keep_firing;
  if (keep.steps > 0 && step && episode.last_step) return *step - *episode.last_step >= keep.steps;
  return now - episode.last >= keep.ns;
}

void Episodes::Advance(std::optional<int64_t> step, base::TimeNs now) {
  bool lines = std::holds_alternative<LineCondition>(rule_->condition);
  int64_t quiet = rule_->keep_firing.ns > 0 ? rule_->keep_firing.ns : kQuietNs;
  for (auto episode = open_.begin(); episode != open_.end();) {
    auto here = episode++;
    const Episode& open = here->second;
    bool over = lines ? now - open.last >= quiet : open.holding.empty() && IsOver(open, step, now);
    if (over) Close(here, now);
  }
}

void Episodes::Close(std::map<Scope, Episode>::iterator episode, base::TimeNs now) {
  Finding finding = std::move(episode->second.finding);
  open_.erase(episode);
  finding.active = false;
  finding.ended = now;
  sink_(finding);
}

}  // namespace rankscope::detect
