#include "store/texts/literal_search.h"

#include <algorithm>

#include "model/words.h"

#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace rankscope::store {
namespace {

constexpr std::string_view kEscape = "\x1b";          // what a reader sees is without colours
constexpr std::string_view kKelvin = "\xe2\x84\xaa";  // folds to k
constexpr std::string_view kLongS = "\xc5\xbf";       // folds to s

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
char Upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

#ifdef __AVX2__
// The bits of the 32 bytes that are `c` in either case.
uint32_t Equal(const char* bytes, char c) {
  __m256i text = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
  __m256i lower = _mm256_cmpeq_epi8(text, _mm256_set1_epi8(c));
  __m256i upper = _mm256_cmpeq_epi8(text, _mm256_set1_epi8(Upper(c)));
  return static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_or_si256(lower, upper)));
}
#endif

}  // namespace

LiteralSearch::LiteralSearch(std::string_view literal) : literal_(literal), usable_(!literal.empty()) {
  for (std::string_view rest = literal; !rest.empty();) {
    model::CodePoint point = model::FirstCodePoint(rest);
    usable_ = usable_ && (point.value < 0x80 || model::IsIdeograph(point.value));
    rest.remove_prefix(point.size);
  }
  odd_bytes_.emplace_back(kEscape);
  if (literal_.find('k') != std::string::npos) odd_bytes_.emplace_back(kKelvin);
  if (literal_.find('s') != std::string::npos) odd_bytes_.emplace_back(kLongS);
}

void LiteralSearch::Run(std::string_view arena) {
  hits_.clear();
  odd_.clear();
  size_t at = 0, size = literal_.size();
  if (size > arena.size()) at = arena.size();
#ifdef __AVX2__
  // Where the first byte is and, as far behind it as in the literal, the last one.
  for (; at + size - 1 + 32 <= arena.size(); at += 32) {
    uint32_t both = Equal(arena.data() + at, literal_.front()) & Equal(arena.data() + at + size - 1, literal_.back());
    for (; both != 0; both &= both - 1) {
      size_t hit = at + static_cast<size_t>(__builtin_ctz(both));
      if (EqualAt(arena.data() + hit)) hits_.push_back(hit);
    }
  }
#endif
  for (; at + size <= arena.size(); ++at) {
    if (EqualAt(arena.data() + at)) hits_.push_back(at);
  }
  for (const std::string& bytes : odd_bytes_) Collect(arena, bytes, &odd_);
  std::sort(odd_.begin(), odd_.end());
}

void LiteralSearch::Collect(std::string_view arena, std::string_view bytes, std::vector<size_t>* at) const {
  for (size_t hit = arena.find(bytes); hit != std::string_view::npos; hit = arena.find(bytes, hit + 1)) {
    at->push_back(hit);
  }
}

bool LiteralSearch::EqualAt(const char* text) const {
  for (size_t i = 0; i < literal_.size(); ++i) {
    if (Lower(text[i]) != literal_[i]) return false;
  }
  return true;
}

bool LiteralSearch::In(size_t begin, size_t size) const {
  auto odd = std::lower_bound(odd_.begin(), odd_.end(), begin);
  if (odd != odd_.end() && *odd < begin + size) return true;
  auto hit = std::lower_bound(hits_.begin(), hits_.end(), begin);
  return hit != hits_.end() && *hit + literal_.size() <= begin + size;
}

}  // namespace rankscope::store
