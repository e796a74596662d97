#include "store/column_aggregator.h"

#include <algorithm>

#include "store/block_values.h"
#include "store/filter_node.h"
#include "store/rollup_groups.h"
#include "store/rollup_values.h"

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
  bool function = aggregate.function == Function::kCount || aggregate.function == Function::kSum ||
                  aggregate.function == Function::kAvg || aggregate.function == Function::kMin ||
                  aggregate.function == Function::kMax || aggregate.function == Function::kQuantile;
  return function && model::RecordKey::Of(aggregate.field).kind == KeyKind::kField;
}

// The cells whose origin and shape match.
std::vector<const Rollup::Cell*> ChooseCells(const Rollup& rollup, const Judgement& judgement) {
  std::vector<const Rollup::Cell*> chosen;
  if (judgement.alive.empty()) return chosen;
  const Verdict* shapes = judgement.classes.data();
  const char* origins = judgement.origins.data();
  chosen.reserve(rollup.cells.size());
  for (const Rollup::Cell& cell : rollup.cells) {
    if (shapes[cell.shape] != Verdict::kNo && origins[cell.origin]) chosen.push_back(&cell);
  }
  return chosen;
}

}  // namespace

bool ColumnAggregator::Supports(const model::Aggregation& aggregation) {
  auto supports = [](const auto& part) { return store::Supports(part); };
  return std::all_of(aggregation.groups.begin(), aggregation.groups.end(), supports) &&
         std::all_of(aggregation.aggregates.begin(), aggregation.aggregates.end(), supports);
}

ColumnAggregator::ColumnAggregator(const model::Aggregation& aggregation, base::Budget* budget)
    : aggregation_(aggregation), budget_(budget), groups_(aggregation.groups) {
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
  size_t of_one = groups_.bytes_each() + aggregates * sizeof(AggregateState);
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
  BlockValues values(reader, selected, aggregate.field);
  if (!values.Read()) return false;
  if (aggregate.function == Function::kQuantile) CountMemory(selected.rows().size() * sizeof(double));
  for (const Stretch& stretch : stretches) {
    values.Give(stretch.begin, stretch.end, aggregate.function, StateOf(stretch.group, number));
  }
  return true;
}

bool ColumnAggregator::Add(const Segment& segment, const Rollup& rollup, const Judgement& judgement) {
  std::vector<RollupValues> values;
  for (const model::Aggregate& aggregate : aggregation_.aggregates) {
    if (!values.emplace_back(rollup, aggregate).Read(judgement.alive)) return false;
  }
  RollupGroups groups(segment, rollup, &groups_);
  if (!groups.Prepare()) return false;
  std::vector<const Rollup::Cell*> chosen = ChooseCells(rollup, judgement);
  std::vector<uint32_t> numbers = groups.GroupsOf(chosen);
  MakeStates();
  for (size_t aggregate = 0; aggregate < values.size(); ++aggregate) {
    for (size_t i = 0; i < chosen.size(); ++i) values[aggregate].Give(*chosen[i], StateOf(numbers[i], aggregate));
  }
  return true;
}

void ColumnAggregator::Add(const model::Record& record) {
  uint32_t group = groups_.FindOf(record);
  MakeStates();
  for (size_t number = 0; number < aggregation_.aggregates.size(); ++number) {
    const model::Aggregate& aggregate = aggregation_.aggregates[number];
    AggregateState* state = StateOf(group, number);
    if (aggregate.field.empty()) {
      state->Count(1);
      continue;
    }
    const model::FieldValue* value = model::FindField(record.fields, aggregate.field);
    if (!value) continue;
    if (aggregate.function == Function::kQuantile) CountMemory(sizeof(double));
    if (const auto* whole = std::get_if<int64_t>(value)) {
      state->Take(aggregate.function, *whole);
    } else if (const auto* number_value = std::get_if<double>(value)) {
      state->Take(aggregate.function, *number_value);
    } else if (aggregate.function == Function::kCount) {
      state->Count(1);
    }
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
    for (size_t i = 0; i < keys; ++i) cells[i] = sorted.value(members[at], i);
    for (size_t i = 0; i < aggregation.aggregates.size(); ++i) {
      const model::Aggregate& aggregate = aggregation.aggregates[i];
      auto state_of = [&](size_t member) { return parts[members[member].part]->StateOf(members[member].group, i); };
      AggregateState* state = state_of(at);
      for (size_t other = at + 1; other < end; ++other) state->Join(aggregate.function, *state_of(other));
      cells[keys + i] = state->Outcome(aggregate);
    }
    if (!take(cells)) return;
  }
}

}  // namespace rankscope::store
