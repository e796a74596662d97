#pragma once

#include <map>
#include <string>
#include <utility>

#include "catalog/catalog.h"

namespace rankscope::catalog {

// What the catalog knows of one job, derived from its records in the order of arrival. Pure.
class JobState {
 public:
  // The origin of records to come: once a batch is enough.
  void TakeOrigin(const model::Origin& origin);
  void Take(const model::RecordView& record);

  JobRow Row(base::TimeNs now, int64_t lost_after) const;
  std::vector<RankRow> Ranks() const;

  // The form kept in the database.
  std::string ToJson() const;
  static JobState FromJson(const std::string& text);

 private:
  struct Node {
    bool ended = false;
    std::string exit;  // "exit 0"
  };
  void TakeEvent(const std::string& name, const model::RecordView& record);
  void NoteBadEnd(int32_t attempt, const std::string& reason);

  JobRow row_;
  std::map<std::pair<int32_t, int32_t>, RankRow> ranks_;  // by attempt and rank
  std::map<std::string, Node> nodes_;                     // by node rank and host
  std::map<int32_t, std::string> first_bad_end_;          // by attempt
};

}  // namespace rankscope::catalog
