#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "store/texts/hash_index.h"

namespace rankscope::store {

// Texts cut into pieces: a run of bytes that may be in words, with what stands behind it up to the next run, and kana
// and Han characters one by one; a text may begin with a piece without one. So each word (model/words.h) lies within
// one piece. People and programs write most of their texts with few different pieces: those that come again soon are
// numbered, and looked at once. One thread.
class TextPieces {
 public:
  struct Piece {
    std::string_view text;  // in one of the texts
    uint32_t count = 0;
  };
  static constexpr uint32_t kLiteral = 0;

  // That texts of so many bytes in all will come.
  void Expect(size_t bytes);
  // Cuts the text, which outlives this. False, from the first text on of which it is: too few pieces come again for
  // this to be worth it; this text and later ones are not cut.
  bool Add(std::string_view text);

  // Those that are numbered, from 1 on; kLiteral's is empty.
  const std::vector<Piece>& pieces() const { return pieces_; }
  // The pieces of the texts that were cut, one text after the other: numbers, or kLiteral for the next one of
  const std::vector<uint32_t>& sequence() const { return sequence_; }
  const std::vector<std::string_view>& literals() const { return literals_; }
  // How many texts were cut.
  size_t texts() const { return texts_; }

 private:
  static constexpr size_t kShort = 31, kPlaces = 4096;
  // A piece of up to kShort bytes, zeros behind it, and its size in the last byte.
  struct alignas(32) Key {
    std::array<uint64_t, 4> words{};
  };

  void Cut(std::string_view text);
  // The piece lies at `bytes` with 32 bytes to read from there; `original` is the same in its text.
  void Take(const char* bytes, std::string_view original);
  uint32_t FindOrNumber(const Key& key, std::string_view piece, uint64_t hash);
  void Put(uint32_t number, std::string_view piece);
  bool worthwhile() const;

  std::vector<Piece> pieces_ = {{}};
  std::vector<Key> keys_ = {{}};  // of these
  std::vector<uint32_t> sequence_;
  std::vector<std::string_view> literals_;
  size_t texts_ = 0;
  bool over_ = false;
  HashIndex numbers_;  // by hash
  // Numbered pieces that came lately, each at the place that its hash gives; and hashes of others.
  std::vector<Key> known_;
  std::vector<uint32_t> known_numbers_;
  std::vector<uint64_t> once_;
  std::string room_;
};

}  // namespace rankscope::store
