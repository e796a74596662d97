#include "store/aggregates/group_ids.h"

#include <algorithm>
#include <optional>

namespace rankscope::store {

bool HasField(const BlockHeader& header, const std::string& name) {
  return std::any_of(header.schemas.begin(), header.schemas.end(),
                     [&](const auto& names) { return std::find(names.begin(), names.end(), name) != names.end(); });
}

namespace {

using Kind = model::RecordKey::Kind;

bool IsNumber(Kind kind) {
  return kind == Kind::kRank || kind == Kind::kNodeRank || kind == Kind::kLocalRank || kind == Kind::kAttempt;
}

std::optional<int32_t> NumberOf(const model::Origin& origin, Kind kind) {
  if (kind == Kind::kRank) return origin.rank;
  if (kind == Kind::kNodeRank) return origin.node_rank;
  return kind == Kind::kLocalRank ? origin.local_rank : origin.attempt;
}

}  // namespace

uint32_t IdOfOrigin(const Segment& segment, const model::Origin& origin, size_t dimension, Groups* groups) {
  Kind kind = groups->record_key(dimension).kind;
  if (IsNumber(kind)) {
    auto number = NumberOf(origin, kind);
    return number ? groups->IdOf(dimension, int64_t{*number}) : groups->IdOf(dimension, model::Cell());
  }
  model::Record record;
  record.origin.project = segment.project();
  record.origin.job = segment.job();
  SetPlace(origin, &record.origin);
  return groups->IdOf(dimension, model::ToCell(model::ValueOf(record, groups->record_key(dimension))));
}

uint32_t IdOfShape(const BlockHeader& header, const RowShape& shape, size_t dimension, Groups* groups) {
  model::Record record;
  record.stream = shape.stream;
  record.level = header.levels[shape.level];
  return groups->IdOf(dimension, model::ToCell(model::ValueOf(record, groups->record_key(dimension))));
}

std::vector<uint32_t> IdsOfOrigins(const Segment& segment, const BlockHeader& header, size_t dimension,
                                   Groups* groups) {
  std::vector<uint32_t> ids;
  ids.reserve(header.origins.size());
  for (const model::Origin& origin : header.origins) ids.push_back(IdOfOrigin(segment, origin, dimension, groups));
  return ids;
}

std::vector<uint32_t> IdsOfShapes(const BlockHeader& header, size_t dimension, Groups* groups) {
  std::vector<uint32_t> ids;
  ids.reserve(header.shapes.size());
  for (const RowShape& shape : header.shapes) ids.push_back(IdOfShape(header, shape, dimension, groups));
  return ids;
}

}  // namespace rankscope::store
