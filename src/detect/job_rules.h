#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "detect/rules/rule_set.h"
#include "detect/watches/episodes.h"
#include "detect/watches/watch.h"

namespace rankscope::detect {

// A pattern that a job's own process wants searched, and RE2 does not take.
struct RefusedRule {
  model::Origin origin;  // of the process
  base::TimeNs time = 0;
  std::string rule, reason;
};

// What a job's own detectors bring along (docs/findings.md): patterns, by event records `detector_rule`, which are
// searched from then on in every text of the job, one finding a rank, 200 of them at most; and findings that they make
// themselves, by `detector_finding`, of 1,000 rules at most. Apart from the rules of the server, whose windows a
// registration leaves alone. One thread.
class JobRules {
 public:
  using Refused = std::function<void(const RefusedRule&)>;

  JobRules(std::string job, int32_t attempt, Episodes::Sink sink, Refused refused);

  // Whether the record is one of these events; then it is taken.
  bool Take(const Source& source, const model::RecordView& record);
  void TakeLine(const Source& source, const model::RecordView& record);
  void Advance(std::optional<int64_t> step, base::TimeNs now);
  // As Episodes::Resume, of all rules here. Findings of a rule that nobody has are over, which is told.
  void Resume(std::vector<Finding> told, base::TimeNs now);

 private:
  struct Reported {
    Rule rule;
    std::unique_ptr<Episodes> episodes;
  };
  void Register(const model::RecordView& record);
  // Tells it unless `key` was told of before.
  void Refuse(const model::RecordView& record, const Rule& rule, const std::string& key, std::string reason);
  void Report(const Source& source, const model::RecordView& record);
  // Null: there are too many.
  Reported* ReportedOf(const Rule& rule, const model::RecordView& record);
  void Rebuild();
  std::unique_ptr<Episodes> MakeEpisodes(const Rule& rule) const;

  const std::string job_;
  const int32_t attempt_;
  const Episodes::Sink sink_;
  const Refused refused_;
  std::map<std::string, Rule> registered_;  // patterns, by the rule's name
  std::set<std::string> refusals_;        // told already: the rule's name and its pattern; "": that there are too many
  std::shared_ptr<const RuleSet> rules_;  // of registered_; null: none
  std::map<std::string, std::unique_ptr<Episodes>> episodes_;
  std::vector<WatchPtr> watches_;
  Routes routes_;
  std::map<std::string, Reported> reported_;  // by the rule's name
  std::vector<int> found_;
};

}  // namespace rankscope::detect
