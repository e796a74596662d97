#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rankscope::store {

// Finds a literal in texts that lie one after the other, whatever their case, many bytes at a time. It may find texts
// that do not hold it, and never misses one that does: texts that are shown or folded otherwise than byte by byte are
// all found. One thread.
class LiteralSearch {
 public:
  // `literal` is case folded.
  explicit LiteralSearch(std::string_view literal);

  // Whether it can look for this literal at all: ASCII and ideographs, which have no case.
  bool usable() const { return usable_; }
  // Looks through the arena.
  void Run(std::string_view arena);
  bool any() const { return !hits_.empty() || !odd_.empty(); }
  // Whether the text at [begin, begin + size) of the arena holds it. REQUIRES Run.
  bool In(size_t begin, size_t size) const;

 private:
  void Collect(std::string_view arena, std::string_view bytes, std::vector<size_t>* at) const;
  bool EqualAt(const char* text) const;

  const std::string literal_;
  bool usable_ = true;
  std::vector<std::string> odd_bytes_;  // of texts that may hold it in another form
  std::vector<size_t> hits_, odd_;      // where they begin, ascending
};

}  // namespace rankscope::store
