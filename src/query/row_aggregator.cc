#include "query/row_aggregator.h"

#include <algorithm>

#include "query/cell.h"

namespace rankscope::query {
namespace {

using model::GroupKey;

constexpr size_t kGroupBytes = 128;
constexpr size_t kAccumulatorBytes = 64;

std::string NameOf(const GroupKey& key) {
  if (key.kind == GroupKey::Kind::kTime) return "timestamp";
  return key.kind == GroupKey::Kind::kStep ? "step" : key.name;
}

int64_t BucketStart(int64_t value, int64_t width) {
  int64_t rest = value % width;
  return value - (rest < 0 ? rest + width : rest);
}

model::ValueView GroupValue(const GroupKey& group, const model::RecordKey& key, const Row& row) {
  model::ValueView value = row.Get(key);
  if (group.kind == GroupKey::Kind::kField) return value;
  if (const auto* time = std::get_if<model::Time>(&value)) return model::Time{BucketStart(time->ns, group.width)};
  const auto* step = std::get_if<int64_t>(&value);
  return step ? model::ValueView(BucketStart(*step, group.width)) : model::ValueView();
}

}  // namespace

std::vector<std::string> KeysOf(const model::Aggregation& aggregation) {
  std::vector<std::string> keys = {"timestamp"};
  for (const GroupKey& group : aggregation.groups) keys.push_back(NameOf(group));
  for (const model::Aggregate& aggregate : aggregation.aggregates) {
    if (!aggregate.field.empty()) keys.push_back(aggregate.field);
  }
  return keys;
}

RowAggregator::RowAggregator(model::Aggregation aggregation, base::Budget* budget)
    : aggregation_(std::move(aggregation)), budget_(budget) {
  for (const GroupKey& group : aggregation_.groups) group_keys_.push_back(model::RecordKey::Of(NameOf(group)));
  for (const auto& aggregate : aggregation_.aggregates) value_keys_.push_back(model::RecordKey::Of(aggregate.field));
  if (aggregation_.groups.empty()) groups_[""] = NewGroup({});
}

void RowAggregator::Take(const Row& row) {
  Group* group = FindGroup(row);
  for (size_t i = 0; i < value_keys_.size(); ++i) {
    bool counts_rows = aggregation_.aggregates[i].field.empty();
    group->accumulators[i]->Take(counts_rows ? model::ValueView(int64_t{1}) : row.Get(value_keys_[i]), budget_);
  }
}

RowAggregator::Group* RowAggregator::FindGroup(const Row& row) {
  identity_.clear();
  for (size_t i = 0; i < group_keys_.size(); ++i) {
    AppendIdentity(GroupValue(aggregation_.groups[i], group_keys_[i], row), &identity_);
  }
  auto [found, fresh] = groups_.try_emplace(identity_);
  if (fresh) {
    found->second = NewGroup(row);
    budget_->Take(kGroupBytes + 2 * identity_.size() + value_keys_.size() * kAccumulatorBytes);
  }
  return found->second.get();
}

std::unique_ptr<RowAggregator::Group> RowAggregator::NewGroup(const Row& row) const {
  auto group = std::make_unique<Group>();
  for (size_t i = 0; i < group_keys_.size(); ++i) {
    group->keys.push_back(model::ToCell(GroupValue(aggregation_.groups[i], group_keys_[i], row)));
  }
  for (const auto& aggregate : aggregation_.aggregates) group->accumulators.push_back(MakeAccumulator(aggregate));
  return group;
}

void RowAggregator::Finish(const model::TakeCells& take) {
  std::vector<std::vector<model::Cell>> rows;
  for (auto& [identity, group] : groups_) {
    std::vector<model::Cell> row = std::move(group->keys);
    for (auto& accumulator : group->accumulators) row.push_back(accumulator->Result());
    rows.push_back(std::move(row));
  }
  size_t keys = aggregation_.groups.size();
  std::sort(rows.begin(), rows.end(), [keys](const auto& a, const auto& b) {
    for (size_t i = 0; i < keys; ++i) {
      if (int order = Compare(ViewOf(a[i]), ViewOf(b[i])); order != 0) return order < 0;
    }
    return false;
  });
  for (const auto& row : rows) {
    if (!take(row)) return;
  }
}

}  // namespace rankscope::query
