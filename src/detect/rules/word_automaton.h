#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rankscope::detect {

// Finds which of many words occur in a text, in one pass: Aho-Corasick as a table, ASCII letters of either case alike.
// Each of its steps waits for the one before, so it starts only where a look at three bytes says that a word may have
// begun; where they say that none has, they say as well how many bytes need no look (Wu and Manber, 1994): the longer
// the shortest of the words, the more.
class WordAutomaton {
 public:
  // Words are lower case. At most 65,535 states, that is, letters in all; words beyond, and those of fewer than three
  // bytes, are in `left_out`.
  explicit WordAutomaton(const std::vector<std::string>& words);

  // Appends the numbers of the words that occur, some of them more than once.
  void Find(std::string_view text, std::vector<int>* found) const;
  const std::vector<int>& left_out() const { return left_out_; }

 private:
  void ClassifyBytes(const std::vector<std::string>& words);
  void NoteGrams(const std::string& word);
  bool AddWord(const std::string& word, int number);
  void LinkStates();
  // Reads from `begin` on until no word has begun; where that is.
  size_t Run(std::string_view text, size_t begin, std::vector<int>* found) const;
  static uint32_t GramBefore(const char* end);

  static constexpr size_t kGramBytes = 3;
  static constexpr uint32_t kGramBits = 13;

  std::array<uint8_t, 256> class_of_{};  // bytes that no word has are of class 0
  size_t classes_ = 1;
  size_t shortest_ = 0;  // of the words; of each, so many first bytes are looked for
  std::array<uint8_t, 1 << kGramBits>
      skip_{};                          // by gram: after so many bytes more they may be complete; 0: they may be
  std::vector<uint32_t> next_;          // state * classes_ + class: offset of the next state's row, | kHit
  std::vector<std::vector<int>> ends_;  // words that end in the state
  std::vector<int> left_out_;
};

}  // namespace rankscope::detect
