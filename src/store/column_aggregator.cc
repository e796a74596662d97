#include "store/column_aggregator.h"

#include <algorithm>
#include <numeric>

#include "store/block_values.h"
#include "store/filter_node.h"

namespace rankscope::store {
namespace {

using Function = model::Aggregate::Function;
using KeyKind = model::RecordKey::Kind;

bool IsClassKey(KeyKind kind) { return kind == KeyKind::kStream || kind == KeyKind::kLevel; }
int64_t Bucket(int64_t value, int64_t width) {
  int64_t start = value / width * width;
  return value % width < 0 ? start - width : start;
}

// Sorted as Table says: no value, numbers and times, texts.
int RankOf(const model::Cell& cell) {
  if (std::holds_alternative<std::monostate>(cell)) return 0;
  return std::holds_alternative<std::string>(cell) ? 2 : 1;
}

bool CellLess(const model::Cell& a, const model::Cell& b) {
  if (RankOf(a) != RankOf(b)) return RankOf(a) < RankOf(b);
  return a < b;
}

// What identifies an origin of the block, on a record.
void SetOrigin(const BlockReader& reader, const model::Origin& origin, model::Record* record) {
  record->origin = origin;
  record->origin.project = reader.segment().project();
  record->origin.job = reader.segment().job();
}

}  // namespace

bool ColumnAggregator::Supports(const model::Aggregation& aggregation) {
  for (const model::GroupKey& group : aggregation.groups) {
    if (group.kind != model::GroupKey::Kind::kField) {
      if (group.width <= 0) return false;
      continue;
    }
    KeyKind kind = model::RecordKey::Of(group.name).kind;
    if (!IsClassKey(kind) && !IsOriginKey(kind)) return false;
  }
  return std::all_of(
      aggregation.aggregates.begin(), aggregation.aggregates.end(), [](const model::Aggregate& aggregate) {
        bool function = aggregate.function == Function::kCount || aggregate.function == Function::kSum ||
                        aggregate.function == Function::kAvg || aggregate.function == Function::kMin ||
                        aggregate.function == Function::kMax || aggregate.function == Function::kQuantile;
        if (aggregate.field.empty()) return aggregate.function == Function::kCount;
        return function && model::RecordKey::Of(aggregate.field).kind == KeyKind::kField;
      });
}

ColumnAggregator::ColumnAggregator(const model::Aggregation& aggregation)
    : aggregation_(aggregation),
      ids_(aggregation.groups.size()),
      bucket_ids_(aggregation.groups.size()),
      cells_(aggregation.groups.size()),
      groups_(aggregation.groups.size()) {
  counts_only_ =
      aggregation.groups.empty() && std::all_of(aggregation.aggregates.begin(), aggregation.aggregates.end(),
                                                [](const auto& aggregate) { return aggregate.field.empty(); });
  for (const model::GroupKey& group : aggregation.groups) {
    group_keys_.push_back(group.kind == model::GroupKey::Kind::kField ? model::RecordKey::Of(group.name)
                                                                      : model::RecordKey());
  }
  if (aggregation.groups.empty()) (void)GroupOf({});
}

uint32_t ColumnAggregator::IdOf(size_t dimension, const model::Cell& cell) {
  auto [at, added] = ids_[dimension].try_emplace(cell, static_cast<uint32_t>(cells_[dimension].size()));
  if (added) cells_[dimension].push_back(cell);
  return at->second;
}

// Of a bucket of time or steps.
uint32_t ColumnAggregator::BucketIdOf(size_t dimension, int64_t start) {
  auto [at, added] = bucket_ids_[dimension].try_emplace(start, 0);
  if (added) {
    bool is_time = aggregation_.groups[dimension].kind == model::GroupKey::Kind::kTime;
    at->second = IdOf(dimension, is_time ? model::Cell(model::Time{start}) : model::Cell(start));
  }
  return at->second;
}

uint32_t ColumnAggregator::GroupOf(const GroupIds& ids) {
  uint32_t group = groups_.Find(ids);
  states_.resize(groups_.size() * aggregation_.aggregates.size());
  return group;
}

AggregateState* ColumnAggregator::StateOf(uint32_t group, size_t aggregate) {
  return &states_[group * aggregation_.aggregates.size() + aggregate];
}

void ColumnAggregator::AddCount(uint64_t count) {
  uint32_t group = GroupOf({});
  for (size_t i = 0; i < aggregation_.aggregates.size(); ++i) StateOf(group, i)->Count(count);
}

// The ids of a block's values in each dimension, and where they change from row to row.
class ColumnAggregator::BlockDimensions {
 public:
  BlockDimensions(ColumnAggregator* aggregator, BlockReader* reader, const std::vector<uint32_t>& rows)
      : aggregator_(aggregator), reader_(reader), rows_(rows), dimensions_(aggregator->group_keys_.size()) {}

  // False: as ColumnAggregator::Add.
  bool Prepare() {
    for (size_t i = 0; i < dimensions_.size(); ++i) {
      if (!Prepare(i)) return false;
    }
    return true;
  }

  std::vector<Stretch> Cut() {
    std::vector<Stretch> stretches;
    GroupIds ids(dimensions_.size());
    size_t at = 0;
    uint32_t end_of_run = 0;
    const auto& runs = reader_->header().runs;
    for (size_t run = 0; run < runs.size() && at < rows_.size(); ++run) {
      end_of_run += runs[run].rows;
      auto border = std::lower_bound(rows_.begin() + static_cast<long>(at), rows_.end(), end_of_run);
      auto end = static_cast<size_t>(border - rows_.begin());
      while (at < end) {
        size_t same = end;
        for (size_t i = 0; i < ids.size(); ++i) ids[i] = Same(i, run, at, &same);
        stretches.push_back({at, same, aggregator_->GroupOf(ids)});
        at = same;
      }
    }
    return stretches;
  }

 private:
  struct Dimension {
    std::vector<uint32_t> by_origin, by_shape;     // ids
    const std::vector<int64_t>* values = nullptr;  // times or steps, of each row of the block
    const RunTimes* times = nullptr;               // in their place, where they are short
    bool is_time = false;
    int64_t width = 1;
  };

  bool Prepare(size_t i) {
    const model::GroupKey& group = aggregator_->aggregation_.groups[i];
    const model::RecordKey& key = aggregator_->group_keys_[i];
    Dimension& dimension = dimensions_[i];
    dimension.width = group.width;
    dimension.is_time = group.kind == model::GroupKey::Kind::kTime;
    if (dimension.is_time) {
      dimension.times = reader_->run_times();
      if (!dimension.times && reader_->ok()) dimension.values = &reader_->times();
      return reader_->ok();
    }
    bool is_step = group.kind == model::GroupKey::Kind::kStep;
    const std::string name = is_step ? "step" : group.name;
    for (const auto& names : reader_->header().schemas) {
      if (std::find(names.begin(), names.end(), name) != names.end()) return false;
    }
    if (is_step) {
      dimension.values = &reader_->steps();
      return !dimension.values->empty();
    }
    model::Record record;
    auto id = [&] { return aggregator_->IdOf(i, model::ToCell(model::ValueOf(record, key))); };
    if (IsOriginKey(key.kind)) {
      for (const model::Origin& origin : reader_->header().origins) {
        SetOrigin(*reader_, origin, &record);
        dimension.by_origin.push_back(id());
      }
      return true;
    }
    for (const RowShape& shape : reader_->header().shapes) {
      record.stream = shape.stream;
      record.level = reader_->header().levels[shape.level];
      dimension.by_shape.push_back(id());
    }
    return true;
  }

  // The id of the row at `at`; *end moves to where rows begin to have another one. REQUIRES all of that run.
  uint32_t Same(size_t i, size_t run, size_t at, size_t* end) {
    Dimension& dimension = dimensions_[i];
    if (!dimension.by_origin.empty()) return dimension.by_origin[reader_->header().runs[run].origin];
    if (dimension.times) return SameTime(i, run, at, end);
    if (!dimension.by_shape.empty()) {
      uint32_t id = dimension.by_shape[ShapeOf(at)];
      MoveEnd(at, end, [&](size_t other) { return dimension.by_shape[ShapeOf(other)] == id; });
      return id;
    }
    const auto& values = *dimension.values;
    auto has = [&](size_t row) { return dimension.is_time || reader_->header().shapes[ShapeOf(row)].has_step; };
    if (!has(at)) {
      MoveEnd(at, end, [&](size_t other) { return !has(other); });
      return aggregator_->IdOf(i, {});
    }
    int64_t start = Bucket(values[rows_[at]], dimension.width);
    auto within = [&](size_t other) {
      int64_t value = values[rows_[other]];
      return value >= start &&
             static_cast<uint64_t>(value) - static_cast<uint64_t>(start) < static_cast<uint64_t>(dimension.width);
    };
    MoveEnd(at, end, [&](size_t other) { return has(other) && within(other); });
    return aggregator_->BucketIdOf(i, start);
  }

  uint32_t SameTime(size_t i, size_t run, size_t at, size_t* end) {
    const RunTimes& times = *dimensions_[i].times;
    int64_t first = times.starts[run], unit = reader_->header().time_unit, last = 0;
    int64_t start = Bucket(first + times.since_start[rows_[at]] * unit, dimensions_[i].width);
    if (__builtin_add_overflow(start, dimensions_[i].width - 1, &last)) last = INT64_MAX;
    uint64_t limit = (static_cast<uint64_t>(last) - static_cast<uint64_t>(first)) / static_cast<uint64_t>(unit);
    // One after the other, though times ascend: looks far ahead would wait for memory each time.
    MoveEnd(at, end, [&](size_t other) { return times.since_start[rows_[other]] <= limit; });
    return aggregator_->BucketIdOf(i, start);
  }

  template <typename Holds>
  static void MoveEnd(size_t at, size_t* end, const Holds& same) {
    while (++at < *end) {
      if (!same(at)) *end = at;
    }
  }

  uint16_t ShapeOf(size_t at) const { return reader_->header().classes[reader_->classes()[rows_[at]]].shape; }

  ColumnAggregator* aggregator_;
  BlockReader* reader_;
  const std::vector<uint32_t>& rows_;
  std::vector<Dimension> dimensions_;
};

bool ColumnAggregator::Add(BlockReader* reader, const std::vector<uint32_t>& rows) {
  if (rows.empty()) return reader->ok();
  if (reader->classes().empty()) return false;
  BlockDimensions dimensions(this, reader, rows);
  if (!dimensions.Prepare()) return false;
  std::vector<Stretch> stretches = dimensions.Cut();
  for (size_t number = 0; number < aggregation_.aggregates.size(); ++number) {
    if (aggregation_.aggregates[number].field.empty()) {
      for (const Stretch& stretch : stretches) StateOf(stretch.group, number)->Count(stretch.end - stretch.begin);
    } else if (!AddValues(reader, rows, stretches, number)) {
      return false;
    }
  }
  return true;
}

bool ColumnAggregator::AddValues(BlockReader* reader, const std::vector<uint32_t>& rows,
                                 const std::vector<Stretch>& stretches, size_t number) {
  const model::Aggregate& aggregate = aggregation_.aggregates[number];
  BlockValues values(reader, rows, aggregate.field);
  if (!values.Read()) return false;
  for (const Stretch& stretch : stretches) {
    values.Give(stretch.begin, stretch.end, aggregate.function, StateOf(stretch.group, number));
  }
  return true;
}

void ColumnAggregator::Add(const model::Record& record) {
  GroupIds ids;
  for (size_t i = 0; i < group_keys_.size(); ++i) {
    const model::GroupKey& group = aggregation_.groups[i];
    model::Cell cell;
    if (group.kind == model::GroupKey::Kind::kTime) {
      cell = model::Time{Bucket(record.time, group.width)};
    } else if (group.kind == model::GroupKey::Kind::kStep) {
      if (record.step) cell = Bucket(*record.step, group.width);
    } else {
      cell = model::ToCell(model::ValueOf(record, group_keys_[i]));
    }
    ids.push_back(IdOf(i, cell));
  }
  uint32_t group = GroupOf(ids);
  for (size_t number = 0; number < aggregation_.aggregates.size(); ++number) {
    const model::Aggregate& aggregate = aggregation_.aggregates[number];
    AggregateState* state = StateOf(group, number);
    if (aggregate.field.empty()) {
      state->Count(1);
      continue;
    }
    const model::FieldValue* value = model::FindField(record.fields, aggregate.field);
    if (!value) continue;
    if (const auto* whole = std::get_if<int64_t>(value)) {
      state->Take(aggregate.function, *whole);
    } else if (const auto* number_value = std::get_if<double>(value)) {
      state->Take(aggregate.function, *number_value);
    } else if (aggregate.function == Function::kCount) {
      state->Count(1);
    }
  }
}

void ColumnAggregator::Join(const ColumnAggregator& other) {
  GroupIds ids(group_keys_.size());
  std::vector<GroupIds> mine_of(ids.size());  // by dimension and their id
  for (size_t i = 0; i < ids.size(); ++i) {
    for (const model::Cell& cell : other.cells_[i]) mine_of[i].push_back(IdOf(i, cell));
  }
  size_t aggregates = aggregation_.aggregates.size();
  for (uint32_t theirs = 0; theirs < other.groups_.size(); ++theirs) {
    for (size_t i = 0; i < ids.size(); ++i) ids[i] = mine_of[i][other.groups_.ids(theirs)[i]];
    uint32_t mine = GroupOf(ids);
    for (size_t i = 0; i < aggregates; ++i) StateOf(mine, i)->Join(other.states_[theirs * aggregates + i]);
  }
}

// By the places of their values among the dimension's, which are far fewer than the groups.
std::vector<uint32_t> ColumnAggregator::SortedGroups() const {
  size_t dimensions = cells_.size();
  std::vector<uint32_t> groups(groups_.size()), places(groups_.size() * dimensions);
  for (size_t i = 0; i < dimensions; ++i) {
    std::vector<uint32_t> order(cells_[i].size()), place(cells_[i].size());
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return CellLess(cells_[i][a], cells_[i][b]); });
    for (uint32_t at = 0; at < order.size(); ++at) place[order[at]] = at;
    for (size_t group = 0; group < groups.size(); ++group) {
      places[group * dimensions + i] = place[groups_.ids(group)[i]];
    }
  }
  std::iota(groups.begin(), groups.end(), 0);
  std::sort(groups.begin(), groups.end(), [&](uint32_t a, uint32_t b) {
    const uint32_t *first = &places[a * dimensions], *second = &places[b * dimensions];
    return std::lexicographical_compare(first, first + dimensions, second, second + dimensions);
  });
  return groups;
}

model::Table ColumnAggregator::Finish() const {
  model::Table table;
  for (const model::GroupKey& group : aggregation_.groups) table.columns.push_back(group.column);
  for (const model::Aggregate& aggregate : aggregation_.aggregates) table.columns.push_back(aggregate.column);
  std::vector<uint32_t> groups = SortedGroups();
  table.rows.resize(groups.size());
  size_t aggregates = aggregation_.aggregates.size();
  for (size_t at = 0; at < groups.size(); ++at) {
    table.rows[at].reserve(table.columns.size());
    for (size_t i = 0; i < cells_.size(); ++i) table.rows[at].push_back(cells_[i][groups_.ids(groups[at])[i]]);
    for (size_t i = 0; i < aggregates; ++i) {
      table.rows[at].push_back(states_[groups[at] * aggregates + i].Outcome(aggregation_.aggregates[i]));
    }
  }
  return table;
}

}  // namespace rankscope::store
