#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rankscope::store {

// Hashes of 64 bits, in one piece of memory; an empty one has none. One thread.
class HashSet {
 public:
  size_t size() const { return size_ + (has_zero_ ? 1 : 0); }

  void Add(uint64_t hash) {
    if (hash == 0) has_zero_ = true;
    if (hash == 0) return;
    if (size_ * 2 >= slots_.size()) Grow();
    uint64_t& slot = slots_[PlaceOf(hash)];
    size_ += slot == 0 ? 1 : 0;
    slot = hash;
  }

  // That Add will be called with it: loads its place from memory meanwhile.
  void Expect(uint64_t hash) const {
    if (!slots_.empty()) __builtin_prefetch(&slots_[hash & (slots_.size() - 1)], 1);
  }

  template <typename Take>
  void ForEach(const Take& take) const {
    if (has_zero_) take(uint64_t{0});
    for (uint64_t hash : slots_) {
      if (hash != 0) take(hash);
    }
  }

 private:
  // Where the hash is, or a free slot where it would be.
  size_t PlaceOf(uint64_t hash) const {
    size_t last = slots_.size() - 1, at = hash & last;
    while (slots_[at] != 0 && slots_[at] != hash) at = (at + 1) & last;
    return at;
  }

  void Grow() {
    constexpr size_t kFirst = 16, kFactor = 4;
    std::vector<uint64_t> old(std::max(kFirst, slots_.size() * kFactor));
    old.swap(slots_);
    for (uint64_t hash : old) {
      if (hash != 0) slots_[PlaceOf(hash)] = hash;
    }
  }

  size_t size_ = 0;
  bool has_zero_ = false;
  std::vector<uint64_t> slots_;  // 0 is a free one; a power of two of them, never more than half of them taken
};

}  // namespace rankscope::store
