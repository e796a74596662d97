#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "store/retention.h"

namespace rankscope {

// What `serve --retention` and `--retention-bytes` say, for all projects and for single ones.
class RetentionRules {
 public:
  // Each "VALUE" for all projects or "PROJECT=VALUE": a duration (30d), a size (100GB), or "none" for no limit; neither
  // is 0.
  // kInvalid names the one that is neither.
  static base::Result<RetentionRules> Parse(const std::vector<std::string>& ages,
                                            const std::vector<std::string>& sizes);

  store::Retention Of(const std::string& project) const;
  bool any() const { return !ages_.empty() || !sizes_.empty(); }

 private:
  // By project, "" for the others; without a value: no limit.
  std::map<std::string, std::optional<int64_t>> ages_;
  std::map<std::string, std::optional<uint64_t>> sizes_;
};

}  // namespace rankscope
