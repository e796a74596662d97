#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace rankscope::detect {

// All patterns of all rules, found in one pass over a text. A pattern is searched, not anchored, across the lines of a
// text that has several: `.` takes newlines, ^ and $ are the borders of lines. RE2's syntax, linear time.
//
// An automaton of the words that the patterns cannot match without (RE2's prefilter) reads the text once; only the
// patterns all of whose words are there are tried. Immutable after Compile, so any thread may ask.
class PatternSet {
 public:
  // In bytes. The longer the shortest word, the faster lines are read; but some patterns have only short ones, for
  // which all are compiled once more: a set that is known to have such begins with kShortWord. Words of fewer bytes
  // than that occur in too many lines to spare anything.
  static constexpr int kLongWord = 5, kShortWord = 3;
  explicit PatternSet(int shortest_word = kLongWord);
  PatternSet(PatternSet&&) noexcept;
  PatternSet& operator=(PatternSet&&) noexcept;
  ~PatternSet();

  // The pattern's number, dense from 0. kInvalid: RE2 does not take it, "regex "…": why". REQUIRES before Compile.
  base::Result<int> Add(const std::string& pattern);
  void Compile();

  // The numbers of the patterns found in the text, ascending.
  void Match(std::string_view text, std::vector<int>* found) const;
  // What the named group of the pattern holds in the text; empty: nothing, or no such group.
  std::string Group(int pattern, const std::string& name, std::string_view text) const;

  // The first line of the text that the pattern matches by itself; where none does, the first.
  std::string_view LineOf(int pattern, std::string_view text) const;
  bool HasGroup(int pattern, const std::string& name) const;
  // Whether the pattern matches the empty line, and so every one.
  bool MatchesEmpty(int pattern) const;
  // Patterns that have to be tried on every line, for want of a word in them.
  const std::vector<int>& unfiltered() const;
  size_t size() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rankscope::detect
