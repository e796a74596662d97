#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

namespace rankscope::store {

// Keeps copies of runs of things, each in one piece, which never move. One thread.
template <typename T>
class Arena {
 public:
  T* Keep(const T* things, size_t count) {
    if (count > room_) {
      room_ = std::max(kChunkBytes / sizeof(T), count);
      chunks_.push_back(std::make_unique_for_overwrite<T[]>(room_));
      free_ = chunks_.back().get();
    }
    T* kept = free_;
    std::copy(things, things + count, kept);
    free_ += count;
    room_ -= count;
    return kept;
  }

 private:
  static constexpr size_t kChunkBytes = 64 << 10;

  std::vector<std::unique_ptr<T[]>> chunks_;
  T* free_ = nullptr;  // the end of the last one,
  size_t room_ = 0;    // where there is room for so many
};

}  // namespace rankscope::store
