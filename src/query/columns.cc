#include "query/columns.h"

namespace rankscope::query {

std::vector<std::string> ColumnsOf(const Query& query) {
  std::vector<std::string> columns;
  for (const Pipe& pipe : query.pipes) {
    if (const auto* fields = std::get_if<FieldsPipe>(&pipe)) columns = fields->names;
    if (const auto* stats = std::get_if<StatsPipe>(&pipe)) columns = model::ColumnsOf(stats->aggregation);
  }
  return columns;
}

}  // namespace rankscope::query
