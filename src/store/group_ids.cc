#include "store/group_ids.h"

#include <algorithm>

namespace rankscope::store {

bool HasField(const BlockHeader& header, const std::string& name) {
  return std::any_of(header.schemas.begin(), header.schemas.end(),
                     [&](const auto& names) { return std::find(names.begin(), names.end(), name) != names.end(); });
}

std::vector<uint32_t> IdsOfOrigins(const Segment& segment, const BlockHeader& header, size_t dimension,
                                   Groups* groups) {
  std::vector<uint32_t> ids;
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
