#include "store/blocks/class_rows.h"

#include <algorithm>
#include <numeric>

#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace rankscope::store {
namespace {

constexpr size_t kFew = 2;

}  // namespace

ClassRows::ClassRows(const BlockHeader& header, const std::vector<uint16_t>& wanted)
    : all_(wanted.size() == header.classes.size()) {
  for (uint16_t number : wanted) rows_ += header.classes[number].rows;
  if (all_) return;
  if (wanted.size() <= kFew) {
    few_ = wanted;
    return;
  }
  wanted_.resize(header.classes.size());
  for (uint16_t number : wanted) wanted_[number] = 1;
}

void ClassRows::Append(const std::vector<uint16_t>& classes, uint32_t first, uint32_t last,
                       std::vector<uint32_t>* rows) const {
  if (first >= last) return;
  if (all_) {
    rows->resize(rows->size() + (last - first));
    std::iota(rows->end() - (last - first), rows->end(), first);
    return;
  }
  if (wanted_.empty()) {
    rows->reserve(rows->size() + std::min<uint64_t>(last - first, rows_));
    auto before = static_cast<long>(rows->size());
    for (uint16_t number : few_) AppendOf(number, classes.data(), first, last, rows);
    if (few_.size() > 1) std::sort(rows->begin() + before, rows->end());
    return;
  }
  size_t count = rows->size();
  rows->resize(count + std::min<uint64_t>(last - first, rows_) + 1);
  uint32_t* out = rows->data() + count;
  for (uint32_t row = first; row < last; ++row) {
    *out = row;
    out += wanted_[classes[row]];
  }
  rows->resize(static_cast<size_t>(out - rows->data()));
}

void ClassRows::AppendOf(uint16_t number, const uint16_t* classes, uint32_t first, uint32_t last,
                         std::vector<uint32_t>* rows) const {
  uint32_t row = first;
#ifdef __AVX2__
  const __m256i wanted = _mm256_set1_epi16(static_cast<int16_t>(number));
  for (; row + 16 <= last; row += 16) {
    __m256i sixteen = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(classes + row));
    auto equal = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi16(sixteen, wanted))) & 0x55555555u;
    for (; equal != 0; equal &= equal - 1) {
      rows->push_back(row + static_cast<uint32_t>(__builtin_ctz(equal)) / 2);
    }
  }
#endif
  for (; row < last; ++row) {
    if (classes[row] == number) rows->push_back(row);
  }
}

}  // namespace rankscope::store
