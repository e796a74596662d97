#include "detect/rules/pattern_set.h"

#include <re2/filtered_re2.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "detect/rules/word_automaton.h"

namespace rankscope::detect {
namespace {

constexpr int64_t kMemory = 8 << 20;

re2::RE2::Options Options() {
  re2::RE2::Options options;
  options.set_max_mem(kMemory);
  options.set_log_errors(false);
  options.set_dot_nl(true);
  return options;
}

std::string AcrossLines(const std::string& pattern) { return "(?m)" + pattern; }

bool IsAscii(std::string_view text) {
  unsigned char all = 0;
  for (char c : text) all |= static_cast<unsigned char>(c);
  return all < 0x80;
}

// Which bytes begin the letters of words that are not ASCII, so that the blocks of a progress bar are none of them.
// Letters of two bytes have a case, and the other one may begin otherwise.
class LeadBytes {
 public:
  void Add(std::string_view word) {
    for (char c : word) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte >= kLead && byte < kThreeBytes) std::fill(leads_.begin() + kLead, leads_.begin() + kThreeBytes, true);
      if (byte >= kThreeBytes) leads_[byte] = true;
    }
  }

  bool AnyIn(std::string_view text) const {
    return !IsAscii(text) &&
           std::any_of(text.begin(), text.end(), [&](char c) { return leads_[static_cast<unsigned char>(c)]; });
  }

 private:
  static constexpr size_t kLead = 0xC2, kThreeBytes = 0xE0;
  std::array<bool, 256> leads_{};
};

}  // namespace

class PatternSet::Impl {
 public:
  explicit Impl(int shortest_word)
      : shortest_word_(shortest_word), filtered_(std::make_unique<re2::FilteredRE2>(shortest_word)) {}

  base::Result<int> Add(const std::string& pattern) {
    int number = -1;
    if (filtered_->Add(AcrossLines(pattern), Options(), &number) == re2::RE2::NoError) return number;
    re2::RE2 alone(pattern, Options());  // its words about the error, without what is put before it
    return base::Status::Invalid("regex \"" + pattern + "\": " + (alone.ok() ? "too large" : alone.error()));
  }

  void Compile() {
    if (filtered_->NumRegexps() == 0) return;
    std::vector<std::string> atoms = CompileFilter();
    if (!unfiltered_.empty() && shortest_word_ > kShortWord) {
      UseShorterWords();
      atoms = CompileFilter();
    }
    std::vector<std::string> words;
    for (size_t i = 0; i < atoms.size(); ++i) {
      // The automaton folds the case of ASCII alone: other words count as there in a text that has letters
      // which may be theirs, and the pattern itself decides.
      if (IsAscii(atoms[i])) {
        words.push_back(atoms[i]);
        atom_of_word_.push_back(static_cast<int>(i));
      } else {
        beyond_ascii_.push_back(static_cast<int>(i));
        leads_.Add(atoms[i]);
      }
    }
    automaton_.emplace(words);
    for (int word : automaton_->left_out()) always_.push_back(atom_of_word_[static_cast<size_t>(word)]);
  }

  void Match(std::string_view text, std::vector<int>* found) const {
    found->clear();
    if (!automaton_) return;
    thread_local std::vector<int> atoms;
    atoms.clear();
    automaton_->Find(text, &atoms);
    const bool beyond = !beyond_ascii_.empty() && leads_.AnyIn(text);
    if (atoms.empty() && always_.empty() && unfiltered_.empty() && !beyond) return;
    std::sort(atoms.begin(), atoms.end());
    atoms.erase(std::unique(atoms.begin(), atoms.end()), atoms.end());
    for (int& atom : atoms) atom = atom_of_word_[static_cast<size_t>(atom)];
    atoms.insert(atoms.end(), always_.begin(), always_.end());
    if (beyond) atoms.insert(atoms.end(), beyond_ascii_.begin(), beyond_ascii_.end());
    if (!filtered_->AllMatches(re2::StringPiece(text.data(), text.size()), atoms, found)) found->clear();
    std::sort(found->begin(), found->end());
  }

  std::string Group(int pattern, const std::string& name, std::string_view text) const {
    const re2::RE2& regex = filtered_->GetRE2(pattern);
    auto group = regex.NamedCapturingGroups().find(name);
    if (group == regex.NamedCapturingGroups().end()) return {};
    std::vector<re2::StringPiece> groups(static_cast<size_t>(group->second) + 1);
    if (!regex.Match(re2::StringPiece(text.data(), text.size()), 0, text.size(), re2::RE2::UNANCHORED, groups.data(),
                     static_cast<int>(groups.size()))) {
      return {};
    }
    return groups.back().as_string();
  }

  const re2::FilteredRE2& filtered() const { return *filtered_; }
  const std::vector<int>& unfiltered() const { return unfiltered_; }

 private:
  // The words, and which patterns have none.
  std::vector<std::string> CompileFilter() {
    std::vector<std::string> words;
    filtered_->Compile(&words);
    // Without any word, the prefilter passes exactly those that it cannot filter.
    filtered_->AllPotentials({}, &unfiltered_);
    std::sort(unfiltered_.begin(), unfiltered_.end());
    return words;
  }

  void UseShorterWords() {
    auto before = std::exchange(filtered_, std::make_unique<re2::FilteredRE2>(kShortWord));
    int number = 0;
    for (int i = 0; i < before->NumRegexps(); ++i) filtered_->Add(before->GetRE2(i).pattern(), Options(), &number);
  }

  int shortest_word_;
  std::unique_ptr<re2::FilteredRE2> filtered_;
  std::optional<WordAutomaton> automaton_;
  std::vector<int> atom_of_word_, always_, beyond_ascii_, unfiltered_;
  LeadBytes leads_;  // of beyond_ascii_
};

PatternSet::PatternSet(int shortest_word) : impl_(std::make_unique<Impl>(shortest_word)) {}
PatternSet::PatternSet(PatternSet&&) noexcept = default;
PatternSet& PatternSet::operator=(PatternSet&&) noexcept = default;
PatternSet::~PatternSet() = default;

base::Result<int> PatternSet::Add(const std::string& pattern) { return impl_->Add(pattern); }
void PatternSet::Compile() { impl_->Compile(); }
void PatternSet::Match(std::string_view text, std::vector<int>* found) const { impl_->Match(text, found); }

std::string PatternSet::Group(int pattern, const std::string& name, std::string_view text) const {
  return impl_->Group(pattern, name, text);
}

std::string_view PatternSet::LineOf(int pattern, std::string_view text) const {
  const re2::RE2& regex = impl_->filtered().GetRE2(pattern);
  for (size_t begin = 0, end = 0; begin < text.size(); begin = end + 1) {
    end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    if (re2::RE2::PartialMatch(re2::StringPiece(line.data(), line.size()), regex)) return line;
  }
  return text.substr(0, text.find('\n'));
}

bool PatternSet::HasGroup(int pattern, const std::string& name) const {
  return impl_->filtered().GetRE2(pattern).NamedCapturingGroups().count(name) > 0;
}

bool PatternSet::MatchesEmpty(int pattern) const {
  return re2::RE2::PartialMatch("", impl_->filtered().GetRE2(pattern));
}
const std::vector<int>& PatternSet::unfiltered() const { return impl_->unfiltered(); }
size_t PatternSet::size() const { return static_cast<size_t>(impl_->filtered().NumRegexps()); }

}  // namespace rankscope::detect
