#pragma once

#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "base/status.h"
#include "cli/rule_files.h"

namespace rankscope {

// The rule files of a running server: read anew when somebody says so, or when one that was given by name looks
// different from when it was read last. One thread.
class LiveRules {
 public:
  explicit LiveRules(cli::RuleSources sources) : sources_(std::move(sources)) {}

  // kInvalid, "FILE:LINE:COLUMN: …": what is wrong first; then there are no new rules at all.
  base::Result<std::shared_ptr<const detect::RuleSet>> Load();
  bool HaveChanged() const { return Look() != seen_; }

 private:
  using FileLook = std::tuple<uint64_t, int64_t, int64_t>;  // inode, bytes, time of the last change
  std::vector<FileLook> Look() const;

  const cli::RuleSources sources_;
  std::vector<FileLook> seen_;
};

}  // namespace rankscope
