#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/columns/text_pieces.h"

namespace rankscope::store {

// A column of texts: lengths and bytes under zstd, or, where many are equal, a table of the distinct ones and indexes.
void EncodeTexts(const std::vector<std::string_view>& texts, std::string* out);
// The same of the texts that are `selected` of all that were cut; where they are made of few pieces, as codes of these.
// Half the bytes, and fewer for zstd to look at.
void EncodeTexts(const std::vector<std::string_view>& texts, const TextPieces& all,
                 const TextPieces::Selection& selected, std::string* out);

// The decoded texts, in one arena.
struct Texts {
  std::string arena;
  std::vector<std::string_view> texts;  // into arena
  size_t Memory() const { return sizeof *this + arena.size() + texts.size() * sizeof(std::string_view); }
  Texts() = default;
  Texts(const Texts&) = delete;
  Texts& operator=(const Texts&) = delete;
};
// False when the bytes are not `count` texts.
bool DecodeTexts(std::string_view bytes, size_t count, Texts* texts);

}  // namespace rankscope::store
