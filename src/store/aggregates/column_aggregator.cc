#include "store/aggregates/column_aggregator.h"

#include <algorithm>

#include "model/assign_cell.h"
#include "store/aggregates/group_ids.h"
#include "store/rollups/rollup_groups.h"
#include "store/scan/filter_node.h"

namespace rankscope::store {
namespace {

using Function = model::Aggregate::Function;
using KeyKind = model::RecordKey::Kind;

constexpr size_t kGroupsTogether = 128;

bool IsClassKey(KeyKind kind) { return kind == KeyKind::kStream || kind == KeyKind::kLevel; }

bool Supports(const model::GroupKey& group) {
  if (group.kind != model::GroupKey::Kind::kField) return group.width > 0;
  KeyKind kind = model::RecordKey::Of(group.name).kind;
  return IsClassKey(kind) || IsOriginKey(kind);
}

bool Supports(const model::Aggregate& aggregate) {
  if (aggregate.field.empty()) return aggregate.function == Function::kCount;
  KeyKind kind = model::RecordKey::Of(aggregate.field).kind;
  if (kind == KeyKind::kTimestamp || kind == KeyKind::kStep) {
    return aggregate.function == Function::kMin || aggregate.function == Function::kMax;
  }
  return aggregate.function != Function::kCountDistinct && kind == KeyKind::kField;
}

bool IsEdge(Function function) { return function == Function::kFirst || function == Function::kLast; }

}  // namespace

bool ColumnAggregator::Supports(const model::Aggregation& aggregation) {
  auto supports = [](const auto& part) { return store::Supports(part); };
  return std::all_of(aggregation.groups.begin(), aggregation.groups.end(), supports) &&
         std::all_of(aggregation.aggregates.begin(), aggregation.aggregates.end(), supports);
}

ColumnAggregator::ColumnAggregator(const model::Aggregation& aggregation, base::Budget* budget)
    : aggregation_(aggregation), budget_(budget), groups_(aggregation.groups) {
  for (const auto& aggregate : aggregation.aggregates) keys_.push_back(model::RecordKey::Of(aggregate.field));
  counts_only_ =
      aggregation.groups.empty() && std::all_of(aggregation.aggregates.begin(), aggregation.aggregates.end(),
                                                [](const auto& aggregate) { return aggregate.field.empty(); });
  if (aggregation.groups.empty()) (void)groups_.Find(nullptr);
  MakeStates();
}

ColumnAggregator::~ColumnAggregator() { budget_->Give(counted_bytes_); }

AggregateState* ColumnAggregator::StateOf(uint32_t group, size_t aggregate) const {
  size_t place = group % kGroupsTogether * aggregation_.aggregates.size() + aggregate;
  return &states_[group / kGroupsTogether][place];
}

void ColumnAggregator::MakeStates() {
  size_t aggregates = aggregation_.aggregates.size();
  while (states_.size() * kGroupsTogether < groups_.size()) {
    states_.push_back(std::make_unique<AggregateState[]>(kGroupsTogether * aggregates));
  }
  size_t of_one = groups_.bytes_each();
  for (const auto& aggregate : aggregation_.aggregates) of_one += AggregateState::BytesOf(aggregate.function);
  if (groups_.size() > counted_groups_) CountMemory((groups_.size() - counted_groups_) * of_one);
  counted_groups_ = groups_.size();
}

void ColumnAggregator::CountMemory(size_t bytes) {
  counted_bytes_ += bytes;
  budget_->Take(bytes);
}

void ColumnAggregator::AddCount(uint64_t count) {
  for (size_t i = 0; i < aggregation_.aggregates.size(); ++i) StateOf(0, i)->Count(count);
}

bool ColumnAggregator::Add(BlockReader* reader, const SelectedRows& selected) {
  if (selected.rows().empty()) return reader->ok();
  BlockStretches cutter(reader, selected, &groups_);
  if (!cutter.Prepare()) return false;
  std::vector<Stretch> stretches = cutter.Cut();
  MakeStates();
  for (size_t number = 0; number < aggregation_.aggregates.size(); ++number) {
    if (aggregation_.aggregates[number].field.empty()) {
      for (const Stretch& stretch : stretches) StateOf(stretch.group, number)->Count(stretch.end - stretch.begin);
    } else if (!AddValues(reader, selected, stretches, number)) {
      return false;
    }
  }
  return true;
}

bool ColumnAggregator::AddValues(BlockReader* reader, const SelectedRows& selected,
                                 const std::vector<Stretch>& stretches, size_t number) {
  const model::Aggregate& aggregate = aggregation_.aggregates[number];
  KeyKind kind = keys_[number].kind;
  if (kind == KeyKind::kTimestamp) return AddTimes(reader, selected, stretches, number);
  if (kind == KeyKind::kStep) return AddSteps(reader, selected, stretches, number);
  BlockValues values(reader, selected, aggregate.field);
  if (!values.Read()) return false;
  if (IsEdge(aggregate.function)) return AddEdges(reader, selected, stretches, values, number);
  if (aggregate.function == Function::kQuantile) CountMemory(selected.rows().size() * sizeof(double));
  for (const Stretch& stretch : stretches) {
    values.Give(stretch.begin, stretch.end, aggregate.function, StateOf(stretch.group, number));
  }
  return true;
}

// Within a stretch, which is of one run, times only grow.
bool ColumnAggregator::AddTimes(BlockReader* reader, const SelectedRows& selected,
                                const std::vector<Stretch>& stretches, size_t number) {
  Function function = aggregation_.aggregates[number].function;
  const auto& times = reader->times();
  if (!reader->ok()) return false;
  for (const Stretch& stretch : stretches) {
    size_t edge = function == Function::kMin ? stretch.begin : stretch.end - 1;
    StateOf(stretch.group, number)->Take(function, times[selected.rows()[edge]]);
  }
  return true;
}

bool ColumnAggregator::AddSteps(BlockReader* reader, const SelectedRows& selected,
                                const std::vector<Stretch>& stretches, size_t number) {
  Function function = aggregation_.aggregates[number].function;
  const BlockHeader& header = reader->header();
  const auto& steps = reader->steps();
  const auto& classes = reader->classes();
  if (!reader->ok() || HasField(header, "step")) return false;
  for (const Stretch& stretch : stretches) {
    AggregateState* state = StateOf(stretch.group, number);
    for (size_t i = stretch.begin; i < stretch.end; ++i) {
      uint32_t row = selected.rows()[i];
      if (header.classes[classes[row]].has_step) state->Take(function, steps[row]);
    }
  }
  return true;
}

bool ColumnAggregator::AddEdges(BlockReader* reader, const SelectedRows& selected,
                                const std::vector<Stretch>& stretches, const BlockValues& values, size_t number) {
  Function function = aggregation_.aggregates[number].function;
  const auto& times = reader->times();
  const auto& seqs = reader->seqs();
  if (!reader->ok()) return false;
  for (const Stretch& stretch : stretches) {
    for (size_t i = 0; i < stretch.end - stretch.begin; ++i) {
      size_t at = function == Function::kFirst ? stretch.begin + i : stretch.end - 1 - i;
      model::Cell value = values.At(at);
      if (std::holds_alternative<std::monostate>(value)) continue;
      uint32_t row = selected.rows()[at];
      AddEdge({times[row], static_cast<uint64_t>(seqs[row])}, std::move(value), function,
              StateOf(stretch.group, number));
      break;
    }
  }
  return true;
}

void ColumnAggregator::AddEdge(const AggregateState::Moment& moment, model::Cell value, Function function,
                               AggregateState* state) {
  if (const auto* text = std::get_if<std::string>(&value)) CountMemory(text->size());
  state->TakeAt(function, moment, std::move(value));
}

void ColumnAggregator::Add(const RollupAnswer& answer, size_t share, size_t shares) {
  RollupGroups finder(answer.segment(), answer.rollup(), &groups_);
  for (const Rollup::Run& run : answer.Runs(share, shares)) {
    const std::vector<uint32_t>& groups = finder.Of(run);
    MakeStates();
    for (size_t number = 0; number < aggregation_.aggregates.size(); ++number) {
      if (auto cells = answer.CellsOf(run, number)) AddCells(*cells, groups, number);
    }
  }
}

// `groups`: of each cell.
void ColumnAggregator::AddCells(const RollupAnswer::Cells& cells, const std::vector<uint32_t>& groups, size_t number) {
  Function function = aggregation_.aggregates[number].function;
  for (size_t i = 0; i < groups.size(); ++i) {
    AggregateState* state = StateOf(groups[i], number);
    if (cells.numbers) {
      state->TakeTogether(function, cells.rows[i], cells.numbers[i], cells.whole);
    } else {
      state->Count(cells.rows[i]);
    }
  }
}

void ColumnAggregator::Add(const model::Record& record) {
  uint32_t group = groups_.FindOf(record);
  MakeStates();
  for (size_t number = 0; number < aggregation_.aggregates.size(); ++number) {
    const model::Aggregate& aggregate = aggregation_.aggregates[number];
    AggregateState* state = StateOf(group, number);
    if (aggregate.field.empty()) {
      state->Count(1);
    } else {
      AddValue(record, number, state);
    }
  }
}

void ColumnAggregator::AddValue(const model::Record& record, size_t number, AggregateState* state) {
  const model::Aggregate& aggregate = aggregation_.aggregates[number];
  model::ValueView value = model::ValueOf(record, keys_[number]);
  if (std::holds_alternative<std::monostate>(value)) return;
  if (IsEdge(aggregate.function)) {
    AddEdge({record.time, record.seq}, model::ToCell(value), aggregate.function, state);
    return;
  }
  if (aggregate.function == Function::kQuantile) CountMemory(sizeof(double));
  if (const auto* whole = std::get_if<int64_t>(&value)) {
    state->Take(aggregate.function, *whole);
  } else if (const auto* time = std::get_if<model::Time>(&value)) {
    state->Take(aggregate.function, time->ns);
  } else if (const auto* decimal = std::get_if<double>(&value)) {
    state->Take(aggregate.function, *decimal);
  } else if (aggregate.function == Function::kCount) {
    state->Count(1);
  }
}

void ColumnAggregator::Finish(const std::vector<std::unique_ptr<ColumnAggregator>>& parts,
                              const model::TakeCells& take) {
  std::vector<const Groups*> groups;
  groups.reserve(parts.size());
  for (const auto& part : parts) groups.push_back(&part->groups_);
  SortedGroups sorted(groups);
  const model::Aggregation& aggregation = parts.front()->aggregation_;
  size_t keys = aggregation.groups.size();
  std::vector<model::Cell> cells(keys + aggregation.aggregates.size());
  const auto& members = sorted.members();
  for (size_t at = 0, end = 0; at < members.size(); at = end) {
    while (++end < members.size() && members[at].place == members[end].place) {
    }
    for (size_t i = 0; i < keys; ++i) model::Assign(sorted.value(members[at], i), &cells[i]);
    for (size_t i = 0; i < aggregation.aggregates.size(); ++i) {
      const model::Aggregate& aggregate = aggregation.aggregates[i];
      auto state_of = [&](size_t member) { return parts[members[member].part]->StateOf(members[member].group, i); };
      AggregateState* state = state_of(at);
      for (size_t other = at + 1; other < end; ++other) state->Join(aggregate.function, *state_of(other));
      model::Assign(state->Outcome(aggregate), &cells[keys + i]);
    }
    if (!take(cells)) return;
  }
}

}  // namespace rankscope::store
