#include "simulation/judge.h"

#include <algorithm>
#include <map>

namespace rankscope::simulation {
namespace {

constexpr int64_t kGraceSteps = 3;

bool Contains(const std::vector<std::string_view>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

class Judging {
 public:
  Judging(const JobRun& run, const Plan& plan, const std::optional<Fault>& fault)
      : run_(run), plan_(plan), fault_(fault) {}

  Judgement Run() {
    for (const detect::Finding& finding : run_.findings) TakeAlarm(finding);
    if (fault_) TakeDetection();
    return std::move(judgement_);
  }

 private:
  // The step that was being made, or had just been.
  int64_t StepOf(const detect::Finding& finding) const {
    // Records arrive a little after their step's end.
    auto end = std::upper_bound(run_.step_ends.begin(), run_.step_ends.end(), finding.time - base::kNsPerSecond / 25);
    return end - run_.step_ends.begin() + 1;
  }

  bool IsOfTheFault(const detect::Finding& finding, const std::vector<std::string_view>& rules) const {
    return fault_ && Contains(rules, finding.rule) && StepOf(finding) >= fault_->onset;
  }

  bool NamesWhom(const detect::Finding& finding) const {
    switch (fault_->kind->whom) {
      case Whom::kJob:
        return true;
      case Whom::kNode:
        return finding.scope.node_rank == fault_->node;
      case Whom::kRank:
        return finding.scope.rank == fault_->rank;
    }
    return false;
  }

  void TakeAlarm(const detect::Finding& finding) {
    if (finding.severity == detect::Severity::kInfo) return;
    bool asked = IsOfTheFault(finding, fault_ ? fault_->kind->rules : std::vector<std::string_view>());
    bool right = (asked && NamesWhom(finding)) || (fault_ && IsOfTheFault(finding, fault_->kind->consequences));
    base::TimeNs& until = until_[{finding.rule, right}];
    bool continues = finding.time <= until;  // of another rank, say
    until = std::max(until, finding.active ? run_.end : finding.ended);
    if (!continues) judgement_.alarms.push_back({finding.rule, finding.message, StepOf(finding), right});
  }

  void TakeDetection() {
    const detect::Finding* first = nullptr;
    for (const detect::Finding& finding : run_.findings) {
      if (!first && IsOfTheFault(finding, fault_->kind->rules)) first = &finding;
    }
    if (!first) return;
    judgement_.found = true;
    judgement_.delay = StepOf(*first) - fault_->visible;
    judgement_.in_time = judgement_.delay <= WindowOf(*fault_->kind, plan_.extent, plan_.step_seconds) + kGraceSteps;
    if (fault_->kind->whom != Whom::kJob) judgement_.right_whom = NamesWhom(*first);
    if (!fault_->kind->cause.empty()) judgement_.right_cause = Likeliest(*first) == fault_->kind->cause;
  }

  static std::string Likeliest(const detect::Finding& finding) {
    auto best = std::max_element(finding.likely.begin(), finding.likely.end(),
                                 [](const auto& a, const auto& b) { return a.probability < b.probability; });
    return best == finding.likely.end() ? "" : best->cause;
  }

  const JobRun& run_;
  const Plan& plan_;
  const std::optional<Fault>& fault_;
  Judgement judgement_;
  std::map<std::pair<std::string, bool>, base::TimeNs> until_;  // the end of the rule's period so far
};

}  // namespace

Judgement Judge(const JobRun& run, const Plan& plan, const std::optional<Fault>& fault) {
  return Judging(run, plan, fault).Run();
}

}  // namespace rankscope::simulation
