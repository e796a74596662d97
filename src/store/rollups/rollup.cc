#include "store/rollups/rollup.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include "store/blocks/block_tables.h"

namespace rankscope::store {
namespace {

constexpr uint32_t kAllBlocks = ~uint32_t{0};
constexpr size_t kMaxTable = 1 << 16;  // entries that 16 bits tell apart
// Of more the cache would not keep cells, or a column of a schema's.
constexpr size_t kMaxCells = 2 << 20, kMaxSchemaCells = 1 << 20;

// Numbers the entries of a table by the bytes that they are written as.
template <typename Entry>
class TableIndex {
 public:
  explicit TableIndex(std::vector<Entry>* table) : table_(table) {}

  // A new one becomes the table's last.
  uint16_t Number(std::string bytes, const Entry& entry) {
    auto [at, added] = numbers_.try_emplace(std::move(bytes), static_cast<uint16_t>(table_->size()));
    if (added) table_->push_back(entry);
    return at->second;
  }
  bool full() const { return table_->size() >= kMaxTable; }

 private:
  std::vector<Entry>* table_;
  std::unordered_map<std::string, uint16_t> numbers_;
};

}  // namespace

// Adds up the cells of blocks.
class Rollup::Folder {
 public:
  explicit Folder(Rollup* rollup)
      : rollup_(rollup),
        origins_(&rollup->header_.origins),
        levels_(&rollup->header_.levels),
        schemas_(&rollup->header_.schemas),
        shapes_(&rollup->header_.classes) {}

  // False: there are too many.
  bool Add(uint32_t block, const BlockRollup& of_block) {
    Source source{block, {}, {}, {}};
    if (!AddTables(of_block.header, &source)) return false;
    // By shape, the cells of the last origin: those of one follow each other.
    std::vector<std::pair<uint16_t, Cells*>> known(source.shapes.size());
    for (const BlockRollup::Cell& cell : of_block.cells) {
      auto& [origin, cells] = known[cell.shape];
      if (!cells || origin != cell.origin) {
        origin = cell.origin;
        cells = &cells_[uint32_t{source.origins[origin]} << 16 | source.shapes[cell.shape]];
      }
      count_ += cells->Add(cell.minute, cell.rows);
    }
    rollup_->sources_.push_back(std::move(source));
    return count_ <= kMaxCells;
  }

  // False: a schema has too many.
  bool Finish() {
    BlockHeader& header = rollup_->header_;
    (void)IndexRollupHeader(&header);  // shapes have numbers, so that there are no two alike
    rollup_->schema_cells_.resize(header.schemas.size());
    std::vector<uint32_t> keys;
    keys.reserve(cells_.size());
    for (const auto& [key, cells] : cells_) keys.push_back(key);
    std::sort(keys.begin(), keys.end());
    for (uint32_t key : keys) AddRun(key, cells_[key]);
    auto [first, last] = std::minmax_element(rollup_->minutes_.begin(), rollup_->minutes_.end());
    rollup_->first_minute_ = *first;
    rollup_->last_minute_ = *last;
    const auto& of_schemas = rollup_->schema_cells_;
    return *std::max_element(of_schemas.begin(), of_schemas.end()) <= kMaxSchemaCells;
  }

 private:
  // Those of one origin and shape.
  struct Cells {
    std::vector<int32_t> minutes;
    std::vector<uint32_t> rows;

    // Whether it is a new one.
    bool Add(int32_t minute, uint32_t more) {
      size_t place = minutes.empty() || minute > minutes.back() ? minutes.size() : PlaceOf(minutes, minute);
      bool fresh = place == minutes.size() || minutes[place] != minute;
      if (fresh) {
        minutes.insert(minutes.begin() + static_cast<long>(place), minute);
        rows.insert(rows.begin() + static_cast<long>(place), 0);
      }
      rows[place] += more;
      return fresh;
    }
  };

  // False: one of them has too many entries.
  bool AddTables(const BlockHeader& of_block, Source* source) {
    std::vector<uint16_t> levels;
    for (const model::Origin& origin : of_block.origins) {
      source->origins.push_back(origins_.Number(Written(PutOrigins, std::vector{origin}), origin));
    }
    for (const std::string& level : of_block.levels) levels.push_back(levels_.Number(level, level));
    for (const auto& names : of_block.schemas) {
      source->schemas.push_back(schemas_.Number(Written(PutTexts, names), names));
    }
    for (RowClass shape : of_block.classes) {
      uint32_t rows = std::exchange(shape.rows, 0);
      shape.level = levels[shape.level];
      shape.schema = source->schemas[shape.schema];
      uint16_t number = shapes_.Number(Written(PutShape, shape), shape);
      rollup_->header_.classes[number].rows += rows;
      source->shapes.push_back(number);
    }
    return !origins_.full() && !levels_.full() && !schemas_.full() && !shapes_.full();
  }
  template <typename Put, typename Value>
  static std::string Written(const Put& put, const Value& value) {
    std::string bytes;
    put(value, &bytes);
    return bytes;
  }

  void AddRun(uint32_t key, const Cells& cells) {
    auto origin = static_cast<uint16_t>(key >> 16), shape = static_cast<uint16_t>(key);
    auto begin = static_cast<uint32_t>(rollup_->minutes_.size());
    auto count = static_cast<uint32_t>(cells.minutes.size());
    uint32_t& of_schema = rollup_->schema_cells_[rollup_->header_.classes[shape].schema];
    rollup_->runs_.push_back({origin, shape, begin, begin + count, of_schema});
    rollup_->minutes_.insert(rollup_->minutes_.end(), cells.minutes.begin(), cells.minutes.end());
    rollup_->rows_.insert(rollup_->rows_.end(), cells.rows.begin(), cells.rows.end());
    of_schema += count;
  }

  Rollup* rollup_;
  TableIndex<model::Origin> origins_;
  TableIndex<std::string> levels_;
  TableIndex<std::vector<std::string>> schemas_;
  TableIndex<RowClass> shapes_;
  std::unordered_map<uint32_t, Cells> cells_;  // by origin, then shape
  size_t count_ = 0;
};

size_t Rollup::PlaceOf(std::span<const int32_t> minutes, int32_t minute) {
  auto guess = static_cast<size_t>(minute - minutes.front());
  if (guess < minutes.size() && minutes[guess] == minute) return guess;
  return static_cast<size_t>(std::lower_bound(minutes.begin(), minutes.end(), minute) - minutes.begin());
}

std::shared_ptr<const Rollup> Rollup::OfBlock(const Segment& segment, size_t block, ColumnCache* cache) {
  if (segment.blocks()[block].rollup_bytes == 0) return nullptr;
  auto rollup = Of(segment, block, block + 1, static_cast<uint32_t>(block), cache);
  return rollup->Knows(block) ? rollup : nullptr;
}

std::shared_ptr<const Rollup> Rollup::OfSegment(const Segment& segment, ColumnCache* cache) {
  return Of(segment, 0, segment.blocks().size(), kAllBlocks, cache);
}

std::shared_ptr<const Rollup> Rollup::Of(const Segment& segment, size_t begin, size_t end, uint32_t key,
                                         ColumnCache* cache) {
  ColumnCache::Key place{segment.id(), key, 0, ColumnCache::Form::kRollup};
  if (cache) {
    if (auto known = cache->Find<Rollup>(place)) return known;
  }
  auto rollup = std::make_shared<Rollup>();
  Folder folder(rollup.get());
  bool fits = true;
  for (size_t block = begin; block < end && fits; ++block) {
    auto of_block = ReadBlockRollup(segment, block);
    if (of_block) fits = folder.Add(static_cast<uint32_t>(block), *of_block);
  }
  fits = fits && (rollup->sources_.empty() || folder.Finish());
  if (!fits) rollup = std::make_shared<Rollup>();
  rollup->key_ = key;
  if (cache) cache->Put(place, rollup, rollup->Memory());
  return rollup;
}

bool Rollup::Knows(size_t block) const {
  auto before = [](const Source& source, size_t wanted) { return source.block < wanted; };
  auto at = std::lower_bound(sources_.begin(), sources_.end(), block, before);
  return at != sources_.end() && at->block == block;
}

size_t Rollup::Memory() const {
  size_t bytes = sizeof *this + header_.Memory() + runs_.size() * sizeof(Run) + minutes_.size() * 2 * sizeof(uint32_t);
  for (const Source& source : sources_) {
    bytes += sizeof source + 2 * (source.origins.size() + source.shapes.size() + source.schemas.size());
  }
  return bytes;
}

}  // namespace rankscope::store
