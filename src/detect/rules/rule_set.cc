#include "detect/rules/rule_set.h"

#include <algorithm>
#include <array>
#include <map>

namespace rankscope::detect {
namespace {

// A window that is asked for in time holds so many points.
constexpr size_t kPointsOfATime = 1024;
// A condition that holds keeps its baseline until so many windows have passed.
constexpr size_t kWindowsKept = 2;

// Needed whatever the rules say: a batch of another shape takes another time.
constexpr const char* kShape = "tokens";

// Found in the same pass as the rules' own.
constexpr const char* kPause =
    "aving (?:model )?checkpoint|saved checkpoint|\\*{5} Running (?:Evaluation|Prediction)|unning validation|"
    "oading checkpoint|esuming from checkpoint";

constexpr std::array<std::pair<std::string_view, Statistic>, 5> kStatistics = {{{"", Statistic::kLast},
                                                                                {"_min", Statistic::kMin},
                                                                                {"_max", Statistic::kMax},
                                                                                {"_mean", Statistic::kMean},
                                                                                {"_nonfinite", Statistic::kNonfinite}}};

size_t PointsFor(Span span) {
  if (span.ns > 0) return kPointsOfATime;
  return std::min(static_cast<size_t>(span.steps) * kWindowsKept, SeriesWindow::kMostPoints);
}

bool IsSpecial(const std::string& name) { return name == "value" || name == "nonfinite"; }

}  // namespace

base::Result<std::shared_ptr<const RuleSet>> RuleSet::Make(std::vector<Rule> rules) {
  auto set = std::make_shared<RuleSet>();
  set->rules_ = std::move(rules);
  std::map<std::string_view, const Rule*> by_name;
  for (const Rule& rule : set->rules_) {
    auto [first, is_new] = by_name.emplace(rule.name, &rule);
    if (!is_new) {
      return base::Status::Invalid(rule.place + ": expected a name of its own, found " + rule.name + ", that of " +
                                   first->second->place);
    }
    RETURN_IF_ERROR(set->AddCondition(rule));
  }
  if (!set->metrics_.empty()) set->AddMetric(kShape, 1);
  ASSIGN_OR_RETURN(set->pause_pattern_, set->patterns_.Add(kPause));
  set->patterns_.Compile();
  set->NameFields();
  return std::shared_ptr<const RuleSet>(std::move(set));
}

base::Status RuleSet::AddCondition(const Rule& rule) {
  if (const auto* line = std::get_if<LineCondition>(&rule.condition)) return AddLine(*line, rule.place);
  if (const auto* metric = std::get_if<MetricCondition>(&rule.condition)) {
    AddExpression(metric->metric, metric->when);
    if (rule.resolve_when) AddExpression(metric->metric, *rule.resolve_when);
  } else if (const auto* detector = std::get_if<DetectorCondition>(&rule.condition)) {
    AddMetric(detector->metric, 1);
  } else if (const auto* peers = std::get_if<PeersCondition>(&rule.condition)) {
    AddMetric(peers->metric, 1);
  } else if (const auto* join = std::get_if<JoinCondition>(&rule.condition)) {
    for (const auto* facts : {&join->all_of, &join->any_of, &join->none_of, &join->followed_by}) {
      for (const Fact& fact : *facts) RETURN_IF_ERROR(AddFact(fact, rule.place));
    }
    for (const LikelyCause& cause : join->likely) {
      for (const auto& shift : cause.shifts) RETURN_IF_ERROR(AddFact(shift.fact, rule.place));
    }
  }
  return {};
}

base::Status RuleSet::AddFact(const Fact& fact, const std::string& place) {
  if (const auto* line = std::get_if<LineCondition>(&fact.condition)) return AddLine(*line, place);
  if (const auto* metric = std::get_if<MetricCondition>(&fact.condition)) AddExpression(metric->metric, metric->when);
  return {};
}

base::Status RuleSet::AddLine(const LineCondition& line, const std::string& place) {
  for (const std::string& pattern : line.patterns) {
    if (pattern_numbers_.contains(pattern)) continue;
    auto number = patterns_.Add(pattern);
    if (!number.ok()) return number.status().WithContext(place);
    pattern_numbers_.emplace(pattern, *number);
  }
  return {};
}

void RuleSet::AddMetric(const std::string& name, size_t points) {
  auto [found, is_new] = metric_numbers_.emplace(name, static_cast<int>(metrics_.size()));
  if (is_new) metrics_.push_back({name, 0});
  size_t& most = metrics_[static_cast<size_t>(found->second)].points;
  most = std::max({most, points, size_t{1}});
}

void RuleSet::AddExpression(const std::string& metric, const When& when) {
  if (!metric.empty()) AddMetric(metric, 1);
  for (const When::Need& need : when.Needs()) {
    const std::string& name = IsSpecial(need.metric) ? metric : need.metric;
    if (!name.empty()) AddMetric(name, PointsFor(need.span));
  }
}

void RuleSet::NameFields() {
  field_names_.reserve(metrics_.size() * kStatistics.size());  // views of them stay valid
  for (size_t metric = 0; metric < metrics_.size(); ++metric) {
    for (const auto& [suffix, statistic] : kStatistics) {
      field_names_.push_back(metrics_[metric].name + std::string(suffix));
      fields_.emplace(field_names_.back(), FieldUse{static_cast<int>(metric), statistic});
    }
  }
}

const RuleSet::FieldUse* RuleSet::FindField(std::string_view field) const {
  auto found = fields_.find(field);
  return found == fields_.end() ? nullptr : &found->second;
}

}  // namespace rankscope::detect
