#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rankscope::detect {

// Finds which of many words occur in a text, in one pass: Aho-Corasick as a table, ASCII letters of either case alike.
class WordAutomaton {
 public:
  // Words are lower case and not empty. At most 65,535 states, that is, letters in all; words beyond are in `left_out`.
  explicit WordAutomaton(const std::vector<std::string>& words);

  // Appends the numbers of the words that occur, some of them more than once.
  void Find(std::string_view text, std::vector<int>* found) const;
  const std::vector<int>& left_out() const { return left_out_; }

 private:
  void ClassifyBytes(const std::vector<std::string>& words);
  bool AddWord(const std::string& word, int number);
  void LinkStates();

  std::array<uint8_t, 256> class_of_{};  // bytes that no word has are of class 0
  size_t classes_ = 1;
  std::vector<uint32_t> next_;          // state * classes_ + class: offset of the next state's row, | kHit
  std::vector<std::vector<int>> ends_;  // words that end in the state
  std::vector<int> left_out_;
};

}  // namespace rankscope::detect
