#include "store/text_pieces.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "model/words.h"

#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace rankscope::store {
namespace {

constexpr size_t kWindow = 64;
constexpr size_t kProbe = 4096;  // pieces, after which it is seen whether they come again

#ifdef __AVX2__
// The bits of the 32 bytes that may be in words: digits, letters, _ and all that is not ASCII. A byte's halves name the
// kinds of rows and columns of the ASCII table that have some; it is one where both name the same.
uint32_t WordBits32(const char* bytes) {
  constexpr char kDigits = 1, kAToO = 2, kPToZ = 4, kUnderscore = 8;
  const __m256i columns = _mm256_setr_epi8(
      kDigits | kPToZ, kDigits | kAToO | kPToZ, kDigits | kAToO | kPToZ, kDigits | kAToO | kPToZ,
      kDigits | kAToO | kPToZ, kDigits | kAToO | kPToZ, kDigits | kAToO | kPToZ, kDigits | kAToO | kPToZ,
      kDigits | kAToO | kPToZ, kDigits | kAToO | kPToZ, kAToO | kPToZ, kAToO, kAToO, kAToO, kAToO, kAToO | kUnderscore,
      kDigits | kPToZ, kDigits | kAToO | kPToZ, kDigits | kAToO | kPToZ, kDigits | kAToO | kPToZ,
      kDigits | kAToO | kPToZ, kDigits | kAToO | kPToZ, kDigits | kAToO | kPToZ, kDigits | kAToO | kPToZ,
      kDigits | kAToO | kPToZ, kDigits | kAToO | kPToZ, kAToO | kPToZ, kAToO, kAToO, kAToO, kAToO, kAToO | kUnderscore);
  const __m256i rows =
      _mm256_setr_epi8(0, 0, 0, kDigits, kAToO, kPToZ | kUnderscore, kAToO, kPToZ, 0, 0, 0, 0, 0, 0, 0, 0,  //
                       0, 0, 0, kDigits, kAToO, kPToZ | kUnderscore, kAToO, kPToZ, 0, 0, 0, 0, 0, 0, 0, 0);
  __m256i text = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
  __m256i high = _mm256_and_si256(_mm256_srli_epi16(text, 4), _mm256_set1_epi8(15));
  __m256i kinds = _mm256_and_si256(_mm256_shuffle_epi8(columns, text), _mm256_shuffle_epi8(rows, high));
  auto none = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(kinds, _mm256_setzero_si256())));
  return ~none | static_cast<uint32_t>(_mm256_movemask_epi8(text));
}
uint64_t WordBits(const char* bytes) { return uint64_t{WordBits32(bytes + 32)} << 32 | WordBits32(bytes); }
#else
uint64_t WordBits(const char* bytes) {
  uint64_t bits = 0;
  for (size_t i = 0; i < kWindow; ++i) {
    auto byte = static_cast<unsigned char>(bytes[i]);
    bool in_word = byte >= model::kFoldedAscii.size() || model::kFoldedAscii[byte] != '\0';
    bits |= uint64_t{in_word} << i;
  }
  return bits;
}
#endif

using Words = std::array<uint64_t, 4>;

// By size, the bytes of a key that are the piece's.
constexpr std::array<Words, 32> kKept = [] {
  std::array<Words, 32> kept{};
  for (size_t size = 0; size < kept.size(); ++size) {
    for (size_t byte = 0; byte < size; ++byte) kept[size][byte / 8] |= uint64_t{0xff} << byte % 8 * 8;
  }
  return kept;
}();

// Word by word: all 32 bytes copied at once would be written in halves and read as a whole, for which the processor
// waits.
uint64_t WordAt(const char* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

uint64_t HashOf(const Words& words) {
  uint64_t hash = (words[0] ^ std::rotl(words[2], 29)) * 0x9e3779b97f4a7c15u;
  hash = (hash ^ hash >> 32 ^ words[1] ^ std::rotl(words[3], 31)) * 0xd6e8feb86659fd93u;
  return hash ^ hash >> 32;
}

// Not memcmp, which is a call.
bool Equal(const Words& a, const Words& b) {
  return ((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3])) == 0;
}

}  // namespace

bool TextPieces::Add(std::string_view text) {
  over_ = over_ || (sequence_.size() >= kProbe && !worthwhile());
  if (over_) return false;
  Cut(text);
  ++texts_;
  return true;
}

// Literals cost more than what zstd gains by codes; at first even pieces that will come often are such.
bool TextPieces::worthwhile() const {
  bool settled = sequence_.size() >= 4 * kProbe;
  return settled ? literals_.size() * 10 <= sequence_.size() * 3 : literals_.size() * 2 <= sequence_.size();
}

// A piece begins where a run does.
void TextPieces::Cut(std::string_view text) {
  if (text.empty()) return;
  known_.resize(kPlaces);
  known_numbers_.resize(kPlaces);
  once_.resize(kPlaces);
  room_.resize(std::max(room_.size(), text.size() + 2 * kWindow));
  std::memcpy(room_.data(), text.data(), text.size());
  std::memset(room_.data() + text.size(), 0, kWindow);
  size_t begin = 0;
  uint64_t before = 0;  // whether the byte before the window is in a run
  for (size_t at = 0; at < text.size(); at += kWindow) {
    uint64_t bits = WordBits(room_.data() + at);
    for (uint64_t starts = bits & ~(bits << 1 | before); starts != 0; starts &= starts - 1) {
      size_t start = at + static_cast<size_t>(std::countr_zero(starts));
      if (start > begin) Take(room_.data() + begin, text.substr(begin, start - begin));
      begin = start;
    }
    before = bits >> (kWindow - 1);
  }
  Take(room_.data() + begin, text.substr(begin));
}

void TextPieces::Take(const char* bytes, std::string_view original) {
  size_t size = original.size();
  if (size > kShort) return Put(kLiteral, original);
  Key key;
  for (size_t i = 0; i < 4; ++i) key.words[i] = WordAt(bytes + 8 * i) & kKept[size][i];
  key.words[3] |= uint64_t{size} << 56;
  uint64_t hash = HashOf(key.words);
  size_t place = hash % kPlaces;
  if (!Equal(known_[place].words, key.words)) {
    uint32_t number = FindOrNumber(original, hash);
    if (number == kLiteral) return Put(kLiteral, original);
    known_[place] = key;
    known_numbers_[place] = number;
  }
  Put(known_numbers_[place], original);
}

// A piece is numbered when it comes for the second time while the first one is still known. Most that come once, as
// numbers do, are in no table. Of two with one hash the later one stays a literal.
uint32_t TextPieces::FindOrNumber(std::string_view piece, uint64_t hash) {
  uint32_t number = numbers_.Find(hash);
  if (number != HashIndex::kNone) return pieces_[number].text == piece ? number : kLiteral;
  if (std::exchange(once_[hash % kPlaces], hash) != hash) return kLiteral;
  number = static_cast<uint32_t>(pieces_.size());
  (void)numbers_.At(hash, number);
  pieces_.push_back({piece, 0});
  return number;
}

void TextPieces::Put(uint32_t number, std::string_view piece) {
  sequence_.push_back(number);
  if (number == kLiteral) {
    literals_.push_back(piece);
  } else {
    ++pieces_[number].count;
  }
}

}  // namespace rankscope::store
