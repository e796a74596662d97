#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "store/hash_index.h"

namespace rankscope::store {

// Texts cut into pieces: a run of bytes that may be in words, with what stands behind it up to the next run; a text may
// begin with a piece without one. So each word (model/words.h) lies within one piece. People and programs write most of
// their texts with few different pieces: those that come again soon are numbered, and looked at once. One thread.
class TextPieces {
 public:
  struct Piece {
    std::string_view text;  // in one of the texts
    uint32_t count = 0;
  };
  static constexpr uint32_t kLiteral = ~uint32_t{0};

  // Cuts the text, which outlives this. False, from the first text on of which it is: too few pieces come again for
  // this to be worth it; this text and later ones are not cut.
  bool Add(std::string_view text);

  // Those that are numbered.
  const std::vector<Piece>& pieces() const { return pieces_; }
  // The pieces of the texts that were cut, one text after the other: numbers, or kLiteral for the next one of
  const std::vector<uint32_t>& sequence() const { return sequence_; }
  const std::vector<std::string_view>& literals() const { return literals_; }
  // How many texts were cut.
  size_t texts() const { return texts_; }

 private:
  static constexpr size_t kShort = 32, kPlaces = 4096;
  // A piece of up to kShort bytes, zeros behind it.
  struct Lately {
    std::array<uint64_t, kShort / 8> bytes{};
    uint32_t size = 0, number = kLiteral;
  };

  void Cut(std::string_view text);
  // The piece lies at `bytes` with kShort bytes to read from there; `original` is the same in its text.
  void Take(const char* bytes, std::string_view original);
  uint32_t Find(std::string_view piece) const;
  uint32_t Number(std::string_view piece);
  void Put(uint32_t number, std::string_view piece);
  bool worthwhile() const;

  std::vector<Piece> pieces_;
  std::vector<uint32_t> sequence_;
  std::vector<std::string_view> literals_;
  size_t texts_ = 0;
  bool over_ = false;
  HashIndex numbers_;           // by hash
  std::vector<Lately> lately_;  // pieces that came lately, each at the place that its bytes give
  std::string room_;
};

}  // namespace rankscope::store
