#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "detect/watches/watch.h"

namespace rankscope::detect {

// Makes findings of what a rule's watch tells: one for each contiguous period and scope. It goes out when the period
// begins, and once more, no longer active, when it is over.
class Episodes : public Listener {
 public:
  using Sink = std::function<void(const Finding&)>;

  // The rule must outlive it.
  Episodes(const Rule& rule, std::string job, int32_t attempt, Sink sink)
      : rule_(&rule), job_(std::move(job)), attempt_(attempt), sink_(std::move(sink)) {}

  void Holds(const Sighting& sighting) override;
  void Ends(const Scope& scope, std::optional<int64_t> step, base::TimeNs time) override;
  // Closes what has been quiet for long enough. `step` is the latest of the job.
  void Advance(std::optional<int64_t> step, base::TimeNs now);
  // These were told before, by an engine that is gone, and have not ended: they are the open periods from now on, and
  // no others. What has been seen of them here meanwhile counts; where nothing was, `holds` says whether they go on.
  void Resume(std::vector<Finding> told, bool holds = false);
  // Takes the open periods of those that the same rule had before a reload.
  void Adopt(Episodes* before) { open_ = std::move(before->open_); }

 private:
  struct Episode {
    Finding finding;
    std::set<Scope> holding;  // whoever holds now
    base::TimeNs last = 0;    // when it held last
    std::optional<int64_t> last_step;
  };
  Finding Begin(const Sighting& sighting, const Scope& scope) const;
  bool QuotesLines() const;
  std::string Message(const Finding& finding, const Sighting& sighting, const std::string& why) const;
  void Close(std::map<Scope, Episode>::iterator episode, base::TimeNs now);
  bool IsOver(const Episode& episode, std::optional<int64_t> step, base::TimeNs now) const;

  const Rule* rule_;
  const std::string job_;
  const int32_t attempt_;
  const Sink sink_;
  std::map<Scope, Episode> open_;
};

}  // namespace rankscope::detect
