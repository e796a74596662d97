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
    for (size_t begin = 0; begin < segment_.blocks().size(); begin += UuidSignatures::kSets) SignUuids(begin);
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
    AddIds(block, header);
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

  void AddIds(size_t block, const BlockHeader& header) {
    for (size_t pool = 1; pool < header.pools.size(); ++pool) {
      for (size_t slot = 0; slot < header.pools[pool].size(); ++slot) {
        auto kind = static_cast<Slot>(header.pools[pool][slot]);
        uint32_t column = header.pool_columns[pool] + static_cast<uint32_t>(2 * slot);
        if (kind == Slot::kUuid) {
          data_.uuid_columns[block].push_back({column, header.pool_rows[pool], header.columns[column]});
        } else if (kind == Slot::kHexLower) {
          AddHexFilter(block, ReadColumn(block, header, column + 1));
        }
      }
    }
  }

  void AddHexFilter(size_t block, std::optional<std::string> filter) {
    if (!filter) {
      data_.unread.Add(block);
    } else if (!filter->empty()) {
      data_.hex_filters[block].push_back(*std::move(filter));
    }
  }

  // Of as many blocks from `begin` as have signatures together.
  void SignUuids(size_t begin) {
    size_t end = std::min(begin + UuidSignatures::kSets, segment_.blocks().size()), most = 0;
    for (size_t block = begin; block < end; ++block) most = std::max(most, UuidsOf(block));
    UuidSignatures& signatures = data_.uuid_signatures.emplace_back(most);
    for (size_t block = begin; block < end; ++block) {
      for (const auto& column : data_.uuid_columns[block]) {
        auto uuids = ReadUuids(segment_, block, column.place, column.rows);
        if (uuids.ok()) {
          signatures.Add(block - begin, *uuids);
        } else {
          data_.unknown_uuids.Add(block);
        }
      }
    }
  }

  size_t UuidsOf(size_t block) const {
    size_t count = 0;
    for (const auto& column : data_.uuid_columns[block]) count += column.rows;
    return count;
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
  for (const auto& filters : data_.hex_filters) {
    for (const std::string& filter : filters) bytes += sizeof(std::string) + filter.size();
  }
  for (const auto& columns : data_.uuid_columns) bytes += columns.size() * sizeof(UuidColumn);
  for (const auto& signatures : data_.uuid_signatures) bytes += signatures.Memory();
  for (const auto& filter : data_.raw_text_filters) bytes += sizeof filter + (filter ? filter->size() : 0);
  return bytes;
}

bool SegmentSummary::MayHoldHex(size_t block, const std::string& id) const {
  const auto& filters = data_.hex_filters[block];
  auto may_hold = [&](const std::string& filter) { return WordFilter::MayHoldId(filter, id); };
  return data_.unread.Has(block) || std::any_of(filters.begin(), filters.end(), may_hold);
}

BlockSet SegmentSummary::BlocksThatMayHold(const UuidSearch& search) const {
  BlockSet blocks = data_.unread;
  blocks.Add(data_.unknown_uuids);
  for (size_t word = 0; word < data_.uuid_signatures.size(); ++word) {
    blocks.AddWord(word, search.SetsThatMayHold(data_.uuid_signatures[word]));
  }
  return blocks;
}

}  // namespace rankscope::store
