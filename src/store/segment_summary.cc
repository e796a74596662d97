#include "store/segment_summary.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

#include "store/columns/uuid_column.h"
#include "store/segment.h"
#include "store/texts/word_filter.h"

namespace rankscope::store {
namespace {

constexpr size_t kFewBlocks = 8;
constexpr size_t kMaxClasses = 1 << 16;          // they are numbered in 16 bits
constexpr size_t kMaxShapes = 1 << 10;           // beyond it, as many as there are blocks would not be alike
constexpr size_t kMaxRawFilterBytes = 16 << 10;  // a larger one is looked at in its block

// The number of a value among those that were met, which are few.
template <typename T>
uint16_t NumberOf(const T& value, std::vector<T>* values) {
  auto at = std::find(values->begin(), values->end(), value);
  if (at == values->end()) at = values->insert(at, value);
  return static_cast<uint16_t>(at - values->begin());
}

}  // namespace

// Adds blocks one after the other.
class SummaryBuilder {
 public:
  explicit SummaryBuilder(const Segment& segment) : segment_(segment), data_(segment.blocks().size()) {}

  std::shared_ptr<const SegmentSummary> Build() {
    for (size_t block = 0; block < segment_.blocks().size(); ++block) {
      auto header = segment_.Header(block);
      if (header.ok()) {
        if ((*header)->shapes.size() > kMaxShapes || (*header)->levels.size() > kMaxShapes) return nullptr;
        Add(block, **header);
      } else {
        data_.unread.Add(block);
        data_.whole = false;
      }
      if (data_.header.classes.size() > kMaxClasses || shapes_.size() > kMaxShapes) return nullptr;
    }
    for (BlockSet& blocks : data_.classes) blocks.Add(data_.unread);
    for (BlockSet& blocks : data_.origins) blocks.Add(data_.unread);
    IndexClasses(&data_.header);
    return std::shared_ptr<const SegmentSummary>(new SegmentSummary(std::move(data_)));
  }

 private:
  void Add(size_t block, const BlockHeader& header) {
    for (const model::Origin& origin : header.origins) AddOrigin(block, origin);
    AddClasses(block, header);
    if (header.any_step) WidenSteps(header);
    AddIdFilters(block, header);
    AddUuidGroups(block);
    auto filter = ReadColumn(block, header, kWordsColumn);
    if (filter && filter->size() <= kMaxRawFilterBytes) data_.raw_text_filters[block] = std::move(filter);
  }

  void AddOrigin(size_t block, const model::Origin& origin) {
    auto key = std::tuple(origin.rank, origin.node_rank, origin.local_rank, origin.attempt, origin.host);
    auto [at, added] = origins_.try_emplace(std::move(key), data_.origins.size());
    if (added) {
      data_.header.origins.push_back(origin);
      data_.origins.emplace_back(segment_.blocks().size());
    }
    data_.origins[at->second].Add(block);
  }

  void AddClasses(size_t block, const BlockHeader& header) {
    std::vector<uint64_t> shapes;  // the number here of each of the block's
    std::vector<RowShape> here;
    for (RowShape shape : header.shapes) {
      shape.level = NumberOf(header.levels[shape.level], &data_.header.levels);
      shape.schema = NumberOf(header.schemas[shape.schema], &data_.header.schemas);
      here.push_back(shape);
      shapes.push_back(NumberOf(shape, &shapes_));
    }
    for (const RowClass& row_class : header.classes) {
      uint64_t key = shapes[row_class.shape] << 32 | row_class.form;
      auto [at, added] = classes_.try_emplace(key, data_.header.classes.size());
      if (added) {
        RowClass& fresh = data_.header.classes.emplace_back();
        static_cast<RowShape&>(fresh) = here[row_class.shape];
        fresh.form = row_class.form;
        data_.classes.emplace_back(segment_.blocks().size());
      }
      data_.header.classes[at->second].rows += row_class.rows;
      data_.classes[at->second].Add(block);
    }
  }

  void WidenSteps(const BlockHeader& header) {
    BlockHeader& all = data_.header;
    all.min_step = all.any_step ? std::min(all.min_step, header.min_step) : header.min_step;
    all.max_step = all.any_step ? std::max(all.max_step, header.max_step) : header.max_step;
    all.any_step = true;
  }

  void AddIdFilters(size_t block, const BlockHeader& header) {
    for (size_t pool = 1; pool < header.pools.size(); ++pool) {
      for (size_t slot = 0; slot < header.pools[pool].size(); ++slot) {
        auto kind = static_cast<Slot>(header.pools[pool][slot]);
        if (kind != Slot::kUuid && kind != Slot::kHexLower) continue;
        uint32_t column = header.pool_columns[pool] + static_cast<uint32_t>(2 * slot);
        if (kind == Slot::kUuid) {
          data_.uuid_columns[block].push_back({column, header.pool_rows[pool], header.columns[column]});
        }
        auto filter = ReadColumn(block, header, column + 1);
        if (!filter) {
          data_.unread.Add(block);
        } else if (!filter->empty()) {
          data_.id_filters[block].push_back({kind, *std::move(filter)});
        }
      }
    }
  }

  // Where one of their columns cannot be read, nothing is known of any.
  void AddUuidGroups(size_t block) {
    size_t count = 0;
    for (const auto& column : data_.uuid_columns[block]) count += column.rows;
    if (count == 0) return;
    UuidGroups groups(count);
    for (const auto& column : data_.uuid_columns[block]) {
      auto uuids = ReadUuids(segment_, block, column.place, column.rows);
      if (!uuids.ok()) return;
      groups.Add(*uuids);
    }
    data_.uuid_groups[block] = std::move(groups);
  }

  std::optional<std::string> ReadColumn(size_t block, const BlockHeader& header, uint32_t column) {
    auto bytes = segment_.ReadColumn(block, header, column);
    return bytes.ok() ? std::optional(*std::move(bytes)) : std::nullopt;
  }

  const Segment& segment_;
  SegmentSummary::Data data_;
  using OriginKey =
      std::tuple<std::optional<int32_t>, std::optional<int32_t>, std::optional<int32_t>, int32_t, std::string>;
  std::map<OriginKey, size_t> origins_;
  std::vector<RowShape> shapes_;
  std::unordered_map<uint64_t, size_t> classes_;  // by shape and form
};

std::shared_ptr<const SegmentSummary> SegmentSummary::Of(const Segment& segment) {
  if (segment.blocks().size() < kFewBlocks) return nullptr;
  return SummaryBuilder(segment).Build();
}

size_t SegmentSummary::Memory() const {
  size_t bytes = data_.header.Memory() + (data_.classes.size() + data_.origins.size()) * data_.unread.Memory();
  for (const auto& filters : data_.id_filters) {
    for (const IdFilter& filter : filters) bytes += sizeof filter + filter.bytes.size();
  }
  for (const auto& columns : data_.uuid_columns) bytes += columns.size() * sizeof(UuidColumn);
  for (const auto& groups : data_.uuid_groups) bytes += groups ? groups->Memory() : 0;
  for (const auto& filter : data_.raw_text_filters) bytes += sizeof filter + (filter ? filter->size() : 0);
  return bytes;
}

bool SegmentSummary::MayHoldId(size_t block, Slot kind, const std::string& id) const {
  const auto& filters = data_.id_filters[block];
  return data_.unread.Has(block) || std::any_of(filters.begin(), filters.end(), [&](const IdFilter& filter) {
           return filter.kind == kind && WordFilter::MayHoldId(filter.bytes, id);
         });
}

bool SegmentSummary::MayHold(size_t block, const UuidSearch& search) const {
  const auto& groups = data_.uuid_groups[block];
  return data_.unread.Has(block) || !groups || search.MayBeAmong(*groups);
}

}  // namespace rankscope::store
