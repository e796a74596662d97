#include "detect/job_rules.h"

#include <algorithm>

#include "detect/flat_records.h"

namespace rankscope::detect {
namespace {

// Each new one costs time for all that are there: a job that never stops registering must not hold up the others.
constexpr size_t kMostPatterns = 200;
// Each one keeps its latest finding a rank.
constexpr size_t kMostReported = 1000;
constexpr const char* kTooManyReported = "\n";  // no pattern is refused under this key

std::string Text(const model::RecordView& record, std::string_view name) {
  const model::FieldView* field = record.FindField(name);
  return field && field->kind == model::FieldView::Kind::kText ? std::string(field->text) : "";
}

std::optional<double> Number(const model::RecordView& record, std::string_view name) {
  const model::FieldView* field = record.FindField(name);
  if (!field || field->kind == model::FieldView::Kind::kText) return std::nullopt;
  return model::AsNumber(field->Value());
}

// Severity, action and class are the event's where it names them.
Rule RuleOf(const model::RecordView& record, std::string_view usual_class) {
  Rule rule;
  rule.name = Text(record, "rule");
  rule.per = Per::kRank;
  rule.severity = ParseSeverity(Text(record, "severity")).value_or(Severity::kWarning);
  rule.finding_class = Text(record, "class");
  if (rule.finding_class.empty()) rule.finding_class = usual_class;
  if (std::string action = Text(record, "action"); !action.empty()) rule.action = action;
  rule.place = "detector " + Text(record, "detector");
  return rule;
}

const std::string& PatternOf(const Rule& rule) { return std::get<LineCondition>(rule.condition).patterns.front(); }

bool SaySame(const Rule& a, const Rule& b) {
  return PatternOf(a) == PatternOf(b) && a.severity == b.severity && a.action == b.action &&
         a.finding_class == b.finding_class;
}

}  // namespace

JobRules::JobRules(std::string job, int32_t attempt, Episodes::Sink sink, Refused refused)
    : job_(std::move(job)), attempt_(attempt), sink_(std::move(sink)), refused_(std::move(refused)) {}

bool JobRules::Take(const Source& source, const model::RecordView& record) {
  if (record.stream != model::Stream::kEvent) return false;
  const std::string event = Text(record, "event");
  if (event == "detector_rule") {
    Register(record);
  } else if (event == "detector_finding") {
    Report(source, record);
  } else {
    return false;
  }
  return true;
}

// Every rank says the same. A rule without a pattern is a condition, which its process judges.
void JobRules::Register(const model::RecordView& record) {
  std::string pattern = Text(record, "pattern");
  Rule rule = RuleOf(record, "log_pattern");
  if (pattern.empty() || rule.name.empty()) return;
  rule.condition = LineCondition{{pattern}, {}, ""};
  auto known = registered_.find(rule.name);
  if (known != registered_.end() && SaySame(known->second, rule)) return;
  const std::string key = rule.name + '\n' + pattern;
  if (refusals_.contains(key)) return;
  if (registered_.size() + refusals_.size() >= kMostPatterns) {
    return Refuse(record, rule, "",
                  "the job has brought " + std::to_string(kMostPatterns) +
                      " patterns; this one and further ones are not searched");
  }
  if (auto number = PatternSet().Add(pattern); !number.ok()) {
    return Refuse(record, rule, key, number.status().message());
  }
  registered_[rule.name] = std::move(rule);
  Rebuild();
}

void JobRules::Refuse(const model::RecordView& record, const Rule& rule, const std::string& key, std::string reason) {
  bool is_new = refusals_.insert(key).second;
  if (is_new && refused_) refused_({*record.origin, record.time, rule.name, std::move(reason)});
}

// Open findings of rules that keep their name stay open.
void JobRules::Rebuild() {
  std::vector<Rule> rules;
  for (const auto& [name, rule] : registered_) rules.push_back(rule);
  auto made = RuleSet::Make(std::move(rules));
  if (!made.ok()) return;  // each pattern has been tried
  auto before = std::exchange(episodes_, {});
  watches_.clear();
  rules_ = *std::move(made);
  routes_ = {};
  routes_.patterns.resize(rules_->patterns().size());
  for (const Rule& rule : rules_->rules()) {
    auto& episodes = episodes_[rule.name] = MakeEpisodes(rule);
    watches_.push_back(MakeWatch(rule, *rules_, episodes.get(), &routes_));
    if (auto old = before.find(rule.name); old != before.end()) episodes->Adopt(old->second.get());
  }
}

std::unique_ptr<Episodes> JobRules::MakeEpisodes(const Rule& rule) const {
  return std::make_unique<Episodes>(rule, job_, attempt_, sink_);
}

JobRules::Reported* JobRules::ReportedOf(const Rule& rule, const model::RecordView& record) {
  auto known = reported_.find(rule.name);
  if (known == reported_.end() && reported_.size() >= kMostReported) {
    Refuse(record, rule, kTooManyReported,
           "the job has told findings of " + std::to_string(kMostReported) +
               " rules of its own; those of this one and further ones are left out");
    return nullptr;
  }
  Reported& reported = reported_[rule.name];
  reported.rule = rule;
  if (!reported.episodes) reported.episodes = MakeEpisodes(reported.rule);
  return &reported;
}

void JobRules::Report(const Source& source, const model::RecordView& record) {
  Rule rule = RuleOf(record, "custom");
  if (rule.name.empty()) return;
  rule.condition = MetricCondition{};
  rule.summary = "{{ why }}";
  Reported* reported = ReportedOf(rule, record);
  if (!reported) return;
  if (Number(record, "active").value_or(1) == 0) {
    return reported->episodes->Ends(source.scope, record.step, record.time);
  }
  Sighting sighting;
  sighting.scope = source.scope;
  sighting.step = record.step;
  sighting.time = record.time;
  sighting.value = Number(record, "value");
  sighting.threshold = Number(record, "threshold");
  sighting.why = record.text;
  sighting.further = FlatRecords(Text(record, "evidence"), record);
  if (sighting.further.empty()) sighting.record = &record;
  reported->episodes->Holds(sighting);
}

void JobRules::TakeLine(const Source& source, const model::RecordView& record) {
  if (!rules_) return;
  rules_->patterns().Match(record.text, &found_);
  for (int pattern : found_) {
    for (Watch* watch : routes_.patterns[static_cast<size_t>(pattern)]) watch->TakeLine(source, record, pattern);
  }
}

void JobRules::Advance(std::optional<int64_t> step, base::TimeNs now) {
  for (auto& [name, episodes] : episodes_) episodes->Advance(step, now);
  for (auto& [name, reported] : reported_) reported.episodes->Advance(step, now);
}

void JobRules::Resume(std::vector<Finding> told, base::TimeNs now) {
  std::map<std::string, std::vector<Finding>> by_rule;
  for (Finding& finding : told) by_rule[finding.rule].push_back(std::move(finding));
  for (auto& [name, episodes] : episodes_) episodes->Resume(std::exchange(by_rule[name], {}));
  // Of what a detector judges itself, only the detector says that it is over.
  for (auto& [name, reported] : reported_) reported.episodes->Resume(std::exchange(by_rule[name], {}), /*holds=*/true);
  for (auto& [name, findings] : by_rule) {
    for (Finding& finding : findings) {
      finding.active = false;
      finding.ended = std::max(now, finding.time);
      finding.headline = "nobody looks for it any more: its rule is gone";
      sink_(finding);
    }
  }
}

}  // namespace rankscope::detect
