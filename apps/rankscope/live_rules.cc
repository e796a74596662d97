#include "live_rules.h"

#include <sys/stat.h>

#include "base/clock.h"

namespace rankscope {

// Looked at before they are read: a change meanwhile is seen at the next look.
base::Result<std::shared_ptr<const detect::RuleSet>> LiveRules::Load() {
  seen_ = Look();
  return cli::LoadRules(sources_);
}

std::vector<LiveRules::FileLook> LiveRules::Look() const {
  std::vector<FileLook> looks;
  for (const std::string& path : sources_.files) {
    struct stat info {};
    if (stat(path.c_str(), &info) != 0) info = {};
    looks.emplace_back(info.st_ino, info.st_size, info.st_mtim.tv_sec * base::kNsPerSecond + info.st_mtim.tv_nsec);
  }
  return looks;
}

}  // namespace rankscope
