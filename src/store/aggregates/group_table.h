#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rankscope::store {

// Numbers groups in the order in which they are met. A group is the ids of its values, one a dimension.
class GroupTable {
 public:
  explicit GroupTable(size_t dimensions) : dimensions_(dimensions), slots_(kFirstSlots, kFree) {}

  size_t size() const { return size_; }
  const uint32_t* ids(size_t group) const { return ids_.data() + group * dimensions_; }
  // The group's number; size() grows where it is a new one.
  uint32_t Find(const uint32_t* ids);

 private:
  static constexpr size_t kFirstSlots = 64;  // a power of two, as each later size
  static constexpr uint32_t kFree = ~uint32_t{0};

  size_t SlotOf(const uint32_t* ids) const;
  // The same where their number is known when this is compiled; 0: it is not.
  template <size_t kDimensions>
  size_t FindSlot(const uint32_t* ids) const;
  void Grow();

  const size_t dimensions_;
  size_t size_ = 0;
  std::vector<uint32_t> ids_;    // of each group
  std::vector<uint32_t> slots_;  // open addressing: groups, never more than half of the slots
};

}  // namespace rankscope::store
