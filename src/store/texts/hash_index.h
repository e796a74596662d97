#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rankscope::store {

// Numbers by hashes of 64 bits, in one piece of memory; an empty one has none. One thread.
class HashIndex {
 public:
  static constexpr uint32_t kNone = ~uint32_t{0};

  size_t size() const { return size_; }
  // The hash's number: `fresh` where it had none. REQUIRES fresh != kNone; as does what is assigned.
  uint32_t& At(uint64_t hash, uint32_t fresh);
  // kNone: it has none.
  uint32_t Find(uint64_t hash) const { return slots_.empty() ? kNone : slots_[PlaceOf(hash)].number; }
  void Clear();

 private:
  struct Slot {
    uint64_t hash = 0;
    uint32_t number = kNone;  // the slot is free
  };

  // Where the hash is, or a free slot where it would be.
  size_t PlaceOf(uint64_t hash) const {
    size_t last = slots_.size() - 1, at = hash & last;
    while (slots_[at].number != kNone && slots_[at].hash != hash) at = (at + 1) & last;
    return at;
  }

  void Grow();

  size_t size_ = 0;
  std::vector<Slot> slots_;  // a power of two of them, never more than half of them taken
};

}  // namespace rankscope::store
