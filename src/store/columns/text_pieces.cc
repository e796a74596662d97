#include "store/columns/text_pieces.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "store/texts/word_runs.h"

namespace rankscope::store {
namespace {

constexpr size_t kIdeographBytes = 3;
constexpr size_t kProbe = 4096;  // pieces, after which it is seen whether they come again

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

// What is not needed of this is never touched, and takes no memory.
void TextPieces::Expect(size_t bytes) {
  constexpr size_t kBytesAPiece = 4;
  sequence_.reserve(bytes / kBytesAPiece);
}

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

// A piece begins where a run does; a character that is a word of its own is one of its own.
void TextPieces::Cut(std::string_view text) {
  if (text.empty()) return;
  known_.resize(kPlaces);
  known_numbers_.resize(kPlaces);
  once_.resize(kPlaces);
  room_.resize(std::max(room_.size(), text.size() + 2 * kRunWindow));
  std::memcpy(room_.data(), text.data(), text.size());
  std::memset(room_.data() + text.size(), 0, kRunWindow);
  size_t begin = 0;
  uint64_t before = 0;  // whether the byte before the window is in a run
  uint64_t behind = 0;  // where in it a piece begins behind an ideograph of the window before
  for (size_t at = 0; at < text.size(); at += kRunWindow) {
    uint64_t bits = RunBits(room_.data() + at), ideographs = IdeographBits(room_.data() + at);
    uint64_t borders = ~(bits << 1 | before) | ideographs | ideographs << kIdeographBytes | behind;
    behind = ideographs >> (kRunWindow - kIdeographBytes);
    for (uint64_t starts = bits & borders; starts != 0; starts &= starts - 1) {
      size_t start = at + static_cast<size_t>(std::countr_zero(starts));
      if (start > begin) Take(room_.data() + begin, text.substr(begin, start - begin));
      begin = start;
    }
    before = bits >> (kRunWindow - 1);
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
    uint32_t number = FindOrNumber(key, original, hash);
    if (number == kLiteral) return Put(kLiteral, original);
    known_[place] = key;
    known_numbers_[place] = number;
  }
  Put(known_numbers_[place], original);
}

// A piece is numbered when it comes for the second time while the first one is still known. Most that come once, as
// numbers do, are in no table. Of two with one hash the later one stays a literal.
uint32_t TextPieces::FindOrNumber(const Key& key, std::string_view piece, uint64_t hash) {
  uint32_t number = numbers_.Find(hash);
  if (number != HashIndex::kNone) return Equal(keys_[number].words, key.words) ? number : kLiteral;
  if (std::exchange(once_[hash % kPlaces], hash) != hash) return kLiteral;
  number = static_cast<uint32_t>(pieces_.size());
  (void)numbers_.At(hash, number);
  pieces_.push_back({piece, 0});
  keys_.push_back(key);
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
