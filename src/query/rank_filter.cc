#include "query/rank_filter.h"

namespace rankscope::query {
namespace {

using model::Filter;

Filter TextIs(const std::string& name, const std::string& text) {
  if (text.empty()) return Filter::Not(Filter::Exists(name));
  return Filter::Text(Filter::Kind::kEquals, name, text, /*case_sensitive=*/true);
}

Filter NumberIs(const std::string& name, const std::optional<int32_t>& number) {
  return TextIs(name, number ? std::to_string(*number) : "");
}

}  // namespace

Filter SameRank(const model::Origin& origin) {
  std::vector<Filter> terms = {TextIs("job_id", origin.job), NumberIs("attempt", origin.attempt),
                               NumberIs("rank", origin.rank)};
  if (!origin.rank) {
    terms.push_back(NumberIs("node_rank", origin.node_rank));
    terms.push_back(TextIs("host", origin.host));
  }
  return Filter::And(std::move(terms));
}

std::string RankIdentity(const model::Origin& origin) {
  std::string identity = origin.job + '\0' + std::to_string(origin.attempt) + '\0';
  if (origin.rank) return identity + std::to_string(*origin.rank);
  return identity + "-" + std::to_string(origin.node_rank.value_or(-1)) + '\0' + origin.host;
}

}  // namespace rankscope::query
