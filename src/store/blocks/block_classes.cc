#include "store/blocks/block_classes.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "store/texts/hash_index.h"

namespace rankscope::store {
namespace {

constexpr uint32_t kNoValue = ~uint32_t{0};
constexpr uint32_t kOwnPoolRows = 32;  // templates with fewer share the columns of those with the same slots

// The block's own numbers for the values of one of the buffer's tables.
class LocalNumbers {
 public:
  explicit LocalNumbers(std::vector<uint32_t>* used) : used_(used) {}
  uint32_t Of(uint32_t value) {
    if (value >= map_.size()) map_.resize(value + 1, kNoValue);
    if (map_[value] == kNoValue) {
      map_[value] = static_cast<uint32_t>(used_->size());
      used_->push_back(value);
    }
    return map_[value];
  }

 private:
  std::vector<uint32_t> map_;
  std::vector<uint32_t>* used_;
};

std::string MarkersOf(std::string_view form) {
  std::string markers;
  for (char c : form) {
    if (IsMarker(c)) markers.push_back(c);
  }
  return markers;
}

void MakeRuns(std::span<const Row> rows, BlockClasses* block) {
  LocalNumbers origins(&block->origins);
  for (size_t i = 0; i < rows.size(); ++i) {
    uint32_t origin = origins.Of(rows[i].origin);
    if (block->runs.empty() || block->runs.back().origin != origin) block->runs.push_back({origin, 0});
    ++block->runs.back().rows;
  }
}

// Different for different classes: a form takes 17 bits, a level and a schema 16 each, the rest 5.
uint64_t KeyOf(const RowClass& row_class) {
  static_assert(Row::kFirstTemplate + TemplateDictionary::kMaxTemplates < 1 << 17);
  uint64_t key = uint64_t{row_class.form} << 37 | uint64_t{row_class.schema} << 21 | uint64_t{row_class.level} << 5 |
                 static_cast<uint64_t>(row_class.stream) << 1 | (row_class.has_step ? 1 : 0);
  // So are these.
  key *= 0x9e3779b97f4a7c15u;
  return key ^ key >> 32;
}

// In the order in which they come.
void MakeClasses(std::span<const Row> rows, BlockClasses* block) {
  LocalNumbers levels(&block->levels), schemas(&block->schemas);
  HashIndex index;
  block->class_of.resize(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    RowClass wanted;
    wanted.stream = rows[i].stream;
    wanted.has_step = rows[i].has_step;
    wanted.level = static_cast<uint16_t>(levels.Of(rows[i].level));
    wanted.schema = static_cast<uint16_t>(schemas.Of(rows[i].schema));
    wanted.form = rows[i].form;
    auto fresh = static_cast<uint32_t>(block->classes.size());
    uint32_t number = index.At(KeyOf(wanted), fresh);
    if (number == fresh) block->classes.push_back(wanted);
    block->class_of[i] = number;
    ++block->classes[number].rows;
  }
}

void SortByRows(BlockClasses* block) {
  auto& classes = block->classes;
  std::vector<uint32_t> order(classes.size()), place(classes.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return classes[a].rows > classes[b].rows; });
  std::vector<RowClass> sorted;
  sorted.reserve(order.size());
  for (uint32_t i = 0; i < order.size(); ++i) {
    place[order[i]] = i;
    sorted.push_back(classes[order[i]]);
  }
  classes = std::move(sorted);
  for (uint32_t& number : block->class_of) number = place[number];
}

void MakePools(const TemplateDictionary& dictionary, BlockClasses* block) {
  block->pools.emplace_back();
  std::unordered_map<std::string, uint16_t> shared;  // numbers of pools, by markers
  std::unordered_map<uint32_t, uint16_t> own;        // by form
  std::unordered_map<uint32_t, uint32_t> form_rows;
  for (const RowClass& row_class : block->classes) form_rows[row_class.form] += row_class.rows;
  for (RowClass& row_class : block->classes) {
    if (row_class.form < Row::kFirstTemplate) continue;
    std::string markers = MarkersOf(dictionary.form(row_class.form - Row::kFirstTemplate));
    if (markers.empty()) continue;
    auto next = static_cast<uint16_t>(block->pools.size());
    bool alone = form_rows[row_class.form] >= kOwnPoolRows, added = false;
    if (alone) {
      auto [at, is_new] = own.try_emplace(row_class.form, next);
      row_class.pool = at->second;
      added = is_new;
    } else {
      auto [at, is_new] = shared.try_emplace(markers, next);
      row_class.pool = at->second;
      added = is_new;
    }
    if (added) block->pools.push_back(std::move(markers));
  }
}

}  // namespace

BlockClasses ClassifyRows(const RowBuffer& buffer, std::span<const Row> rows) {
  BlockClasses block;
  MakeRuns(rows, &block);
  MakeClasses(rows, &block);
  SortByRows(&block);
  MakePools(buffer.dictionary(), &block);
  return block;
}

}  // namespace rankscope::store
