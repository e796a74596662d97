#include "store/rollup_groups.h"

#include <algorithm>

#include "store/filter_node.h"
#include "store/group_ids.h"

namespace rankscope::store {
namespace {

using Kind = model::GroupKey::Kind;

}  // namespace

bool RollupsAnswer(const model::Aggregation& aggregation) {
  bool keys = std::all_of(aggregation.groups.begin(), aggregation.groups.end(), [](const model::GroupKey& key) {
    return key.kind == Kind::kField || (key.kind == Kind::kTime && key.width % kRollupWidth == 0);
  });
  auto quantile = [](const auto& aggregate) { return aggregate.function == model::Aggregate::Function::kQuantile; };
  return keys && std::none_of(aggregation.aggregates.begin(), aggregation.aggregates.end(), quantile);
}

bool RollupGroups::Prepare() {
  dimensions_.resize(groups_->dimensions());
  ids_.resize(dimensions_.size());
  for (size_t i = 0; i < dimensions_.size(); ++i) {
    if (groups_->key(i).kind == Kind::kTime) {
      auto minutes = static_cast<size_t>(rollup_.last_minute - rollup_.first_minute) + 1;
      // Where there are gaps it is not worth a table.
      if (minutes <= rollup_.cells.size()) dimensions_[i].by_minute.assign(minutes, kNone);
      continue;
    }
    if (HasField(rollup_.header, groups_->key(i).name)) return false;
    if (IsOriginKey(groups_->record_key(i).kind)) {
      dimensions_[i].by_origin = IdsOfOrigins(segment_, rollup_.header, i, groups_);
    } else {
      dimensions_[i].by_shape = IdsOfShapes(rollup_.header, i, groups_);
    }
  }
  return true;
}

uint32_t RollupGroups::GroupOf(const Rollup::Cell& cell) {
  for (size_t i = 0; i < ids_.size(); ++i) ids_[i] = IdOf(i, cell);
  return groups_->Find(ids_);
}

uint32_t RollupGroups::IdOf(size_t i, const Rollup::Cell& cell) {
  Dimension& dimension = dimensions_[i];
  if (!dimension.by_origin.empty()) return dimension.by_origin[cell.origin];
  if (!dimension.by_shape.empty()) return dimension.by_shape[cell.shape];
  int64_t width = groups_->key(i).width;
  if (dimension.by_minute.empty()) return groups_->IdOf(i, BucketStart(cell.start(), width));
  uint32_t& id = dimension.by_minute[static_cast<size_t>(cell.minute - rollup_.first_minute)];
  if (id == kNone) id = groups_->IdOf(i, BucketStart(cell.start(), width));
  return id;
}

}  // namespace rankscope::store
