#include "query/log_source.h"

#include "query/row_aggregator.h"
#include "store/scan/pattern_counter.h"

namespace rankscope::query {

base::Status LogSource::Aggregate(const model::Scan& scan, const model::Aggregation& aggregation, base::Budget* budget,
                                  const model::TakeCells& take) {
  model::Scan all = scan;
  all.newest_first = false;
  all.limit = 0;
  all.fields = KeysOf(aggregation);
  RowAggregator aggregator(aggregation, budget);
  RETURN_IF_ERROR(Read(all, budget, [&](const model::Record& record) {
    aggregator.Take(Row::Of(record));
    return true;
  }));
  aggregator.Finish(take);
  return {};
}

base::Result<std::vector<model::Pattern>> LogSource::Patterns(const model::Scan& scan, base::Budget* budget) {
  model::Scan all = scan;
  all.newest_first = false;
  all.limit = 0;
  all.fields = {"timestamp", "job_id", "rank", "seq", "msg"};
  store::PatternCounter counter(budget);
  RETURN_IF_ERROR(Read(all, budget, [&](const model::Record& record) {
    counter.Take(record);
    return true;
  }));
  return counter.Finish();
}

}  // namespace rankscope::query
