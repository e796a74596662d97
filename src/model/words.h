#pragma once

#include <cstddef>
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

// Calls take(word, ideograph) for each word of the text, from left to right.
template <typename Take>
void ForEachWord(std::string_view text, const Take& take) {
  size_t begin = 0, at = 0;
  auto end_word = [&] {
    if (at > begin) take(text.substr(begin, at - begin), false);
  };
  while (at < text.size()) {
    CodePoint point = FirstCodePoint(text.substr(at));
    bool ideograph = IsIdeograph(point.value);
    if (ideograph || !IsWordPoint(point.value)) {
      end_word();
      if (ideograph) take(text.substr(at, point.size), true);
      begin = at + point.size;
    }
    at += point.size;
  }
  end_word();
}

}  // namespace rankscope::model
