#include "store/aggregates/group_table.h"

namespace rankscope::store {

uint32_t GroupTable::Find(const uint32_t* ids) {
  size_t slot = SlotOf(ids);
  if (slots_[slot] != kFree) return slots_[slot];
  auto group = static_cast<uint32_t>(size_++);
  slots_[slot] = group;
  ids_.insert(ids_.end(), ids, ids + dimensions_);
  if (size_ * 2 > slots_.size()) Grow();
  return group;
}

// Where the group is, or a free slot where it would be.
size_t GroupTable::SlotOf(const uint32_t* ids) const {
  switch (dimensions_) {
    case 1:
      return FindSlot<1>(ids);
    case 2:
      return FindSlot<2>(ids);
    default:
      return FindSlot<0>(ids);
  }
}

template <size_t kDimensions>
size_t GroupTable::FindSlot(const uint32_t* wanted) const {
  const size_t dimensions = kDimensions ? kDimensions : dimensions_, last = slots_.size() - 1;
  const uint32_t *slots = slots_.data(), *all = ids_.data();
  uint64_t hash = 0;
  for (size_t i = 0; i < dimensions; ++i) {
    hash = (hash ^ wanted[i]) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 32;
  }
  for (size_t slot = hash & last;; slot = (slot + 1) & last) {
    if (slots[slot] == kFree) return slot;
    const uint32_t* other = all + slots[slot] * dimensions;
    size_t i = 0;
    while (i < dimensions && wanted[i] == other[i]) ++i;
    if (i == dimensions) return slot;
  }
}

void GroupTable::Grow() {
  slots_.assign(slots_.size() * 2, kFree);
  for (uint32_t group = 0; group < size_; ++group) slots_[SlotOf(ids(group))] = group;
}

}  // namespace rankscope::store
