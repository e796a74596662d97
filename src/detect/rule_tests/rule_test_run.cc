#include <algorithm>
#include <set>

#include "detect/engine.h"
#include "detect/findings_list.h"
#include "detect/rule_tests/rule_test.h"
#include "model/record_batch.h"

namespace rankscope::detect {
namespace {

using State = TestExpectation::State;

bool IsAlarm(const Finding& finding) { return finding.severity != Severity::kInfo; }

std::string Shown(const Finding& finding) {
  std::string who = finding.scope.rank ? " on rank " + std::to_string(*finding.scope.rank) : "";
  std::string when = finding.step ? " at step " + std::to_string(*finding.step) : "";
  return finding.rule + who + when + " (" + finding.message + ")";
}

std::string LabelOf(const Finding& finding, const Rule& rule, const std::string& name) {
  if (name == "severity") {
    std::string text(SeverityName(finding.severity));
    std::transform(text.begin(), text.end(), text.begin(), [](char c) { return static_cast<char>(c | 0x20); });
    return text;
  }
  if (name == "class") return finding.finding_class;
  if (name == "role") return rule.role;
  auto found = rule.labels.find(name);
  return found == rule.labels.end() ? "" : found->second;
}

// Compares one expectation with the findings that it speaks of.
class Comparison {
 public:
  Comparison(const TestExpectation& expectation, const RuleSet& rules, const std::vector<Finding>& findings,
             int64_t interval)
      : expectation_(expectation), rules_(rules), interval_(interval) {
    for (const Finding& finding : findings) {
      bool any = (expectation.rule == "*" || expectation.notifications) && IsAlarm(finding);
      if (any || finding.rule == expectation.rule) findings_.push_back(&finding);
    }
  }

  std::vector<std::string> Run() {
    if (expectation_.notifications) {
      ExpectCount(*expectation_.notifications, "findings at warning or above");
    } else if (expectation_.state == State::kNever) {
      for (const Finding* finding : findings_) Differ("unexpected: " + Shown(*finding));
    } else if (findings_.empty()) {
      Differ("missing: " + expectation_.rule + " never fired");
    } else {
      ExpectFirst(*findings_.front());
      if (expectation_.ranks) ExpectRanks();
      if (expectation_.count) ExpectCount(*expectation_.count, "findings of " + expectation_.rule);
    }
    return std::move(differences_);
  }

 private:
  void Differ(std::string text) { differences_.push_back(std::move(text)); }

  void ExpectCount(int64_t count, const std::string& what) {
    if (static_cast<int64_t>(findings_.size()) == count) return;
    Differ("expected " + std::to_string(count) + " " + what + ", found " + std::to_string(findings_.size()));
    for (const Finding* finding : findings_) Differ("  " + Shown(*finding));
  }

  void ExpectFirst(const Finding& first) {
    if (expectation_.from_step && (!first.step || *first.step < *expectation_.from_step)) {
      Differ("expected from step " + std::to_string(*expectation_.from_step) + " on, found " + Shown(first));
    }
    // What happens in an interval is told at its end.
    if (expectation_.to_step && (!first.step || *first.step >= *expectation_.to_step + interval_)) {
      Differ("expected by step " + std::to_string(*expectation_.to_step) + ", found " + Shown(first));
    }
    if (expectation_.state == State::kResolved && first.active)
      Differ("expected resolved, still firing: " + Shown(first));
    for (const auto& [name, value] : expectation_.labels) ExpectLabel(first, name, value);
    bool likely = expectation_.likely.empty() || expectation_.likely == Likeliest(first);
    if (!likely) Differ("expected " + expectation_.likely + " to be likeliest, found \"" + Likeliest(first) + "\"");
  }

  void ExpectLabel(const Finding& finding, const std::string& name, const std::string& value) {
    auto rule = std::find_if(rules_.rules().begin(), rules_.rules().end(),
                             [&](const Rule& each) { return each.name == finding.rule; });
    // A finding of the job's own detectors has no rule here.
    std::string found = LabelOf(finding, rule == rules_.rules().end() ? Rule() : *rule, name);
    if (found != value) Differ("expected " + name + " " + value + ", found \"" + found + "\" of " + Shown(finding));
  }

  static std::string Likeliest(const Finding& finding) {
    auto best = std::max_element(finding.likely.begin(), finding.likely.end(),
                                 [](const Cause& a, const Cause& b) { return a.probability < b.probability; });
    return best == finding.likely.end() ? "" : best->cause;
  }

  void ExpectRanks() {
    std::set<int32_t> found;
    for (const Finding* finding : findings_) {
      if (finding->scope.rank) found.insert(*finding->scope.rank);
    }
    bool strangers =
        std::any_of(found.begin(), found.end(), [&](int32_t rank) { return !expectation_.ranks->Contains(rank); });
    size_t wanted = 0;
    for (const auto& range : expectation_.ranks->ranges) wanted += static_cast<size_t>(range.last - range.first) + 1;
    if (!strangers && found.size() == wanted) return;
    Differ("expected " + std::to_string(wanted) + " ranks of its own, found:");
    for (const Finding* finding : findings_) Differ("  " + Shown(*finding));
  }

  const TestExpectation& expectation_;
  const RuleSet& rules_;
  const int64_t interval_;
  std::vector<const Finding*> findings_;
  std::vector<std::string> differences_;
};

}  // namespace

std::vector<Finding> FindingsOf(const std::shared_ptr<const RuleSet>& rules,
                                const std::vector<model::Record>& records) {
  FindingsList list;
  Engine engine(rules, [&](const Finding& finding) { list.Take(finding); });
  std::string bytes;
  model::EncodeRecords(records, &bytes);
  auto batch = model::RecordBatch::Decode(std::move(bytes));
  if (!batch.ok()) return {};  // what we have just encoded
  model::RecordBatch::Cursor cursor(**batch);
  model::RecordView view;
  while (cursor.Next(&view)) engine.Take(view);
  return list.all();
}

std::vector<std::string> Differences(const RuleTest& test, const RuleSet& rules, const std::vector<Finding>& findings,
                                     int64_t interval) {
  std::vector<std::string> all;
  for (const TestExpectation& expectation : test.expectations) {
    auto differences = Comparison(expectation, rules, findings, interval).Run();
    all.insert(all.end(), differences.begin(), differences.end());
  }
  return all;
}

}  // namespace rankscope::detect
