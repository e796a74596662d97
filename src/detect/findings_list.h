#pragma once

#include <map>
#include <string>
#include <vector>

#include "detect/finding.h"

namespace rankscope::detect {

// Findings by their ids, in the order in which they began, each in the state told last. Memory grows with them.
class FindingsList {
 public:
  void Take(const Finding& finding) {
    auto [place, is_new] = places_.emplace(finding.id, findings_.size());
    if (is_new) {
      findings_.push_back(finding);
    } else {
      findings_[place->second] = finding;
    }
  }
  const std::vector<Finding>& all() const { return findings_; }

 private:
  std::vector<Finding> findings_;
  std::map<std::string, size_t> places_;
};

}  // namespace rankscope::detect
