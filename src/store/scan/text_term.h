#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "model/filter.h"
#include "store/texts/template_dictionary.h"

namespace re2 {
class FilteredRE2;
class RE2;
}  // namespace re2

namespace rankscope::store {

enum class Verdict : uint8_t { kNo, kMaybe, kYes };

// What a term about the text says of the lines of one template.
struct TemplateVerdict {
  Verdict verdict = Verdict::kMaybe;
  // kMaybe: bits of the slots in which the term's literal may lie wholly; `elsewhere` also across their borders.
  uint64_t inside_slots = 0;
  bool elsewhere = true;
};

// One condition on the text of records, put to templates instead of lines: a yes or no holds for each line of the
// template. Never a no where a line could match, never a yes where one could not. Any thread.
class TextTerm {
 public:
  // A kPhrase, kSubstring, kRegex or any other filter on `msg`; of those others nothing is known.
  static base::Result<std::shared_ptr<const TextTerm>> Make(const model::Filter& filter);

  TemplateVerdict Judge(std::string_view form) const;
  // Whether texts of which this is the word filter (word_filter.h) may match. Where they may hold what a kRegex
  // cannot do without, FilteredRE2 is asked, which is not cheap.
  bool MayBeAmong(std::string_view word_filter) const;
  // The phrase or substring, case folded; empty for others.
  const std::string& literal() const { return literal_; }
  // What each text that meets the term holds, case folded: the literal, or what the regex cannot do without. Empty:
  // nothing is known.
  const std::string& needed() const { return needed_; }
  bool whole_words() const { return kind_ == model::Filter::Kind::kPhrase; }
  // Equal for terms that judge alike.
  std::string Key() const;

 private:
  TextTerm() = default;
  TemplateVerdict JudgeLiteral(std::string_view form, std::string_view literal, bool phrase) const;
  TemplateVerdict JudgeRegex(std::string_view form) const;
  void AddAtoms();
  bool NeedsAtom(size_t number) const;

  model::Filter::Kind kind_ = model::Filter::Kind::kAll;
  std::string text_, literal_, needed_;
  bool case_sensitive_ = false;
  std::shared_ptr<const re2::RE2> regex_;
  std::shared_ptr<re2::FilteredRE2> required_;
  std::vector<std::string> atoms_;  // literals of which the regex needs some, in lower case
  // The words that each text that meets the term certainly has, or each with the atom, as WordFilter::HashesOf.
  std::vector<uint64_t> words_;
  std::vector<std::vector<uint64_t>> atom_words_;
};

// The verdicts of terms asked before, on all templates of a dictionary. Any thread.
class VerdictCache {
 public:
  struct Verdicts {
    std::vector<TemplateVerdict> of;  // by template
    std::vector<uint32_t> not_no;     // templates, ascending
  };
  // On each template that the dictionary has now.
  std::shared_ptr<const Verdicts> Get(const TextTerm& term,
                                      const std::shared_ptr<const TemplateDictionary>& dictionary);

 private:
  static constexpr size_t kMaxEntries = 64;
  using Key = std::pair<const TemplateDictionary*, std::string>;
  struct Entry {
    std::shared_ptr<const TemplateDictionary> dictionary;  // its address is not another's while this lives
    std::shared_ptr<const Verdicts> verdicts;
    uint64_t used = 0;
  };
  std::mutex mutex_;  // guards what follows
  std::map<Key, Entry> entries_;
  uint64_t uses_ = 0;
};

}  // namespace rankscope::store
