#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "base/status.h"
#include "model/record.h"
#include "model/record_view.h"

namespace rankscope::cli {

// What ranks say last in logs of jobs that nothing has watched: a traceback after which a rank makes no step was caught
// by nobody. Of a job whose ranks' beginnings or ends are events, their writer tells that. Records of a rank come in
// their order.
class LastWords {
 public:
  void Take(const model::RecordView& record);
  // Of each rank that ended so, the event that the hook in it would have told (python/rankscope/_rank.py).
  std::vector<model::Record> Events() const;
  base::Status PassEvents(const std::function<void(const model::RecordView&)>& take) const;

 private:
  using Speaker = std::tuple<std::string, int32_t, std::optional<int32_t>, std::optional<int32_t>>;
  std::map<Speaker, model::Record> tracebacks_;  // the latest of each that has made no step since
  std::set<std::string> watched_;                // jobs
};

}  // namespace rankscope::cli
