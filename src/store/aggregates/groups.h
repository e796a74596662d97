#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "model/aggregation.h"
#include "model/record.h"
#include "model/record_value.h"
#include "store/aggregates/group_table.h"

namespace rankscope::store {

// The start of the bucket that the value falls into, a multiple of its width.
int64_t BucketStart(int64_t value, int64_t width);

// The groups of an aggregation, numbered as they are met. A group has a value in each dimension, one a key; values are
// numbered too. One thread.
class Groups {
 public:
  explicit Groups(const std::vector<model::GroupKey>& keys);

  size_t size() const { return table_.size(); }
  size_t dimensions() const { return dimensions_.size(); }
  const model::GroupKey& key(size_t dimension) const { return dimensions_[dimension].key; }
  // What kField groups by.
  const model::RecordKey& record_key(size_t dimension) const { return dimensions_[dimension].record_key; }

  // The number of a value.
  uint32_t IdOf(size_t dimension, const model::Cell& value);
  // The same of an integer, or of the start of a bucket of time.
  uint32_t IdOf(size_t dimension, int64_t value);
  // The number of the group of these values, one a dimension; size() grows where it is a new one.
  uint32_t Find(const uint32_t* ids) { return table_.Find(ids); }
  uint32_t FindOf(const model::Record& record);

  const std::vector<model::Cell>& values(size_t dimension) const { return dimensions_[dimension].values; }
  // Of its values.
  const uint32_t* ids(uint32_t group) const { return table_.ids(group); }
  // About what a group takes.
  size_t bytes_each() const { return 2 * (dimensions() + 2) * sizeof(uint32_t); }

 private:
  struct Dimension {
    model::GroupKey key;
    model::RecordKey record_key{};
    std::map<model::Cell, uint32_t> ids{};  // of others than
    std::unordered_map<int64_t, uint32_t> integer_ids{};
    std::vector<model::Cell> values{};  // by id
  };

  static model::Cell ValueOf(const Dimension& dimension, const model::Record& record);

  std::vector<Dimension> dimensions_;
  GroupTable table_;
};

// Groups of several aggregations by the same keys, which are gone over in the order of a table: by one dimension after
// the other, no value first, then numbers and times, texts last.
class SortedGroups {
 public:
  // What it is given outlives it.
  explicit SortedGroups(const std::vector<const Groups*>& parts);

  struct Member {
    uint64_t place;  // of its group: the same for all of its members, more for those of later groups
    uint32_t part, group;
  };
  // Those of one group stand together, in the order of the parts.
  const std::vector<Member>& members() const { return members_; }
  const model::Cell& value(const Member& member, size_t dimension) const {
    return parts_[member.part]->values(dimension)[parts_[member.part]->ids(member.group)[dimension]];
  }

 private:
  using Places = std::vector<std::vector<uint32_t>>;  // by part and id: the value's place among all parts' values

  uint64_t FindPlaces(size_t dimension, Places* places) const;
  void Compress();
  void Sort();

  const std::vector<const Groups*>& parts_;
  std::vector<Member> members_;
  uint64_t range_ = 1;  // places are below it
};

}  // namespace rankscope::store
