#pragma once

#include <algorithm>
#include <vector>

#include "model/filter.h"
#include "query/log_source.h"

namespace rankscope::query {

// Records in a vector, in the order of arrival; reads them one by one. What a LogSource has to answer, without any
// cleverness: the other side of differential tests. Without live tails.
class NaiveSource : public LogSource {
 public:
  base::Status Read(const model::Scan& scan, base::Budget* budget,
                    const std::function<bool(const model::Record&)>& take) override {
    ASSIGN_OR_RETURN(model::Matcher matcher, model::Matcher::Compile(scan.filter));
    std::vector<const model::Record*> found;
    for (const model::Record& record : records) {
      if (record.origin.project == scan.project && matcher.Matches(record)) found.push_back(&record);
    }
    std::stable_sort(found.begin(), found.end(), [](const auto* a, const auto* b) { return a->time < b->time; });
    if (scan.newest_first) std::reverse(found.begin(), found.end());
    if (scan.limit > 0 && found.size() > scan.limit) found.resize(scan.limit);
    for (const model::Record* record : found) {
      if (budget->Spent() || !take(*record)) break;
    }
    return {};
  }
  uint64_t Subscribe(std::function<void(const std::shared_ptr<const model::RecordBatch>&)>) override { return 0; }
  void Unsubscribe(uint64_t) override {}

  std::vector<model::Record> records;
};

}  // namespace rankscope::query
