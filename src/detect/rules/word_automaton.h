#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rankscope::detect {

// Finds which of many words occur in a text, in one pass: Aho-Corasick as a table, ASCII letters of either case alike.
// Each of its steps waits for the one before, so it starts only where a look at three bytes says that a word may begin.
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
  bool AddWord(const std::string& word, int number);
  void LinkStates();
  // Reads from `begin` on until no word has begun; where that is.
  size_t Run(std::string_view text, size_t begin, std::vector<int>* found) const;
  // The latest three bytes, by their classes.
  uint32_t GramAfter(uint32_t gram, char c) const {
    return (gram << kGramShift ^ class_of_[static_cast<uint8_t>(c)]) & (kGrams - 1);
  }

  static constexpr size_t kGramBytes = 3;
  static constexpr uint32_t kGramShift = 5, kGrams = 1 << (kGramShift * kGramBytes);

  std::array<uint8_t, 256> class_of_{};  // bytes that no word has are of class 0
  std::bitset<kGrams> begins_;           // grams with which words begin, and those that look the same
  size_t classes_ = 1;
  std::vector<uint32_t> next_;          // state * classes_ + class: offset of the next state's row, | kHit
  std::vector<std::vector<int>> ends_;  // words that end in the state
  std::vector<int> left_out_;
};

}  // namespace rankscope::detect
