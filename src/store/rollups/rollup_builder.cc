#include "store/rollups/rollup_builder.h"

#include <algorithm>
#include <cmath>

#include "store/aggregates/aggregate_state.h"
#include "store/blocks/block_tables.h"
#include "store/columns/compression.h"
#include "store/columns/integer_column.h"

namespace rankscope::store {
namespace {

using Kind = model::FieldView::Kind;

constexpr size_t kFewer = 8;

bool AllAre(Kind kind, const std::vector<model::FieldView>& values) {
  return std::all_of(values.begin(), values.end(), [kind](const auto& value) { return value.kind == kind; });
}

}  // namespace

RollupBuilder::RollupBuilder(std::vector<RowShape> shapes, size_t rows)
    : shapes_(std::move(shapes)), rows_(rows), shape_rows_(shapes_.size()), open_(shapes_.size(), kNone) {
  cell_of_.reserve(rows);
}

void RollupBuilder::StartRun(uint16_t origin) {
  origin_ = origin;
  std::fill(open_.begin(), open_.end(), kNone);
}

void RollupBuilder::AddRow(base::TimeNs time, uint16_t shape) {
  uint32_t& open = open_[shape];
  if (open == kNone || time - cells_[open].start() >= kRollupWidth) {
    open = static_cast<uint32_t>(cells_.size());
    cells_.push_back({static_cast<int32_t>(time / kRollupWidth), 0, origin_, shape});
  }
  ++cells_[open].rows;
  ++shape_rows_[shape];
  cell_of_.push_back(open);
}

bool RollupBuilder::worthwhile() const { return cells_.size() * kFewer <= rows_; }

void RollupBuilder::StartSchema(uint16_t schema) {
  auto is_its = [&](uint32_t cell) { return shapes_[cells_[cell].shape].schema == schema; };
  std::vector<uint32_t> next(cells_.size());
  begins_.assign(1, 0);
  for (uint32_t cell = 0; cell < cells_.size(); ++cell) {
    if (!is_its(cell)) continue;
    next[cell] = begins_.back();
    begins_.push_back(begins_.back() + cells_[cell].rows);
  }
  places_.clear();
  for (uint32_t cell : cell_of_) {
    if (is_its(cell)) places_.push_back(next[cell]++);
  }
}

void RollupBuilder::AddField(const std::vector<model::FieldView>& values) {
  RollupNumbers numbers;
  std::string& out = numbers_.emplace_back();
  if (values.empty()) return;
  bool known = AllAre(Kind::kInteger, values)  ? AddIntegers(values, &numbers)
               : AllAre(Kind::kDouble, values) ? AddDoubles(values, &numbers)
                                               : false;
  if (known) (void)EncodeRollupNumbers(numbers, &out);
}

bool RollupBuilder::AddIntegers(const std::vector<model::FieldView>& values, RollupNumbers* numbers) {
  std::vector<int64_t> sorted(values.size());
  for (size_t i = 0; i < values.size(); ++i) sorted[places_[i]] = values[i].integer;
  numbers->whole = true;
  for (size_t cell = 0; cell + 1 < begins_.size(); ++cell) {
    int64_t sum = 0, low = sorted[begins_[cell]], high = low;
    for (size_t i = begins_[cell]; i < begins_[cell + 1]; ++i) {
      if (__builtin_add_overflow(sum, sorted[i], &sum)) return false;
      low = std::min(low, sorted[i]);
      high = std::max(high, sorted[i]);
    }
    numbers->sums.push_back(static_cast<long double>(sum));
    numbers->lows.push_back(static_cast<long double>(low));
    numbers->highs.push_back(static_cast<long double>(high));
  }
  return true;
}

bool RollupBuilder::AddDoubles(const std::vector<model::FieldView>& values, RollupNumbers* numbers) {
  std::vector<double> sorted(values.size());
  for (size_t i = 0; i < values.size(); ++i) sorted[places_[i]] = values[i].number;
  if (!std::all_of(sorted.begin(), sorted.end(), [](double value) { return std::isfinite(value); })) return false;
  for (size_t cell = 0; cell + 1 < begins_.size(); ++cell) {
    const double *begin = sorted.data() + begins_[cell], *end = sorted.data() + begins_[cell + 1];
    numbers->sums.push_back(SumOf(begin, static_cast<size_t>(end - begin)));
    numbers->lows.push_back(*std::min_element(begin, end));
    numbers->highs.push_back(*std::max_element(begin, end));
  }
  return true;
}

void RollupBuilder::PutCells(std::string* out) const {
  std::vector<int64_t> origins, shapes, minutes, rows;
  for (const BlockRollup::Cell& cell : cells_) {
    origins.push_back(cell.origin);
    shapes.push_back(cell.shape);
    minutes.push_back(cell.minute);
    rows.push_back(cell.rows);
  }
  base::PutVarint(out, cells_.size());
  for (const auto* column : {&origins, &shapes, &minutes, &rows}) {
    std::string encoded;
    EncodeIntegers(*column, &encoded);
    base::PutString(out, encoded);
  }
}

std::string RollupBuilder::Finish(const BlockHeader& tables) const {
  std::string raw, head, out;
  PutOrigins(tables.origins, &raw);
  PutTexts(tables.levels, &raw);
  PutSchemas(tables.schemas, &raw);
  base::PutVarint(&raw, shapes_.size());
  for (size_t shape = 0; shape < shapes_.size(); ++shape) {
    PutShape(shapes_[shape], &raw);
    base::PutVarint(&raw, shape_rows_[shape]);
  }
  PutCompressed(raw, kColumnLevel, &head);
  base::PutVarint(&out, raw.size());
  base::PutString(&out, head);
  PutCells(&out);
  for (const std::string& numbers : numbers_) base::PutString(&out, numbers);
  return out;
}

}  // namespace rankscope::store
