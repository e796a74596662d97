#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "model/record_batch.h"

namespace rankscope::ingest {

// Which producers write under the name of a rank. Two that do so at the same time are two launches under one job id, or
// two agents on one process; one after the other is an ordinary restart. Not thread-safe.
class RankClaims {
 public:
  // Takes a producer's records. Gives the ranks that are now known to be claimed twice, each once: a record of each, as
  // its origin names the rank.
  std::vector<model::Record> Take(const std::string& producer, const model::RecordBatch& records);

 private:
  using Rank = std::tuple<std::string, std::string, int32_t, int32_t>;  // project, job, attempt, rank
  struct Claim {
    std::string producer;
    base::TimeNs first, last;
  };
  struct Claims {
    std::vector<Claim> all;
    bool doubled = false;
  };

  static bool Extend(Claims* claims, const std::string& producer, base::TimeNs time);

  std::map<Rank, Claims> ranks_;
};

}  // namespace rankscope::ingest
