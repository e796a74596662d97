#include "store/columns/text_pieces.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "model/words.h"
#include "store/texts/word_runs.h"

namespace rankscope::store {
namespace {

constexpr size_t kIdeographBytes = 3;
constexpr size_t kProbe = 4096;                         // pieces, after which it is seen whether they come again
constexpr size_t kLongest = 65536;                      // likewise: at most so many at once
constexpr size_t kRest = 16;                            // times as many bytes are not cut as it was tried with
constexpr size_t kAhead = 8;                            // texts that are loaded from memory before their turn
constexpr size_t kReadBehind = PieceKey::kReadBytes;    // bytes behind a window that may be read
constexpr size_t kReadable = kRunWindow + kReadBehind;  // from where a window begins

}  // namespace

void TextPieces::MakeRoom(size_t pieces) {
  if (size_ + pieces <= room_) return;
  room_ = std::max(2 * room_, size_ + pieces);
  auto larger = std::make_unique_for_overwrite<uint16_t[]>(room_);
  std::copy_n(sequence_.get(), size_, larger.get());
  sequence_ = std::move(larger);
}

uint32_t TextPieces::Add(std::string_view text) {
  MakeRoom(text.size() + 1);
  if (resting_ > 0) {
    resting_ -= std::min(resting_, text.size());
    sequence_[size_++] = kLiteral;
    literals_.push_back(text);
  } else {
    Cut(text);
    Watch();
  }
  ends_.push_back(extent());
  return static_cast<uint32_t>(ends_.size() - 2);
}

// Literals cost more than what zstd gains by codes; at first even pieces that will come often are such.
void TextPieces::Watch() {
  size_t pieces = size_ - watched_from_.pieces, literals = literals_.size() - watched_from_.literals;
  if (pieces < kProbe) return;
  bool settled = pieces >= 4 * kProbe;
  if (settled ? literals * 10 > pieces * 3 : literals * 2 > pieces) {
    resting_ = kRest * watched_bytes_;
  } else if (pieces < kLongest) {
    return;
  }
  watched_from_ = extent();
  watched_bytes_ = 0;
}

// Those of one rank lie far from each other.
void TextPieces::Expect(uint32_t text) const {
  __builtin_prefetch(sequence_.get() + ends_[text].pieces);
  __builtin_prefetch(literals_.data() + ends_[text].literals);
}

TextPieces::Selection TextPieces::Select(std::span<const uint32_t> texts) const {
  Selection selected;
  selected.counts.resize(pieces_.size());
  size_t pieces = 0;
  for (uint32_t text : texts) pieces += ends_[text + 1].pieces - ends_[text].pieces;
  selected.sequence.reserve(pieces);
  for (size_t i = 0; i < texts.size(); ++i) {
    Expect(texts[std::min(i + kAhead, texts.size() - 1)]);
    const Extent &begin = ends_[texts[i]], &end = ends_[texts[i] + 1];
    std::span<const uint16_t> numbers(sequence_.get() + begin.pieces, end.pieces - begin.pieces);
    for (uint16_t number : numbers) ++selected.counts[number];
    selected.sequence.insert(selected.sequence.end(), numbers.begin(), numbers.end());
    selected.literals.insert(selected.literals.end(), literals_.begin() + static_cast<long>(begin.literals),
                             literals_.begin() + static_cast<long>(end.literals));
  }
  return selected;
}

// The end of a text, behind which nothing may be read, in a place with zeros behind it.
void TextPieces::Cut(std::string_view text) {
  known_.resize(kPlaces);
  once_.resize(kPlaces);
  watched_bytes_ += text.size();
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
  bool any_ideograph = (ideographs | position->behind) != 0;
  position->behind = ideographs >> (kRunWindow - kIdeographBytes);
  position->before = bits >> (kRunWindow - 1);
  uint16_t* sequence = sequence_.get() + size_;
  size_t begin = position->begin;
  for (uint64_t starts = (bits & borders) | ends; starts != 0; starts &= starts - 1) {
    size_t start = at + static_cast<size_t>(std::countr_zero(starts));
    if (start == begin) continue;  // of the text
    std::string_view piece(text.data() + begin, start - begin);
    uint32_t ideograph = any_ideograph && piece.size() == kIdeographBytes ? model::IdeographNumber(piece) : 0;
    uint16_t number = kLiteral;
    if (ideograph != 0) {
      number = NumberOfIdeograph(ideograph, bytes + (begin - from), piece);
    } else if (piece.size() <= PieceKey::kMostBytes) {
      number = NumberOf(bytes + (begin - from), piece);
    }
    if (number == kLiteral) literals_.push_back(piece);
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

inline uint16_t TextPieces::NumberOfIdeograph(uint32_t ideograph, const char* bytes, std::string_view original) {
  if (ideographs_.empty()) ideographs_.resize(model::kIdeographNumbers);
  uint16_t& number = ideographs_[ideograph];
  if (number == kLiteral) number = FindOrNumber(bytes, original, PieceKey::HashOf(bytes, original.size()));
  return number;
}

// A piece is numbered when it comes for the second time while the first one is still known: one that begins with a
// digit is so for a shorter time, since most numbers do not come again and a code of their own would take more than
// they. Most that come once are in no table. Of two with one hash the later one stays a literal.
uint16_t TextPieces::FindOrNumber(const char* bytes, std::string_view piece, uint64_t hash) {
  PieceKey key = PieceKey::Of(bytes, piece.size());
  uint32_t number = numbers_.Find(hash);
  if (number == HashIndex::kNone) {
    size_t place = hash % (*bytes >= '0' && *bytes <= '9' ? kPlacesOfNumbers : kPlaces);
    if (std::exchange(once_[place], hash) != hash || pieces_.size() == kMostNumbers) return kLiteral;
    number = static_cast<uint32_t>(pieces_.size());
    (void)numbers_.At(hash, number);
    pieces_.push_back(piece);
    keys_.push_back(key);
  } else if (!keys_[number].IsSamePiece(key)) {
    return kLiteral;
  }
  known_[hash % kPlaces] = key.WithNumber(number);
  return static_cast<uint16_t>(number);
}

}  // namespace rankscope::store
