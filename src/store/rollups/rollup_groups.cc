#include "store/rollups/rollup_groups.h"

#include <algorithm>

#include "store/aggregates/group_ids.h"
#include "store/scan/filter_node.h"

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

bool FieldsStandIn(const BlockHeader& header, const std::vector<model::GroupKey>& keys) {
  return std::any_of(keys.begin(), keys.end(), [&](const model::GroupKey& key) {
    return key.kind == Kind::kField && HasField(header, key.name);
  });
}

RollupGroups::RollupGroups(const Segment& segment, const Rollup& rollup, Groups* groups)
    : segment_(segment),
      rollup_(rollup),
      groups_(groups),
      minute_ids_(groups->dimensions()),
      ids_(groups->dimensions()) {
  auto minutes = static_cast<size_t>(rollup.last_minute() - rollup.first_minute()) + 1;
  if (minutes > rollup.minutes().size()) return;  // where there are gaps it is not worth a table
  for (size_t i = 0; i < minute_ids_.size(); ++i) {
    if (groups->key(i).kind == Kind::kTime) minute_ids_[i].assign(minutes, kNone);
  }
}

const std::vector<uint32_t>& RollupGroups::Of(const Rollup::Run& run) {
  const BlockHeader& header = rollup_.header();
  bool by_time = false;
  for (size_t i = 0; i < ids_.size(); ++i) {
    if (groups_->key(i).kind == Kind::kTime) {
      by_time = true;
    } else if (IsOriginKey(groups_->record_key(i).kind)) {
      ids_[i] = IdOfOrigin(segment_, header.origins[run.origin], i, groups_);
    } else {
      ids_[i] = IdOfShape(header, header.classes[run.shape], i, groups_);
    }
  }
  numbers_.resize(run.end - run.begin);
  if (!by_time) std::fill(numbers_.begin(), numbers_.end(), groups_->Find(ids_.data()));
  for (size_t cell = run.begin; by_time && cell < run.end; ++cell) {
    for (size_t i = 0; i < ids_.size(); ++i) {
      if (groups_->key(i).kind == Kind::kTime) ids_[i] = MinuteId(i, rollup_.minutes()[cell]);
    }
    numbers_[cell - run.begin] = groups_->Find(ids_.data());
  }
  return numbers_;
}

uint32_t RollupGroups::MinuteId(size_t i, int32_t minute) {
  auto find = [&] { return groups_->IdOf(i, BucketStart(minute * kRollupWidth, groups_->key(i).width)); };
  auto& ids = minute_ids_[i];
  if (ids.empty()) return find();
  uint32_t& id = ids[static_cast<size_t>(minute - rollup_.first_minute())];
  if (id == kNone) id = find();
  return id;
}

}  // namespace rankscope::store
