#include "detect/rules/word_automaton.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace rankscope::detect {
namespace {

std::set<int> Found(const WordAutomaton& automaton, std::string_view text) {
  std::vector<int> found;
  automaton.Find(text, &found);
  return {found.begin(), found.end()};
}

// Few letters, so that words begin inside each other and texts are full of half of them.
std::string Draw(std::mt19937* random, size_t shortest, size_t longest) {
  std::string text(shortest + (*random)() % (longest - shortest + 1), ' ');
  for (char& c : text) c = "abc."[(*random)() % 4];
  return text;
}

TEST(WordAutomaton, FindsWhatALookAtEachPlaceFinds) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> words(8);
    for (std::string& word : words) word = Draw(&random, 3, 6);
    WordAutomaton automaton(words);
    for (int i = 0; i < 20; ++i) {
      std::string text = Draw(&random, 0, 30);
      std::set<int> there;
      for (size_t word = 0; word < words.size(); ++word) {
        if (text.find(words[word]) != std::string::npos) there.insert(static_cast<int>(word));
      }
      EXPECT_EQ(Found(automaton, text), there) << text;
    }
  }
}

TEST(WordAutomaton, LeavesOutWhatIsTooShort) {
  WordAutomaton automaton({"ab", "abc"});
  EXPECT_EQ(automaton.left_out(), std::vector<int>{0});
  EXPECT_EQ(Found(automaton, "xABCx"), std::set<int>{1});
}

}  // namespace
}  // namespace rankscope::detect
