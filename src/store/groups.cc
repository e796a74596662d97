#include "store/groups.h"

#include <algorithm>
#include <numeric>

namespace rankscope::store {
namespace {

using Kind = model::GroupKey::Kind;

int RankOf(const model::Cell& cell) {
  if (std::holds_alternative<std::monostate>(cell)) return 0;
  return std::holds_alternative<std::string>(cell) ? 2 : 1;
}

struct CellLess {
  bool operator()(const model::Cell* a, const model::Cell* b) const {
    if (RankOf(*a) != RankOf(*b)) return RankOf(*a) < RankOf(*b);
    return *a < *b;
  }
};

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
  if (added) values.push_back(key.kind == Kind::kTime ? model::Cell(model::Time{value}) : model::Cell(value));
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
  return Find(ids);
}

SortedGroups::SortedGroups(const std::vector<const Groups*>& parts) : parts_(parts) {
  for (uint32_t part = 0; part < parts.size(); ++part) {
    for (uint32_t group = 0; group < parts[part]->size(); ++group) members_.push_back({part, group});
  }
  size_t dimensions = parts.empty() ? 0 : parts[0]->dimensions();
  places_.resize(dimensions);
  values_.resize(dimensions);
  for (size_t i = dimensions; i > 0; --i) {
    FindPlaces(i - 1);
    SortBy(i - 1);
  }
}

void SortedGroups::FindPlaces(size_t dimension) {
  std::map<const model::Cell*, uint32_t, CellLess> places;
  for (const Groups* part : parts_) {
    for (const model::Cell& value : part->values(dimension)) places.try_emplace(&value, 0);
  }
  uint32_t next = 0;
  for (auto& [value, place] : places) place = next++;
  values_[dimension] = next;
  for (const Groups* part : parts_) {
    auto& of_part = places_[dimension].emplace_back();
    for (const model::Cell& value : part->values(dimension)) of_part.push_back(places.find(&value)->second);
  }
}

// Counts, and keeps the order of equals: values are far fewer than groups.
void SortedGroups::SortBy(size_t dimension) {
  std::vector<uint32_t> next(values_[dimension] + 1);
  for (const Member& member : members_) ++next[PlaceOf(member, dimension) + 1];
  std::partial_sum(next.begin(), next.end(), next.begin());
  std::vector<Member> sorted(members_.size());
  for (const Member& member : members_) sorted[next[PlaceOf(member, dimension)]++] = member;
  members_ = std::move(sorted);
}

bool SortedGroups::Same(const Member& a, const Member& b) const {
  if (a.part == b.part) return a.group == b.group;
  for (size_t i = 0; i < places_.size(); ++i) {
    if (PlaceOf(a, i) != PlaceOf(b, i)) return false;
  }
  return true;
}

}  // namespace rankscope::store
