#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "catalog/findings.h"
#include "diagnose/actions/action_port.h"

namespace rankscope::monitor {

// Has done what the rules of a project's findings want done: each that the catalog knows of is begun once, whenever the
// server can, and again under the same id where the server ended before it came to an outcome. For a minute, and while
// it still holds the job, the same is not done to the same job again; how many more findings wanted it is then an event
// of the job. One thread.
class RuleActions {
 public:
  // What cannot be begun at all is said. All outlive it.
  RuleActions(std::string project, catalog::Findings* findings, diagnose::ActionPort* actions,
              std::function<void(const std::string&)> say)
      : project_(std::move(project)), findings_(findings), actions_(actions), say_(std::move(say)) {}

  // Begins what can be. Call it often; `more`: there is more than at the last call.
  void Look(bool more);

 private:
  void LookAt(const catalog::WantedAction& wanted);
  bool GoesOn(const catalog::WantedAction& wanted) const;
  void ForgetAllBut(const std::vector<catalog::WantedAction>& wanted);
  base::Result<diagnose::ActionRequest> RequestFor(const catalog::WantedAction& wanted) const;
  void Begin(const catalog::WantedAction& wanted);
  void Refuse(const catalog::WantedAction& wanted, const base::Status& why);
  void LetGo(const catalog::WantedAction& wanted);

  const std::string project_;
  catalog::Findings* findings_;
  diagnose::ActionPort* actions_;
  const std::function<void(const std::string&)> say_;
  std::set<std::string> begun_;  // findings whose action this process has begun, of those that are wanted
  int64_t look_at_ns_ = 0;       // by the monotonic clock; INT64_MAX: nothing is wanted
};

}  // namespace rankscope::monitor
