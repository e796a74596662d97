#include "store/columns/uuid_column.h"

#include <algorithm>

#include "store/columns/compression.h"
#include "store/columns/uuids.h"

namespace rankscope::store {
namespace {

std::shared_ptr<const std::string> Uuids(const Segment& segment, size_t block, const SegmentSummary::UuidColumn& column,
                                         ColumnCache* cache) {
  ColumnCache::Key key{segment.id(), static_cast<uint32_t>(block), column.number, ColumnCache::Form::kRaw};
  if (cache) {
    if (auto known = cache->Find<std::string>(key)) return known;
  }
  auto bytes = ReadUuids(segment, block, column.place, column.rows);
  if (!bytes.ok()) return nullptr;
  auto uuids = std::make_shared<std::string>(*std::move(bytes));
  if (cache) cache->Put(key, uuids, uuids->size());
  return uuids;
}

}  // namespace

base::Result<std::string> ReadUuids(const Segment& segment, size_t block, const BlockHeader::Column& place,
                                    size_t count) {
  ASSIGN_OR_RETURN(std::string bytes, segment.ReadColumn(block, place));
  std::string uuids;
  if (!ReadCompressed(bytes, count * kUuidBytes, &uuids)) return segment.Damaged(block);
  return uuids;
}

bool UuidsHold(const Segment& segment, const SegmentSummary& summary, size_t block, const UuidSearch& search,
               ColumnCache* cache) {
  const auto& columns = summary.UuidColumns(block);
  return std::any_of(columns.begin(), columns.end(), [&](const auto& column) {
    auto uuids = Uuids(segment, block, column, cache);
    std::vector<uint32_t> places;
    if (uuids) search.Find(*uuids, &places);
    return !uuids || !places.empty();
  });
}

}  // namespace rankscope::store
