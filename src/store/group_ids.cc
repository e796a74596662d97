#include "store/group_ids.h"

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

std::vector<uint32_t> IdsOfOrigins(const Segment& segment, const BlockHeader& header, size_t dimension,
                                   Groups* groups) {
  std::vector<uint32_t> ids;
  ids.reserve(header.origins.size());
  Kind kind = groups->record_key(dimension).kind;
  if (IsNumber(kind)) {
    for (const model::Origin& origin : header.origins) {
      auto number = NumberOf(origin, kind);
      ids.push_back(number ? groups->IdOf(dimension, int64_t{*number}) : groups->IdOf(dimension, model::Cell()));
    }
    return ids;
  }
  model::Record record;
  record.origin.project = segment.project();
  record.origin.job = segment.job();
  for (const model::Origin& origin : header.origins) {
    SetPlace(origin, &record.origin);
    ids.push_back(groups->IdOf(dimension, model::ToCell(model::ValueOf(record, groups->record_key(dimension)))));
  }
  return ids;
}

std::vector<uint32_t> IdsOfShapes(const BlockHeader& header, size_t dimension, Groups* groups) {
  std::vector<uint32_t> ids;
  model::Record record;
  for (const RowShape& shape : header.shapes) {
    record.stream = shape.stream;
    record.level = header.levels[shape.level];
    ids.push_back(groups->IdOf(dimension, model::ToCell(model::ValueOf(record, groups->record_key(dimension)))));
  }
  return ids;
}

}  // namespace rankscope::store
