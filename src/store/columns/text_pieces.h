#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "store/columns/piece_key.h"
#include "store/texts/hash_index.h"

namespace rankscope::store {

// Texts cut into pieces: a run of bytes that may be in words, with what stands behind it up to the next run, and kana
// and Han characters one by one; a text may begin with a piece without one. So each word (model/words.h) lies within
// one piece. People and programs write most of their texts with few different pieces: those that come again soon are
// numbered, and looked at once. One thread.
class TextPieces {
 public:
  static constexpr uint16_t kLiteral = 0;

  // Cuts the text, which outlives this, and gives its number, from 0 on. Where too few pieces come again for this to be
  // worth it the next texts are a piece each.
  uint32_t Add(std::string_view text);

  // Those that are numbered, from 1 on, in one of the texts; kLiteral's is empty.
  const std::vector<std::string_view>& pieces() const { return pieces_; }

  // The pieces of some texts, one text after the other.
  struct Selection {
    std::vector<uint16_t> sequence;  // numbers, or kLiteral for the next one of
    std::vector<std::string_view> literals;
    std::vector<uint32_t> counts;  // how often each number comes
  };
  // Of texts by their numbers.
  Selection Select(std::span<const uint32_t> texts) const;

 private:
  static constexpr size_t kPlaces = 4096, kPlacesOfNumbers = 256, kMostNumbers = 1 << 16;

  // How many pieces and literals there were.
  struct Extent {
    uint32_t pieces = 0, literals = 0;
  };
  // Where cutting a text is.
  struct Position {
    size_t begin = 0;     // of the piece
    uint64_t before = 0;  // whether the byte before the window is in a run
    uint64_t behind = 0;  // where in it a piece begins behind an ideograph of the window before
  };

  Extent extent() const { return {static_cast<uint32_t>(size_), static_cast<uint32_t>(literals_.size())}; }
  // Sees whether cutting what came since `watched_from_` was worth it.
  void Watch();
  void MakeRoom(size_t pieces);
  // That the text's pieces are soon looked at.
  void Expect(uint32_t text) const;
  void Cut(std::string_view text);
  // Cuts at the borders in the window at `at`, where bytes[0] is the text's byte `from`, and at `ends`, bits of it.
  void CutWindow(std::string_view text, const char* bytes, size_t from, size_t at, uint64_t ends, Position* position);
  // The number of a piece of up to PieceKey::kMostBytes, at `bytes`; `original` is the same in its text.
  uint16_t NumberOf(const char* bytes, std::string_view original);
  // The same of one that is an ideograph alone, of that IdeographNumber.
  uint16_t NumberOfIdeograph(uint32_t ideograph, const char* bytes, std::string_view original);
  uint16_t FindOrNumber(const char* bytes, std::string_view piece, uint64_t hash);

  std::vector<std::string_view> pieces_ = {{}};
  std::vector<PieceKey> keys_ = {{}};  // of these
  std::unique_ptr<uint16_t[]> sequence_;
  size_t size_ = 0, room_ = 0;  // of that
  std::vector<std::string_view> literals_;
  std::vector<Extent> ends_ = {{}};  // before the first text, and behind each
  Extent watched_from_;
  size_t watched_bytes_ = 0;  // of texts since
  size_t resting_ = 0;        // so many bytes of texts are not to be cut
  HashIndex numbers_;         // by hash
  // Numbered pieces that came lately, with their numbers, each at the place that its hash gives; and hashes of others.
  std::vector<PieceKey> known_;
  std::vector<uint64_t> once_;
  std::vector<uint16_t> ideographs_;  // numbers, by model::IdeographNumber
};

}  // namespace rankscope::store
