#pragma once

#include <functional>
#include <string>
#include <vector>

#include "catalog/findings.h"
#include "diagnose/actions/action_port.h"

namespace rankscope {

// Has done what the rules of these findings want done, by their field `action`: of those that have begun, once each.
// What cannot be begun is said; what comes of the others is in the job's events.
void ActOnFindings(const std::string& project, const std::vector<catalog::FindingRow>& findings,
                   diagnose::ActionPort* actions, const std::function<void(const std::string&)>& say);

}  // namespace rankscope
