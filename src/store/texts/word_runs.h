#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace rankscope::store {

// Runs of bytes that may be in words (model/words.h): digits, letters, _ and all that is not ASCII, 64 bytes at a time.
// Each word lies within one run.
constexpr size_t kRunWindow = 64;

// A bit for each of the bytes, whether it may be in a word. REQUIRES kRunWindow readable ones.
uint64_t RunBits(const char* bytes);
// A bit for each of them at which a character begins that is a word of its own: kana and nearly all Han characters,
// three bytes each. Of what is no word point it may say so too. REQUIRES two more readable ones.
uint64_t IdeographBits(const char* bytes);

// Calls take(begin, end), offsets, for each run of the text. REQUIRES kRunWindow zeros behind it.
template <typename Take>
void ForEachRun(const char* text, size_t size, const Take& take) {
  size_t begin = 0;
  uint64_t before = 0;  // whether the byte before the window is in a run
  for (size_t at = 0; at < size + 1; at += kRunWindow) {
    uint64_t bits = RunBits(text + at);
    for (uint64_t borders = bits ^ (bits << 1 | before); borders != 0; borders &= borders - 1) {
      size_t border = at + static_cast<size_t>(std::countr_zero(borders));
      bool begins = bits >> (border - at) & 1;
      if (!begins) take(begin, border);
      begin = border;
    }
    before = bits >> (kRunWindow - 1);
  }
}

}  // namespace rankscope::store
