#include "store/columns/compression.h"

#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "base/zstd.h"
#include "store/texts/byte_range.h"

namespace rankscope::store {
namespace {

constexpr char kPlain = 0;
constexpr char kZstd = 1;

// Whether zstd would find enough of the bytes among those before them to make up for the search. A place is looked at
// where the two bytes before it say so, one in 32 or so: then those of its like are, too, wherever they stand.
class RepeatSearch {
 public:
  static constexpr size_t kLeastBytes = 4096;  // of fewer it is not asked

  bool IsWorthwhile(std::string_view bytes) {
    for (size_t at = 0; at + kWindow + kReadBehind <= bytes.size() && places_ < kMostPlaces; at += kWindow) {
      for (uint64_t chosen = ChosenIn(bytes.data() + at); chosen != 0; chosen &= chosen - 1) {
        Look(bytes.data() + at + std::countr_zero(chosen) + 2);
      }
    }
    return repeated_ * kFew >= places_;
  }

 private:
  static constexpr size_t kMostPlaces = 8192;
  static constexpr size_t kWindow = 64, kReadBehind = 16;
  static constexpr size_t kMatch = 5;  // bytes; of fewer a match costs as much as they do
  static constexpr size_t kFew = 12;   // one in so many places
  static constexpr char kChosenOf = 31, kChosen = 9;
  static constexpr int kBits = 12;

  // A bit for each of the first kWindow of them: of two one after the other the sum says.
  static uint64_t ChosenIn(const char* bytes) {
#ifdef __AVX2__
    auto chosen = [](const char* from) {
      __m256i sums = _mm256_add_epi8(Load32(from), Load32(from + 1));
      __m256i low = _mm256_and_si256(sums, _mm256_set1_epi8(kChosenOf));
      return static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, _mm256_set1_epi8(kChosen))));
    };
    return uint64_t{chosen(bytes + 32)} << 32 | chosen(bytes);
#else
    uint64_t chosen = 0;
    for (size_t i = 0; i < kWindow; ++i) chosen |= uint64_t{((bytes[i] + bytes[i + 1]) & kChosenOf) == kChosen} << i;
    return chosen;
#endif
  }

  void Look(const char* bytes) {
    uint64_t match;
    std::memcpy(&match, bytes, sizeof match);
    uint64_t hash = (match << 8 * (sizeof match - kMatch)) * 0x9e3779b97f4a7c15u;
    auto tag = static_cast<uint32_t>(hash >> 24);
    ++places_;
    repeated_ += std::exchange(seen_[hash >> (64 - kBits)], tag) == tag ? 1 : 0;
  }

  size_t places_ = 0, repeated_ = 0;
  std::array<uint32_t, size_t{1} << kBits> seen_{};
};

}  // namespace

void PutCompressed(std::string_view bytes, int level, std::string* out) {
  size_t before = out->size();
  out->push_back(kZstd);
  bool search = bytes.size() < RepeatSearch::kLeastBytes || RepeatSearch().IsWorthwhile(bytes);
  base::PutZstd(bytes, search ? level : kUnlikeLevel, out);
  if (out->size() < before + 1 + bytes.size()) return;
  out->resize(before);
  out->push_back(kPlain);
  out->append(bytes);
}

bool ReadCompressed(std::string_view compressed, size_t size, std::string* out) {
  if (compressed.empty()) return false;
  char kind = compressed.front();
  compressed.remove_prefix(1);
  if (kind == kPlain) {
    out->assign(compressed);
    return out->size() == size;
  }
  return kind == kZstd && base::ReadZstd(compressed, size, out);
}

}  // namespace rankscope::store
