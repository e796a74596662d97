#pragma once

#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "model/record.h"
#include "model/record_view.h"

namespace rankscope::cli {

// What ranks say last in plain logs, which no hook has watched: a traceback after which a rank makes no step was caught
// by nobody. Records of a rank come in their order.
class LastWords {
 public:
  void Take(const model::RecordView& record);
  // Of each rank that ended so, the event that the hook in it would have told (python/rankscope/_rank.py).
  std::vector<model::Record> Events() const;

 private:
  using Speaker = std::tuple<std::string, int32_t, std::optional<int32_t>, std::optional<int32_t>>;
  std::map<Speaker, model::Record> tracebacks_;  // the latest of each that has made no step since
};

}  // namespace rankscope::cli
