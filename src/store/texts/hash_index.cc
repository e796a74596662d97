#include "store/texts/hash_index.h"

#include <algorithm>

namespace rankscope::store {

uint32_t& HashIndex::At(uint64_t hash, uint32_t fresh) {
  if (size_ * 2 >= slots_.size()) Grow();
  Slot& slot = slots_[PlaceOf(hash)];
  if (slot.number == kNone) {
    slot = {hash, fresh};
    ++size_;
  }
  return slot.number;
}

void HashIndex::Clear() {
  size_ = 0;
  slots_ = {};
}

void HashIndex::Grow() {
  constexpr size_t kFirst = 16;
  std::vector<Slot> old(std::max(kFirst, slots_.size() * 2));
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.number != kNone) slots_[PlaceOf(slot.hash)] = slot;
  }
}

}  // namespace rankscope::store
