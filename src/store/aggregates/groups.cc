#include "store/aggregates/groups.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace rankscope::store {
namespace {

using Kind = model::GroupKey::Kind;

int RankOf(const model::Cell& cell) {
  if (std::holds_alternative<std::monostate>(cell)) return 0;
  return std::holds_alternative<std::string>(cell) ? 2 : 1;
}

bool Less(const model::Cell& a, const model::Cell& b) {
  const auto *a_time = std::get_if<model::Time>(&a), *b_time = std::get_if<model::Time>(&b);
  if (a_time && b_time) return a_time->ns < b_time->ns;  // most of them are
  if (RankOf(a) != RankOf(b)) return RankOf(a) < RankOf(b);
  return a < b;
}

}  // namespace

int64_t BucketStart(int64_t value, int64_t width) {
  int64_t rest = value % width;
  return value - (rest < 0 ? rest + width : rest);
}

Groups::Groups(const std::vector<model::GroupKey>& keys) : table_(keys.size()) {
  for (const model::GroupKey& key : keys) {
    Dimension& dimension = dimensions_.emplace_back(Dimension{key});
    if (key.kind == Kind::kField) dimension.record_key = model::RecordKey::Of(key.name);
  }
}

uint32_t Groups::IdOf(size_t dimension, const model::Cell& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) return IdOf(dimension, *integer);
  if (const auto* time = std::get_if<model::Time>(&value)) return IdOf(dimension, time->ns);
  auto& [key, record_key, ids, integer_ids, values] = dimensions_[dimension];
  auto [at, added] = ids.try_emplace(value, static_cast<uint32_t>(values.size()));
  if (added) values.push_back(value);
  return at->second;
}

uint32_t Groups::IdOf(size_t dimension, int64_t value) {
  auto& [key, record_key, ids, integer_ids, values] = dimensions_[dimension];
  auto [at, added] = integer_ids.try_emplace(value, static_cast<uint32_t>(values.size()));
  if (added && key.kind == Kind::kTime) {
    values.emplace_back(model::Time{value});
  } else if (added) {
    values.emplace_back(value);
  }
  return at->second;
}

model::Cell Groups::ValueOf(const Dimension& dimension, const model::Record& record) {
  const model::GroupKey& key = dimension.key;
  if (key.kind == Kind::kTime) return model::Time{BucketStart(record.time, key.width)};
  if (key.kind == Kind::kStep) return record.step ? model::Cell(BucketStart(*record.step, key.width)) : model::Cell();
  return model::ToCell(model::ValueOf(record, dimension.record_key));
}

uint32_t Groups::FindOf(const model::Record& record) {
  std::vector<uint32_t> ids;
  for (size_t i = 0; i < dimensions_.size(); ++i) ids.push_back(IdOf(i, ValueOf(dimensions_[i], record)));
  return Find(ids.data());
}

// A place is a number whose digits are the places of the values, the first dimension's first.
SortedGroups::SortedGroups(const std::vector<const Groups*>& parts) : parts_(parts) {
  for (uint32_t part = 0; part < parts.size(); ++part) {
    for (uint32_t group = 0; group < parts[part]->size(); ++group) members_.push_back({0, part, group});
  }
  for (size_t dimension = parts.empty() ? 0 : parts[0]->dimensions(); dimension-- > 0;) {
    Places places;
    uint64_t values = FindPlaces(dimension, &places);
    if (values > 0 && range_ > UINT64_MAX / values) Compress();
    for (Member& member : members_) {
      member.place += range_ * places[member.part][parts[member.part]->ids(member.group)[dimension]];
    }
    range_ *= values;
  }
  Sort();
}

uint64_t SortedGroups::FindPlaces(size_t dimension, Places* places) const {
  struct Value {
    const model::Cell* cell;
    uint32_t* place;
  };
  std::vector<Value> values;
  for (const Groups* part : parts_) {
    auto& of_part = places->emplace_back(part->values(dimension).size());
    for (size_t id = 0; id < of_part.size(); ++id) values.push_back({&part->values(dimension)[id], &of_part[id]});
  }
  std::sort(values.begin(), values.end(), [](const Value& a, const Value& b) { return Less(*a.cell, *b.cell); });
  uint32_t next = 0;
  const model::Cell* last = nullptr;
  for (const auto& [cell, place] : values) {
    if (last && Less(*last, *cell)) ++next;
    *place = next;
    last = cell;
  }
  return values.empty() ? 0 : uint64_t{next} + 1;
}

// Leaves out the places where no group is: there are no more of others than members.
void SortedGroups::Compress() {
  Sort();
  uint64_t last = 0, next = 0;
  for (Member& member : members_) {
    if (member.place != last) ++next;
    last = member.place;
    member.place = next;
  }
  range_ = next + 1;
}

// By digits, which keeps the order of equals. Often they are sorted: a rollup's cells lie by rank and time.
void SortedGroups::Sort() {
  auto before = [](const Member& a, const Member& b) { return a.place < b.place; };
  if (std::is_sorted(members_.begin(), members_.end(), before)) return;
  constexpr unsigned kDigitBits = 11, kBits = 64;
  std::vector<Member> sorted(members_.size());
  for (unsigned shift = 0; shift < kBits && (range_ - 1) >> shift != 0; shift += kDigitBits) {
    auto digit = [shift](const Member& member) { return member.place >> shift & ((1 << kDigitBits) - 1); };
    std::array<uint32_t, (1 << kDigitBits) + 1> next{};
    for (const Member& member : members_) ++next[digit(member) + 1];
    std::partial_sum(next.begin(), next.end(), next.begin());
    for (const Member& member : members_) sorted[next[digit(member)]++] = member;
    members_.swap(sorted);
  }
}

}  // namespace rankscope::store
