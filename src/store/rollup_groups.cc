#include "store/rollup_groups.h"

#include <algorithm>

#include "store/filter_node.h"
#include "store/group_ids.h"

namespace rankscope::store {
namespace {

using Kind = model::GroupKey::Kind;
using Function = model::Aggregate::Function;

bool IsKnown(const model::Aggregate& aggregate) {
  bool function = aggregate.function == Function::kCount || aggregate.function == Function::kSum ||
                  aggregate.function == Function::kAvg || aggregate.function == Function::kMin ||
                  aggregate.function == Function::kMax;
  return function &&
         (aggregate.field.empty() || model::RecordKey::Of(aggregate.field).kind == model::RecordKey::Kind::kField);
}

}  // namespace

bool RollupsAnswer(const model::Aggregation& aggregation) {
  bool keys = std::all_of(aggregation.groups.begin(), aggregation.groups.end(), [](const model::GroupKey& key) {
    return key.kind == Kind::kField || (key.kind == Kind::kTime && key.width % kRollupWidth == 0);
  });
  return keys && std::all_of(aggregation.aggregates.begin(), aggregation.aggregates.end(), IsKnown);
}

bool RollupGroups::Prepare() {
  dimensions_.resize(groups_->dimensions());
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

std::vector<uint32_t> RollupGroups::GroupsOf(const std::vector<const Rollup::Cell*>& cells) {
  size_t dimensions = dimensions_.size();
  std::vector<uint32_t> ids(cells.size() * dimensions);
  for (size_t i = 0; i < dimensions; ++i) {
    const auto& [by_origin, by_shape, by_minute] = dimensions_[i];
    uint32_t* out = ids.data() + i;
    for (const Rollup::Cell* cell : cells) {
      *out = !by_origin.empty()  ? by_origin[cell->origin]
             : !by_shape.empty() ? by_shape[cell->shape]
                                 : MinuteId(i, cell->minute);
      out += dimensions;
    }
  }
  std::vector<uint32_t> groups(cells.size());
  for (size_t i = 0; i < groups.size(); ++i) groups[i] = groups_->Find(ids.data() + i * dimensions);
  return groups;
}

uint32_t RollupGroups::MinuteId(size_t i, int32_t minute) {
  auto find = [&] { return groups_->IdOf(i, BucketStart(minute * kRollupWidth, groups_->key(i).width)); };
  auto& by_minute = dimensions_[i].by_minute;
  if (by_minute.empty()) return find();
  uint32_t& id = by_minute[static_cast<size_t>(minute - rollup_.first_minute)];
  if (id == kNone) id = find();
  return id;
}

}  // namespace rankscope::store
