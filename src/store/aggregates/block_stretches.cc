#include "store/aggregates/block_stretches.h"

#include <algorithm>

#include "store/aggregates/group_ids.h"
#include "store/scan/filter_node.h"

namespace rankscope::store {
namespace {

using Kind = model::GroupKey::Kind;

// Moves *end to the first after `at` of which it does not hold.
template <typename Holds>
void MoveEnd(size_t at, size_t* end, const Holds& holds) {
  while (++at < *end) {
    if (!holds(at)) *end = at;
  }
}

// The same where it holds up to some place and no further. Looked for about as far away as the last one was, from
// there step by step, which costs no more than what was gone over before: looks all over the column would wait for
// memory each time.
template <typename Holds>
void MoveEndNear(size_t at, size_t length, size_t* end, const Holds& holds) {
  size_t guess = std::min(at + length, *end);
  while (guess > at + 1 && !holds(guess - 1)) --guess;
  if (guess == at + length) {
    while (guess < *end && holds(guess)) ++guess;
  }
  *end = guess;
}

}  // namespace

bool BlockStretches::Prepare() {
  for (size_t i = 0; i < dimensions_.size(); ++i) {
    if (!Prepare(i)) return false;
  }
  return true;
}

bool BlockStretches::Prepare(size_t i) {
  const model::GroupKey& key = groups_->key(i);
  Dimension& dimension = dimensions_[i];
  if (key.kind == Kind::kTime) {
    const auto& number = selected_.whole_class;
    dimension.times = number ? reader_->class_times(*number) : reader_->run_times();
    if (!dimension.times && reader_->ok()) dimension.values = &reader_->times();
    return reader_->ok();
  }
  const std::string name = key.kind == Kind::kStep ? "step" : key.name;
  if (HasField(reader_->header(), name)) return false;
  if (key.kind == Kind::kStep) {
    dimension.values = &reader_->steps();
    return !dimension.values->empty();
  }
  if (IsOriginKey(groups_->record_key(i).kind)) {
    dimension.by_origin = IdsOfOrigins(reader_->segment(), reader_->header(), i, groups_);
  } else {
    dimension.by_shape = IdsOfShapes(reader_->header(), i, groups_);
  }
  return true;
}

std::vector<Stretch> BlockStretches::Cut() {
  std::vector<Stretch> stretches;
  std::vector<uint32_t> ids(dimensions_.size());
  const auto& runs = reader_->header().runs;
  size_t at = 0;
  uint32_t end_of_run = 0;
  for (size_t run = 0; run < runs.size() && at < rows_.size(); ++run) {
    end_of_run += runs[run].rows;
    auto border = std::lower_bound(rows_.begin() + static_cast<long>(at), rows_.end(), end_of_run);
    auto end = static_cast<size_t>(border - rows_.begin());
    while (at < end) {
      size_t same = end;
      for (size_t i = 0; i < ids.size(); ++i) ids[i] = Same(i, run, at, &same);
      stretches.push_back({at, same, groups_->Find(ids.data())});
      at = same;
    }
  }
  return stretches;
}

// The id of the row at `at`; *end moves to where rows begin to have another one. REQUIRES all of that run.
uint32_t BlockStretches::Same(size_t i, size_t run, size_t at, size_t* end) {
  const Dimension& dimension = dimensions_[i];
  if (!dimension.by_origin.empty()) return dimension.by_origin[reader_->header().runs[run].origin];
  if (!dimension.by_shape.empty()) return SameShape(i, at, end);
  return dimension.times ? SameTime(i, run, at, end) : SameBucket(i, at, end);
}

uint32_t BlockStretches::SameShape(size_t i, size_t at, size_t* end) {
  const auto& ids = dimensions_[i].by_shape;
  uint32_t id = ids[ShapeOf(at)];
  MoveEnd(at, end, [&](size_t other) { return ids[ShapeOf(other)] == id; });
  return id;
}

uint32_t BlockStretches::SameTime(size_t i, size_t run, size_t at, size_t* end) {
  Dimension& dimension = dimensions_[i];
  auto since = [&, whole = selected_.whole_class.has_value(), times = dimension.times->since_start.data()](size_t row) {
    return times[whole ? row : rows_[row]];
  };
  int64_t first = dimension.times->starts[run], unit = reader_->header().time_unit, last = 0;
  int64_t width = groups_->key(i).width, start = BucketStart(first + since(at) * unit, width);
  if (__builtin_add_overflow(start, width - 1, &last)) last = INT64_MAX;
  uint64_t limit = (static_cast<uint64_t>(last) - static_cast<uint64_t>(first)) / static_cast<uint64_t>(unit);
  MoveEndNear(at, dimension.last_length, end, [&](size_t other) { return since(other) <= limit; });
  dimension.last_length = *end - at;
  return groups_->IdOf(i, start);
}

uint32_t BlockStretches::SameBucket(size_t i, size_t at, size_t* end) {
  const auto& values = *dimensions_[i].values;
  const model::GroupKey& key = groups_->key(i);
  const auto& shapes = reader_->header().shapes;
  auto has = [&](size_t row) { return key.kind == Kind::kTime || shapes[ShapeOf(row)].has_step; };
  if (!has(at)) {
    MoveEnd(at, end, [&](size_t other) { return !has(other); });
    return groups_->IdOf(i, model::Cell());  // {} would be the number 0
  }
  int64_t start = BucketStart(values[rows_[at]], key.width);
  auto within = [&](size_t other) {
    int64_t value = values[rows_[other]];
    return value >= start &&
           static_cast<uint64_t>(value) - static_cast<uint64_t>(start) < static_cast<uint64_t>(key.width);
  };
  MoveEnd(at, end, [&](size_t other) { return has(other) && within(other); });
  return groups_->IdOf(i, start);
}

}  // namespace rankscope::store
