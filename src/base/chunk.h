#pragma once

#include <cstddef>
#include <string_view>
#include <utility>

namespace rankscope::base {

// Bytes, up to megabytes of them, written one behind the other by pointer.
class Chunk {
 public:
  Chunk() = default;
  // Has no more room than for these.
  explicit Chunk(std::string_view bytes);
  Chunk(Chunk&& other) noexcept { *this = std::move(other); }
  Chunk& operator=(Chunk&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }
  ~Chunk();

  // Where `bytes` more may be written, behind what is there: a power of two is allocated. Throws std::bad_alloc.
  char* Room(size_t bytes) {
    if (capacity_ - size_ < bytes) Grow(size_ + bytes);
    return data_ + size_;
  }
  // What was written there, to `end`.
  void Extend(const char* end) { size_ = static_cast<size_t>(end - data_); }
  void Clear() { size_ = 0; }

  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  std::string_view view() const { return {data_, size_}; }

 private:
  void Grow(size_t wanted);
  void Reallocate(size_t capacity);

  char* data_ = nullptr;
  size_t size_ = 0, capacity_ = 0;
};

}  // namespace rankscope::base
