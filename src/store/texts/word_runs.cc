#include "store/texts/word_runs.h"

#include "model/words.h"
#include "store/texts/byte_range.h"

namespace rankscope::store {
namespace {

// First bytes of U+3000 to U+9FFF in UTF-8; of U+3xxx the second ones of kana and of Han characters (between them stand
// Hangul letters, which are in longer words); and what follows a first byte at all.
constexpr int kFirstLead = 0xe3, kLastLead = 0xe9, kFirstKana = 0x81, kLastKana = 0x83, kFirstHanOfE3 = 0x90;
constexpr int kFirstFollowing = 0x80, kLastFollowing = 0xbf;

}  // namespace
#ifdef __AVX2__
namespace {

uint32_t IdeographBits32(const char* bytes) {
  __m256i lead = Within(Load32(bytes), kFirstLead, kLastLead);
  if (_mm256_testz_si256(lead, lead)) return 0;
  __m256i second = Load32(bytes + 1);
  __m256i of_e3 = _mm256_or_si256(Within(second, kFirstKana, kLastKana), Within(second, kFirstHanOfE3, kLastFollowing));
  __m256i is_e3 = _mm256_cmpeq_epi8(Load32(bytes), _mm256_set1_epi8(static_cast<char>(kFirstLead)));
  __m256i follows = _mm256_blendv_epi8(Within(second, kFirstFollowing, kLastFollowing), of_e3, is_e3);
  __m256i third = Within(Load32(bytes + 2), kFirstFollowing, kLastFollowing);
  return static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_and_si256(_mm256_and_si256(lead, follows), third)));
}

}  // namespace

uint64_t IdeographBits(const char* bytes) {
  return uint64_t{IdeographBits32(bytes + 32)} << 32 | IdeographBits32(bytes);
}
#else
uint64_t RunBits(const char* bytes) {
  uint64_t bits = 0;
  for (size_t i = 0; i < kRunWindow; ++i) {
    auto byte = static_cast<unsigned char>(bytes[i]);
    bool in_word = byte >= model::kFoldedAscii.size() || model::kFoldedAscii[byte] != '\0';
    bits |= uint64_t{in_word} << i;
  }
  return bits;
}

uint64_t IdeographBits(const char* bytes) {
  auto within = [](char byte, int first, int last) {
    return static_cast<unsigned char>(byte) >= first && static_cast<unsigned char>(byte) <= last;
  };
  uint64_t bits = 0;
  for (size_t i = 0; i < kRunWindow; ++i) {
    char second = bytes[i + 1];
    bool of_e3 = within(second, kFirstKana, kLastKana) || within(second, kFirstHanOfE3, kLastFollowing);
    bool is_e3 = within(bytes[i], kFirstLead, kFirstLead);
    bool follows = is_e3 ? of_e3 : within(second, kFirstFollowing, kLastFollowing);
    bool begins =
        within(bytes[i], kFirstLead, kLastLead) && follows && within(bytes[i + 2], kFirstFollowing, kLastFollowing);
    bits |= uint64_t{begins} << i;
  }
  return bits;
}
#endif

}  // namespace rankscope::store
