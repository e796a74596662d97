#include "store/columns/text_pieces.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "store/texts/word_runs.h"

namespace rankscope::store {
namespace {

constexpr size_t kIdeographBytes = 3;
constexpr size_t kProbe = 4096;                         // pieces, after which it is seen whether they come again
constexpr size_t kReadBehind = PieceKey::kReadBytes;    // bytes behind a window that may be read
constexpr size_t kReadable = kRunWindow + kReadBehind;  // from where a window begins

}  // namespace

// What is not needed of this is never touched, and takes no memory.
void TextPieces::Expect(size_t bytes) {
  constexpr size_t kBytesAPiece = 4;
  MakeRoom(bytes / kBytesAPiece);
}

void TextPieces::MakeRoom(size_t pieces) {
  if (size_ + pieces <= room_) return;
  room_ = std::max(2 * room_, size_ + pieces);
  auto larger = std::make_unique_for_overwrite<uint16_t[]>(room_);
  std::copy_n(sequence_.get(), size_, larger.get());
  sequence_ = std::move(larger);
}

bool TextPieces::Add(std::string_view text) {
  over_ = over_ || (size_ >= kProbe && !worthwhile());
  if (over_) return false;
  known_.resize(kPlaces);
  once_.resize(kPlaces);
  MakeRoom(text.size());
  Cut(text);
  ++texts_;
  return true;
}

// Literals cost more than what zstd gains by codes; at first even pieces that will come often are such.
bool TextPieces::worthwhile() const {
  bool settled = size_ >= 4 * kProbe;
  return settled ? literals_.size() * 10 <= size_ * 3 : literals_.size() * 2 <= size_;
}

// The end of a text, behind which nothing may be read, in a place with zeros behind it.
void TextPieces::Cut(std::string_view text) {
  Position position;
  size_t at = 0;
  for (; at + kReadable <= text.size(); at += kRunWindow) CutWindow(text, text.data(), 0, at, 0, &position);
  std::array<char, kReadBehind + 2 * kReadable> room{};
  size_t from = at - std::min(at, kReadBehind);
  std::memcpy(room.data(), text.data() + from, text.size() - from);
  for (; at <= text.size(); at += kRunWindow) {
    size_t left = text.size() - at;
    CutWindow(text, room.data(), from, at, left < kRunWindow ? uint64_t{1} << left : 0, &position);
  }
}

// A piece begins where a run does; a character that is a word of its own is one of its own.
void TextPieces::CutWindow(std::string_view text, const char* bytes, size_t from, size_t at, uint64_t ends,
                           Position* position) {
  uint64_t bits = RunBits(bytes + (at - from)), ideographs = IdeographBits(bytes + (at - from));
  uint64_t borders = ~(bits << 1 | position->before) | ideographs | ideographs << kIdeographBytes | position->behind;
  position->behind = ideographs >> (kRunWindow - kIdeographBytes);
  position->before = bits >> (kRunWindow - 1);
  uint16_t* sequence = sequence_.get() + size_;
  size_t begin = position->begin;
  for (uint64_t starts = (bits & borders) | ends; starts != 0; starts &= starts - 1) {
    size_t start = at + static_cast<size_t>(std::countr_zero(starts));
    if (start == begin) continue;  // of the text
    std::string_view piece(text.data() + begin, start - begin);
    uint16_t number = piece.size() <= PieceKey::kMostBytes ? NumberOf(bytes + (begin - from), piece) : kLiteral;
    if (number == kLiteral) literals_.push_back(piece);
    ++counts_[number];
    *sequence++ = number;
    begin = start;
  }
  position->begin = begin;
  size_ = static_cast<size_t>(sequence - sequence_.get());
}

inline uint16_t TextPieces::NumberOf(const char* bytes, std::string_view original) {
  uint64_t hash = PieceKey::HashOf(bytes, original.size());
  PieceKey key = PieceKey::Of(bytes, original.size());
  const PieceKey& known = known_[hash % kPlaces];
  if (known.IsSamePiece(key)) return static_cast<uint16_t>(known.number());
  return FindOrNumber(bytes, original, hash);
}

// A piece is numbered when it comes for the second time while the first one is still known. Most that come once, as
// numbers do, are in no table. Of two with one hash the later one stays a literal.
uint16_t TextPieces::FindOrNumber(const char* bytes, std::string_view piece, uint64_t hash) {
  PieceKey key = PieceKey::Of(bytes, piece.size());
  uint32_t number = numbers_.Find(hash);
  if (number == HashIndex::kNone) {
    if (std::exchange(once_[hash % kPlaces], hash) != hash || pieces_.size() == kMostNumbers) return kLiteral;
    number = static_cast<uint32_t>(pieces_.size());
    (void)numbers_.At(hash, number);
    pieces_.push_back(piece);
    counts_.push_back(0);
    keys_.push_back(key);
  } else if (!keys_[number].IsSamePiece(key)) {
    return kLiteral;
  }
  known_[hash % kPlaces] = key.WithNumber(number);
  return static_cast<uint16_t>(number);
}

}  // namespace rankscope::store
