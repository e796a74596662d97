#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "monitor/life_update.h"
#include "notify/live_notifier.h"

namespace rankscope::monitor {

// Tells people of the lives of a project's jobs, as its catalog knows them: each phase once, whatever restarts, as what
// was told last stands in the delivery log. Not told are jobs whose records were files, what happened before there was
// a delivery log, and what is more than a day old. One thread.
class JobLives {
 public:
  struct Parts {  // the pointers outlive it
    std::string project;
    catalog::Catalog* catalog;
    notify::LiveNotifier* notifier;
    int64_t lost_after_ns;
    // Nothing: none yet of this end. Empty: there never is one.
    std::function<std::optional<LifeVerdict>(const catalog::JobLife&)> verdict;
  };
  JobLives(Parts parts, base::TimeNs now) : parts_(std::move(parts)), opened_(now) {}

  // Tells what has changed since the last look. After an error the next look tells it.
  base::Status Look(base::TimeNs now);

 private:
  struct Known {
    LifeTold told;
    base::TimeNs launched = 0;  // of the launch that `told.waits_since` is about
    base::TimeNs settled = -1;  // last word of the job whose settled verdict was looked at
  };
  base::Result<Known*> KnownOf(const catalog::JobLife& life, const notify::Notifier& notifier);
  std::optional<LifeVerdict> VerdictOf(const catalog::JobLife& life, base::TimeNs now, Known* known) const;
  void ForgetOthers(const std::vector<catalog::JobLife>& lives);
  std::vector<notify::Update> Orphans(const notify::Notifier& notifier, base::TimeNs now) const;

  const Parts parts_;
  const base::TimeNs opened_;
  std::map<std::string, Known> known_;  // by job
};

}  // namespace rankscope::monitor
