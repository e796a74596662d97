#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rankscope::model {

// What a word is and which letters are the same: the one definition for text filters and indexes.
//
// A word is a maximal run of letters, marks, digits (of any script) and `_`; each ideograph and kana is a word of its
// own, since those scripts put no blanks between words. Bytes that are not UTF-8 are no letters.

struct CodePoint {
  char32_t value;  // U+FFFD for a byte that begins no UTF-8 sequence
  size_t size;     // in bytes; 0 only for an empty text
};
CodePoint FirstCodePoint(std::string_view text);

bool IsWordPoint(char32_t point);
bool IsIdeograph(char32_t point);  // Han, Hiragana, Katakana, Bopomofo
// Simple Unicode case folding: one point for one point.
char32_t FoldCase(char32_t point);

// Appends the text with its case folded; bytes that are not UTF-8 stay. Lengths may change (K, the Kelvin sign, to k).
void AppendFolded(std::string_view text, std::string* out);

// Whether `phrase` occurs in `text` such that neither end lies inside a word. An empty phrase does. Linear but for
// texts made of the phrase's beginnings.
bool HasPhrase(std::string_view text, std::string_view phrase);

// The ASCII part of what ForEachFoldedWord does: a word's byte with its case folded, 0 for what is none.
inline constexpr std::array<char, 128> kFoldedAscii = [] {
  std::array<char, 128> folded{};
  for (unsigned char c = '0'; c <= '9'; ++c) folded[c] = static_cast<char>(c);
  for (unsigned char c = 'a'; c <= 'z'; ++c) folded[c] = folded[c - 'a' + 'A'] = static_cast<char>(c);
  folded['_'] = '_';
  return folded;
}();

// The point that text begins with, which is no ASCII: `out` gets its case folded where a word has it, at most twice the
// `size` bytes that it takes of the text.
struct FoldedPoint {
  size_t size, folded_size;  // the latter is 0 where it is in no word
  bool ideograph;
};
FoldedPoint FoldFirstPoint(std::string_view text, char* out);

// The code point of the kana (U+3040 to U+312F) or of the Han ideograph of those in common use (U+4E00 to U+9FFF) that
// the text begins with; 0: none. Less than kIdeographNumbers.
constexpr uint32_t kIdeographNumbers = 0xa000;
inline uint32_t IdeographNumber(std::string_view text) {
  if (text.size() < 3) return 0;
  auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(text[i])); };
  bool valid = byte(0) >= 0xe3 && byte(0) <= 0xe9 && (byte(1) & 0xc0) == 0x80 && (byte(2) & 0xc0) == 0x80;
  uint32_t number = (byte(0) & 0xf) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f);
  return valid && (number >= 0x4e00 || (number >= 0x3040 && number <= 0x312f)) ? number : 0;
}

// Calls take(word) for each word of the text with its case folded, from left to right. A word lies in `room`, with
// kBehindWord bytes to read behind it, and is gone after the call.
//
// Ideographs may be left out that were taken before: left_out(number) says whether, by their IdeographNumber.
inline constexpr size_t kBehindWord = 16;
template <typename Take, typename LeftOut>
void ForEachFoldedWord(std::string_view text, std::string* room, const Take& take, const LeftOut& left_out) {
  room->resize(std::max(room->size(), 2 * text.size() + kBehindWord));
  char *const begin = room->data(), *end = begin;
  auto end_word = [&] {
    if (end > begin) take(std::string_view(begin, static_cast<size_t>(end - begin)));
    end = begin;
  };
  for (size_t at = 0; at < text.size();) {
    auto byte = static_cast<unsigned char>(text[at]);
    if (byte < kFoldedAscii.size()) {
      ++at;
      *end = kFoldedAscii[byte];
      *end != '\0' ? static_cast<void>(++end) : end_word();
      continue;
    }
    if (uint32_t number = IdeographNumber(text.substr(at)); number != 0 && left_out(number)) {
      end_word();
      at += 3;
      continue;
    }
    FoldedPoint point = FoldFirstPoint(text.substr(at), end);
    at += point.size;
    if (point.ideograph) {
      std::string_view alone(end, point.folded_size);
      end_word();
      take(alone);
    } else if (point.folded_size > 0) {
      end += point.folded_size;
    } else {
      end_word();
    }
  }
  end_word();
}
template <typename Take>
void ForEachFoldedWord(std::string_view text, std::string* room, const Take& take) {
  ForEachFoldedWord(text, room, take, [](uint32_t) { return false; });
}

}  // namespace rankscope::model
