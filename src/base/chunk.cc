#include "base/chunk.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>

namespace rankscope::base {

Chunk::Chunk(std::string_view bytes) {
  Reallocate(bytes.size());
  Extend(std::copy(bytes.begin(), bytes.end(), data_));
}

Chunk::~Chunk() { std::free(data_); }

void Chunk::Grow(size_t wanted) { Reallocate(std::bit_ceil(wanted)); }

void Chunk::Reallocate(size_t capacity) {
  void* data = std::realloc(data_, std::max<size_t>(capacity, 1));
  if (!data) throw std::bad_alloc();
  data_ = static_cast<char*>(data);
  capacity_ = capacity;
}

}  // namespace rankscope::base
