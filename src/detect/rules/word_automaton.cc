#include "detect/rules/word_automaton.h"

#include <algorithm>
#include <deque>

namespace rankscope::detect {
namespace {

constexpr uint32_t kHit = 1U << 31;  // the state ends some word
constexpr size_t kMostStates = 65535;
constexpr size_t kMostLooked = 64;  // first bytes of words

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

WordAutomaton::WordAutomaton(const std::vector<std::string>& words) {
  ClassifyBytes(words);
  next_.assign(classes_, 0);
  ends_.resize(1);
  std::vector<const std::string*> taken;
  for (size_t i = 0; i < words.size(); ++i) {
    if (AddWord(words[i], static_cast<int>(i))) {
      taken.push_back(&words[i]);
    } else {
      left_out_.push_back(static_cast<int>(i));
    }
  }
  LinkStates();
  for (const std::string* word : taken) shortest_ = std::min(shortest_ > 0 ? shortest_ : kMostLooked, word->size());
  skip_.fill(static_cast<uint8_t>(shortest_ > 0 ? shortest_ - kGramBytes + 1 : 1));
  for (const std::string* word : taken) NoteGrams(*word);
}

// The three bytes before `end`, ASCII letters of either case alike (and some other bytes, which does no harm), in few
// enough bits.
uint32_t WordAutomaton::GramBefore(const char* end) {
  auto byte = [end](size_t back) { return static_cast<uint32_t>(static_cast<uint8_t>(*(end - back))); };
  uint32_t gram = byte(3) | byte(2) << 8 | byte(1) << 16;
  constexpr uint32_t kLowerCase = 0x202020, kSpread = 0x9E3779B1;
  return (gram | kLowerCase) * kSpread >> (32 - kGramBits);
}

void WordAutomaton::NoteGrams(const std::string& word) {
  for (size_t end = kGramBytes; end <= shortest_; ++end) {
    uint8_t& skip = skip_[GramBefore(word.data() + end)];
    skip = std::min(skip, static_cast<uint8_t>(shortest_ - end));
  }
}

void WordAutomaton::ClassifyBytes(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    for (char c : word) {
      uint8_t& known = class_of_[static_cast<uint8_t>(c)];
      if (known == 0) known = static_cast<uint8_t>(classes_++);
    }
  }
  for (char c = 'A'; c <= 'Z'; ++c) class_of_[static_cast<uint8_t>(c)] = class_of_[static_cast<uint8_t>(Lower(c))];
}

bool WordAutomaton::AddWord(const std::string& word, int number) {
  if (word.size() < kGramBytes || ends_.size() + word.size() > kMostStates) return false;
  size_t state = 0;
  for (char c : word) {
    uint32_t& next = next_[state * classes_ + class_of_[static_cast<uint8_t>(Lower(c))]];
    if (next == 0) {
      next = static_cast<uint32_t>(ends_.size());
      ends_.emplace_back();
      state = next;
      next_.resize(next_.size() + classes_, 0);
    } else {
      state = next;
    }
  }
  ends_[state].push_back(number);
  return true;
}

// Breadth first: each missing edge becomes the one of the longest proper suffix; then states become row offsets.
void WordAutomaton::LinkStates() {
  std::vector<uint32_t> suffix(ends_.size(), 0);
  std::deque<uint32_t> queue;
  for (size_t c = 0; c < classes_; ++c) {
    if (next_[c] != 0) queue.push_back(next_[c]);
  }
  for (; !queue.empty(); queue.pop_front()) {
    uint32_t state = queue.front();
    const std::vector<int>& inherited = ends_[suffix[state]];
    ends_[state].insert(ends_[state].end(), inherited.begin(), inherited.end());
    for (size_t c = 0; c < classes_; ++c) {
      uint32_t& next = next_[state * classes_ + c];
      uint32_t fallback = next_[suffix[state] * classes_ + c];
      if (next == 0) {
        next = fallback;
      } else {
        suffix[next] = fallback;
        queue.push_back(next);
      }
    }
  }
  for (uint32_t& next : next_) {
    uint32_t hit = ends_[next].empty() ? 0 : kHit;
    next = static_cast<uint32_t>(next * classes_) | hit;
  }
}

void WordAutomaton::Find(std::string_view text, std::vector<int>* found) const {
  if (shortest_ == 0) return;
  for (size_t end = shortest_; end <= text.size();) {
    uint8_t skip = skip_[GramBefore(text.data() + end)];
    end = skip > 0 ? end + skip : Run(text, end - shortest_, found) + shortest_;
  }
}

size_t WordAutomaton::Run(std::string_view text, size_t begin, std::vector<int>* found) const {
  const uint32_t* rows = next_.data();
  uint32_t row = 0;
  size_t at = begin;
  do {
    uint32_t next = rows[row + class_of_[static_cast<uint8_t>(text[at++])]];
    row = next & ~kHit;
    if ((next & kHit) == 0) continue;
    const std::vector<int>& ends = ends_[row / classes_];
    found->insert(found->end(), ends.begin(), ends.end());
  } while (row != 0 && at < text.size());
  return at;
}

}  // namespace rankscope::detect
