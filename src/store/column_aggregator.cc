#include "store/column_aggregator.h"

#include <algorithm>
#include <cmath>

namespace rankscope::store {
namespace {

using Function = model::Aggregate::Function;
using KeyKind = model::RecordKey::Kind;

bool IsClassKey(KeyKind kind) { return kind == KeyKind::kStream || kind == KeyKind::kLevel; }
bool IsOriginKey(KeyKind kind) {
  return kind == KeyKind::kJob || kind == KeyKind::kProject || kind == KeyKind::kAttempt ||
         kind == KeyKind::kNodeRank || kind == KeyKind::kRank || kind == KeyKind::kLocalRank || kind == KeyKind::kHost;
}

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
    : aggregation_(aggregation), ids_(aggregation.groups.size()), cells_(aggregation.groups.size()) {
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

ColumnAggregator::Group* ColumnAggregator::GroupOf(const std::vector<uint32_t>& ids) {
  auto& group = groups_[ids];
  if (group) return group.get();
  group = std::make_unique<Group>();
  for (size_t i = 0; i < ids.size(); ++i) group->keys.push_back(cells_[i][ids[i]]);
  group->states.resize(aggregation_.aggregates.size());
  return group.get();
}

void ColumnAggregator::AddCount(uint64_t count) {
  for (State& state : GroupOf({})->states) state.count += count;
}

bool ColumnAggregator::Add(BlockReader* reader, const std::vector<uint32_t>& rows) {
  if (rows.empty()) return reader->ok();
  const BlockHeader& header = reader->header();
  const auto& classes = reader->classes();
  const auto& origins = reader->origins();
  if (classes.empty()) return false;
  size_t dimensions = group_keys_.size();
  std::vector<std::vector<uint32_t>> by_origin(dimensions), by_class(dimensions);
  const std::vector<int64_t>* times = nullptr;
  const std::vector<int64_t>* steps = nullptr;
  for (size_t i = 0; i < dimensions; ++i) {
    const model::GroupKey& group = aggregation_.groups[i];
    if (group.kind == model::GroupKey::Kind::kTime) {
      times = &reader->times();
      if (times->empty()) return false;
      continue;
    }
    std::string name = group.kind == model::GroupKey::Kind::kStep ? "step" : group.name;
    for (const auto& names : header.schemas) {
      if (std::find(names.begin(), names.end(), name) != names.end()) return false;
    }
    if (group.kind == model::GroupKey::Kind::kStep) {
      steps = &reader->steps();
      if (steps->empty()) return false;
      continue;
    }
    model::Record record;
    record.origin.project = reader->segment().project();
    record.origin.job = reader->segment().job();
    if (IsOriginKey(group_keys_[i].kind)) {
      for (const model::Origin& origin : header.origins) {
        record.origin.attempt = origin.attempt;
        record.origin.node_rank = origin.node_rank;
        record.origin.rank = origin.rank;
        record.origin.local_rank = origin.local_rank;
        record.origin.host = origin.host;
        by_origin[i].push_back(IdOf(i, model::ToCell(model::ValueOf(record, group_keys_[i]))));
      }
    } else {
      for (const RowClass& row_class : header.classes) {
        record.stream = row_class.stream;
        record.level = header.levels[row_class.level];
        by_class[i].push_back(IdOf(i, model::ToCell(model::ValueOf(record, group_keys_[i]))));
      }
    }
  }
  // Neighbours mostly share their group: look it up where it changes.
  std::vector<Group*> groups(rows.size());
  std::vector<uint32_t> ids(dimensions);
  std::vector<int64_t> starts(dimensions, INT64_MIN);
  std::vector<char> known(dimensions);
  Group* last = nullptr;
  for (size_t at = 0; at < rows.size(); ++at) {
    uint32_t row = rows[at];
    bool changed = last == nullptr;
    for (size_t i = 0; i < dimensions; ++i) {
      const model::GroupKey& group = aggregation_.groups[i];
      uint32_t id;
      if (!by_origin[i].empty()) {
        id = by_origin[i][origins[row]];
      } else if (!by_class[i].empty()) {
        id = by_class[i][classes[row]];
      } else {
        bool is_time = group.kind == model::GroupKey::Kind::kTime;
        bool has = is_time || header.classes[classes[row]].has_step;
        int64_t value = is_time ? (*times)[row] : (*steps)[row];
        if (has && known[i] == 1 && value >= starts[i] && value - starts[i] < group.width) {
          id = ids[i];
        } else if (!has) {
          id = IdOf(i, {});
          known[i] = 0;
        } else {
          starts[i] = Bucket(value, group.width);
          known[i] = 1;
          id = IdOf(i, is_time ? model::Cell(model::Time{starts[i]}) : model::Cell(starts[i]));
        }
      }
      changed = changed || id != ids[i];
      ids[i] = id;
    }
    if (changed) last = GroupOf(ids);
    groups[at] = last;
  }
  for (size_t number = 0; number < aggregation_.aggregates.size(); ++number) {
    if (aggregation_.aggregates[number].field.empty()) {
      for (Group* group : groups) ++group->states[number].count;
    } else if (!AddValues(reader, rows, groups, number)) {
      return false;
    }
  }
  return true;
}

bool ColumnAggregator::AddValues(BlockReader* reader, const std::vector<uint32_t>& rows,
                                 const std::vector<Group*>& groups, size_t number) {
  const model::Aggregate& aggregate = aggregation_.aggregates[number];
  const BlockHeader& header = reader->header();
  const auto& classes = reader->classes();
  const auto& places = reader->schema_places();
  if (places.empty()) return false;
  std::vector<int> field_of;  // by schema; -1: it has none
  for (const auto& names : header.schemas) {
    auto at = std::find(names.begin(), names.end(), aggregate.field);
    field_of.push_back(at == names.end() ? -1 : static_cast<int>(at - names.begin()));
  }
  std::vector<std::shared_ptr<const NumberColumn>> numbers(header.schemas.size());
  std::vector<const FieldColumn*> mixed(header.schemas.size());
  for (size_t schema = 0; schema < header.schemas.size(); ++schema) {
    if (field_of[schema] < 0) continue;
    numbers[schema] = reader->Numbers(static_cast<uint32_t>(schema), static_cast<size_t>(field_of[schema]));
    if (!numbers[schema]) {
      mixed[schema] = reader->Field(static_cast<uint32_t>(schema), static_cast<size_t>(field_of[schema]));
      if (!mixed[schema]) return false;
    }
  }
  for (size_t at = 0; at < rows.size(); ++at) {
    uint32_t schema = header.classes[classes[rows[at]]].schema;
    if (field_of[schema] < 0) continue;
    State* state = &groups[at]->states[number];
    uint32_t place = places[rows[at]];
    if (const NumberColumn* column = numbers[schema].get()) {
      if (column->integers) {
        Take(state, aggregate, column->whole[place]);
      } else {
        Take(state, aggregate, column->doubles[place]);
      }
      continue;
    }
    const model::FieldView& value = mixed[schema]->values[place];
    if (value.kind == model::FieldView::Kind::kInteger) {
      Take(state, aggregate, value.integer);
    } else if (value.kind == model::FieldView::Kind::kDouble) {
      Take(state, aggregate, value.number);
    } else if (aggregate.function == Function::kCount) {
      ++state->count;
    }
  }
  return true;
}

void ColumnAggregator::Add(const model::Record& record) {
  std::vector<uint32_t> ids;
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
  Group* group = GroupOf(ids);
  for (size_t number = 0; number < aggregation_.aggregates.size(); ++number) {
    const model::Aggregate& aggregate = aggregation_.aggregates[number];
    State* state = &group->states[number];
    if (aggregate.field.empty()) {
      ++state->count;
      continue;
    }
    const model::FieldValue* value = model::FindField(record.fields, aggregate.field);
    if (!value) continue;
    if (const auto* whole = std::get_if<int64_t>(value)) {
      Take(state, aggregate, *whole);
    } else if (const auto* number_value = std::get_if<double>(value)) {
      Take(state, aggregate, *number_value);
    } else if (aggregate.function == Function::kCount) {
      ++state->count;
    }
  }
}

void ColumnAggregator::Take(State* state, const model::Aggregate& aggregate, int64_t value) const {
  if (aggregate.function == Function::kQuantile) state->values.push_back(static_cast<double>(value));
  Widen(state, static_cast<long double>(value), /*whole=*/true);
  ++state->count;
  state->sum += static_cast<long double>(value);
  if (state->whole && __builtin_add_overflow(state->whole_sum, value, &state->whole_sum)) state->whole = false;
}

void ColumnAggregator::Take(State* state, const model::Aggregate& aggregate, double value) const {
  ++state->count;
  state->sum += value;
  state->whole = false;
  if (std::isnan(value)) {
    state->any_nan = true;
    return;
  }
  if (aggregate.function == Function::kQuantile) state->values.push_back(value);
  Widen(state, static_cast<long double>(value), /*whole=*/false);
}

void ColumnAggregator::Widen(State* state, long double number, bool whole) {
  if (!state->any_number || number < state->low) {
    state->low = number;
    state->low_whole = whole;
  }
  if (!state->any_number || number > state->high) {
    state->high = number;
    state->high_whole = whole;
  }
  state->any_number = true;
}

model::Cell ColumnAggregator::Outcome(const State& state, const model::Aggregate& aggregate) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  switch (aggregate.function) {
    case Function::kCount:
      return static_cast<int64_t>(state.count);
    case Function::kSum:
      if (state.count == 0) return {};
      return state.whole ? model::Cell(state.whole_sum) : model::Cell(static_cast<double>(state.sum));
    case Function::kAvg:
      return state.count == 0 ? model::Cell()
                              : model::Cell(static_cast<double>(state.sum / static_cast<long double>(state.count)));
    case Function::kMin:
    case Function::kMax: {
      bool low = aggregate.function == Function::kMin;
      if (!state.any_number) return state.any_nan ? model::Cell(kNan) : model::Cell();
      long double extreme = low ? state.low : state.high;
      bool whole = low ? state.low_whole : state.high_whole;
      return whole ? model::Cell(static_cast<int64_t>(extreme)) : model::Cell(static_cast<double>(extreme));
    }
    default:
      break;
  }
  if (state.values.empty()) return {};
  std::vector<double> values = state.values;
  std::sort(values.begin(), values.end());
  double place = aggregate.argument * static_cast<double>(values.size() - 1);
  auto below = static_cast<size_t>(place);
  if (below + 1 >= values.size()) return values.back();
  double share = place - static_cast<double>(below);
  return share == 0 ? values[below] : values[below] + (values[below + 1] - values[below]) * share;
}

model::Table ColumnAggregator::Finish() {
  model::Table table;
  for (const model::GroupKey& group : aggregation_.groups) table.columns.push_back(group.column);
  for (const model::Aggregate& aggregate : aggregation_.aggregates) table.columns.push_back(aggregate.column);
  for (const auto& [ids, group] : groups_) {
    std::vector<model::Cell> row = group->keys;
    for (size_t i = 0; i < group->states.size(); ++i) {
      row.push_back(Outcome(group->states[i], aggregation_.aggregates[i]));
    }
    table.rows.push_back(std::move(row));
  }
  size_t keys = aggregation_.groups.size();
  std::sort(table.rows.begin(), table.rows.end(), [keys](const auto& a, const auto& b) {
    return std::lexicographical_compare(a.begin(), a.begin() + static_cast<long>(keys), b.begin(),
                                        b.begin() + static_cast<long>(keys), CellLess);
  });
  return table;
}

}  // namespace rankscope::store
