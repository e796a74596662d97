#include <algorithm>
#include <limits>
#include <span>
#include <utility>

#include "store/aggregates/aggregate_state.h"
#include "store/rollups/rollup.h"

namespace rankscope::store {
namespace {

constexpr long double kInfinity = std::numeric_limits<long double>::infinity();

// What a value of that part is before any was added.
long double StartOf(RollupPart part) {
  if (part == RollupPart::kSums) return 0;
  return part == RollupPart::kLows ? kInfinity : -kInfinity;
}

void AddTo(RollupPart part, long double more, long double* value) {
  if (part == RollupPart::kSums) {
    *value += more;
  } else {
    *value = part == RollupPart::kLows ? std::min(*value, more) : std::max(*value, more);
  }
}

}  // namespace

// Finds the cells of a block.
class Rollup::CellFinder {
 public:
  CellFinder(const Rollup& rollup, const Source& source)
      : rollup_(rollup), source_(source), known_(source.shapes.size()) {}

  // Its place among those of its schema.
  size_t PlaceOfCell(const BlockRollup::Cell& cell) {
    auto& [origin, run] = known_[cell.shape];
    if (!run || origin != cell.origin) {
      origin = cell.origin;
      run = Find(source_.origins[origin], source_.shapes[cell.shape]);
    }
    std::span<const int32_t> minutes(rollup_.minutes_.data() + run->begin, run->end - run->begin);
    return run->place + PlaceOf(minutes, cell.minute);
  }

 private:
  const Run* Find(uint16_t origin, uint16_t shape) const {
    auto before = [](const Run& run, const std::pair<uint16_t, uint16_t>& wanted) {
      return std::pair(run.origin, run.shape) < wanted;
    };
    const auto& runs = rollup_.runs_;
    return &*std::lower_bound(runs.begin(), runs.end(), std::pair(origin, shape), before);
  }

  const Rollup& rollup_;
  const Source& source_;
  // By the block's shapes, the run of the last origin: cells of one follow each other.
  std::vector<std::pair<uint16_t, const Run*>> known_;
};

// Adds up one field of one schema.
class Rollup::ColumnFolder {
 public:
  ColumnFolder(const Rollup& rollup, uint16_t schema, size_t field, RollupPart part, RollupColumn* column)
      : rollup_(rollup), schema_(schema), field_(field), part_(part), column_(column) {
    column->values.assign(rollup.schema_cells_[schema], StartOf(part));
  }

  // False: the block does not know, or it has other sorts of numbers than those before.
  bool Add(const Segment& segment, const Source& source) {
    const auto& schemas = source.schemas;
    if (std::find(schemas.begin(), schemas.end(), schema_) == schemas.end()) return true;
    auto of_block = ReadBlockRollup(segment, source.block);
    if (!of_block) return false;
    for (uint32_t schema = 0; schema < schemas.size(); ++schema) {
      if (schemas[schema] == schema_ && !AddSchema(*of_block, schema, source)) return false;
    }
    return true;
  }

 private:
  bool AddSchema(const BlockRollup& of_block, uint32_t schema, const Source& source) {
    RollupColumn more;
    size_t cells = of_block.schema_cells[schema];
    if (!DecodeRollupNumbers(of_block.NumbersOf(schema, field_), cells, part_, &more)) return false;
    if (!std::exchange(any_, true)) column_->whole = more.whole;
    if (column_->whole != more.whole) return false;
    CellFinder finder(rollup_, source);
    auto next = more.values.begin();
    for (const BlockRollup::Cell& cell : of_block.cells) {
      if (of_block.header.classes[cell.shape].schema != schema) continue;
      long double& value = column_->values[finder.PlaceOfCell(cell)];
      AddTo(part_, *next++, &value);
      if (column_->whole && !FitsInt64(value)) return false;
    }
    return true;
  }

  const Rollup& rollup_;
  const uint16_t schema_;
  const size_t field_;
  const RollupPart part_;
  RollupColumn* column_;
  bool any_ = false;
};

std::shared_ptr<const RollupColumn> Rollup::Column(const Segment& segment, uint16_t schema, size_t field,
                                                   RollupPart part, ColumnCache* cache) const {
  uint32_t number = header_.schema_columns[schema] + static_cast<uint32_t>(field);
  ColumnCache::Key place{segment.id(), key_, number * kRollupParts + static_cast<uint32_t>(part),
                         ColumnCache::Form::kRollupPart};
  auto column = cache ? cache->Find<RollupColumn>(place) : nullptr;
  if (!column) {
    auto folded = std::make_shared<RollupColumn>();
    // That it is not known is kept too: to find that out takes as long.
    if (!Fold(segment, schema, field, part, folded.get())) *folded = {};
    if (cache) cache->Put(place, folded, folded->Memory());
    column = std::move(folded);
  }
  return column->values.empty() ? nullptr : column;
}

bool Rollup::Fold(const Segment& segment, uint16_t schema, size_t field, RollupPart part, RollupColumn* column) const {
  ColumnFolder folder(*this, schema, field, part, column);
  return std::all_of(sources_.begin(), sources_.end(),
                     [&](const Source& source) { return folder.Add(segment, source); });
}

}  // namespace rankscope::store
