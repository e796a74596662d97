#include "store/scan/text_term.h"

#include <re2/filtered_re2.h>

#include <algorithm>

#include "model/regex.h"
#include "model/words.h"
#include "store/texts/text_template.h"
#include "store/texts/word_filter.h"

namespace rankscope::store {
namespace {

using Kind = model::Filter::Kind;

// Stands for a variable where a template is searched as a text: a letter, so that no word ends at a variable. A term
// that holds it itself is not judged.
constexpr std::string_view kStandIn = "\xea\x99\xae";  // U+A66E
constexpr size_t kMaxPaths = 256;
constexpr int kMinAtom = 3;
constexpr size_t kMaxAtomsWeighed = 64;
constexpr char32_t kReplacement = 0xfffd;

// Whether a variable of that kind may hold the byte, case folded.
bool MayHold(Slot slot, char c) {
  bool digit = c >= '0' && c <= '9';
  bool hex = digit || (c >= 'a' && c <= 'f');
  switch (slot) {
    case Slot::kInteger:
      return digit;
    case Slot::kDecimal:
      return digit || c == '.';
    case Slot::kScientific:
      return digit || c == '.' || c == 'e' || c == '+' || c == '-';
    case Slot::kHexLower:
    case Slot::kHexUpper:
      return hex;
    case Slot::kUuid:
      return hex || c == '-';
    case Slot::kWord:
      break;
  }
  return digit || (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80;
}

std::string Folded(std::string_view text) {
  std::string folded;
  model::AppendFolded(text, &folded);
  return folded;
}

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::string WithStandIns(std::string_view form) {
  std::string out;
  for (char c : form) {
    if (IsMarker(c)) {
      out += kStandIn;
    } else {
      out.push_back(c);
    }
  }
  return out;
}

// The words of the text, parted by blanks, of which both borders lie inside it.
std::string InnerWords(std::string_view text) {
  std::string words, word;
  bool whole = false;  // the word's beginning is a border
  for (model::CodePoint point; !text.empty(); text.remove_prefix(point.size)) {
    point = model::FirstCodePoint(text);
    bool alone = model::IsIdeograph(point.value);
    if (!alone && (model::IsWordPoint(point.value) || point.value == kReplacement)) {
      word += text.substr(0, point.size);
      // What is a part of a character here may be a letter's there.
      whole = whole && point.value != kReplacement;
      continue;
    }
    if (whole && !word.empty()) words += word + ' ';
    if (alone) words += std::string(text.substr(0, point.size)) + ' ';
    word.clear();
    whole = true;
  }
  return words;
}

// Where a literal may lie so that it touches a variable.
class SlotReach {
 public:
  SlotReach(std::string_view form, std::string_view literal) : form_(form), literal_(literal) {}

  void Run(TemplateVerdict* verdict) {
    size_t slot = 0;
    for (size_t at = 0; at < form_.size() && !across_; ++at) {
      if (IsMarker(form_[at])) {
        size_t run = RunFrom(static_cast<Slot>(form_[at]), 0);
        if (run == literal_.size()) verdict->inside_slots |= uint64_t{1} << slot;
        for (size_t taken = 1; taken <= run && taken < literal_.size() && !across_; ++taken) Go(at + 1, taken, true);
        ++slot;
      } else if (form_[at] == literal_[0]) {
        Go(at, 0, false);
      }
    }
    verdict->elsewhere = across_;
  }

 private:
  size_t RunFrom(Slot slot, size_t from) const {
    size_t end = from;
    while (end < literal_.size() && MayHold(slot, literal_[end])) ++end;
    return end - from;
  }

  // Whether literal_[matched…) may follow from `at` on; `touched`: a variable was met before.
  void Go(size_t at, size_t matched, bool touched) {
    if (++paths_ > kMaxPaths) across_ = true;
    for (; !across_; ++at) {
      if (matched == literal_.size()) {
        across_ = touched;
        return;
      }
      if (at == form_.size()) return;
      if (IsMarker(form_[at])) {
        size_t run = RunFrom(static_cast<Slot>(form_[at]), matched);
        if (run > 0 && matched + run == literal_.size()) {
          across_ = true;
          return;
        }
        for (size_t taken = 1; taken <= run && !across_; ++taken) Go(at + 1, matched + taken, true);
        return;
      }
      if (form_[at] != literal_[matched]) return;
      ++matched;
    }
  }

  const std::string_view form_, literal_;
  size_t paths_ = 0;
  bool across_ = false;
};

}  // namespace

base::Result<std::shared_ptr<const TextTerm>> TextTerm::Make(const model::Filter& filter) {
  std::shared_ptr<TextTerm> term(new TextTerm);
  term->kind_ = filter.kind;
  term->text_ = filter.text;
  term->case_sensitive_ = filter.case_sensitive;
  if (filter.kind == Kind::kPhrase || filter.kind == Kind::kSubstring) {
    term->literal_ = term->needed_ = Folded(filter.text);
  }
  if (filter.kind == Kind::kPhrase) term->words_ = WordFilter::HashesOf(filter.text);
  if (filter.kind == Kind::kSubstring) term->words_ = WordFilter::HashesOf(InnerWords(term->literal_));
  if (filter.kind == Kind::kRegex) {
    ASSIGN_OR_RETURN(term->regex_, model::CompileRegex(filter.text, filter.case_sensitive));
    term->required_ = std::make_shared<re2::FilteredRE2>(kMinAtom);
    int id = 0;
    if (term->required_->Add(filter.text, term->regex_->options(), &id) == re2::RE2::NoError) {
      term->required_->Compile(&term->atoms_);
      term->AddAtoms();
    }
  }
  return std::shared_ptr<const TextTerm>(std::move(term));
}

// What is known of the atoms: their words, and of those that are needed the longest, too.
void TextTerm::AddAtoms() {
  for (size_t i = 0; i < atoms_.size(); ++i) {
    const std::string& atom = atoms_[i];
    auto& words = atom_words_.emplace_back();
    if (!IsAscii(atom)) continue;
    words = WordFilter::HashesOf(InnerWords(atom));
    if (atoms_.size() > kMaxAtomsWeighed || !NeedsAtom(i)) continue;
    words_.insert(words_.end(), words.begin(), words.end());
    if (atom.size() > needed_.size()) needed_ = atom;
  }
}

bool TextTerm::NeedsAtom(size_t number) const {
  std::vector<int> others, potentials;
  for (size_t i = 0; i < atoms_.size(); ++i) {
    if (i != number) others.push_back(static_cast<int>(i));
  }
  required_->AllPotentials(others, &potentials);
  return potentials.empty();
}

std::string TextTerm::Key() const {
  return std::string(1, static_cast<char>(kind_)) + (case_sensitive_ ? 'c' : 'i') + text_;
}

TemplateVerdict TextTerm::Judge(std::string_view form) const {
  // What a reader sees of a coloured line joins what lies around the colours.
  if (form.find('\x1b') != std::string_view::npos) return {};
  if (kind_ == Kind::kRegex) return JudgeRegex(form);
  if (kind_ != Kind::kPhrase && kind_ != Kind::kSubstring) return {};
  return JudgeLiteral(form, literal_, kind_ == Kind::kPhrase);
}

TemplateVerdict TextTerm::JudgeLiteral(std::string_view form, std::string_view literal, bool phrase) const {
  if (literal.empty()) return {Verdict::kYes, 0, false};
  if (literal.find(kStandIn) != std::string_view::npos) return {};
  std::string folded = Folded(form);
  bool sees = phrase ? model::HasPhrase(WithStandIns(folded), literal) : folded.find(literal) != std::string::npos;
  if (sees && case_sensitive_ && literal.data() == literal_.data()) {
    sees = phrase ? model::HasPhrase(WithStandIns(form), text_) : form.find(text_) != std::string_view::npos;
    if (!sees) return {};
  }
  if (sees) return {Verdict::kYes, 0, false};
  TemplateVerdict verdict{Verdict::kNo, 0, false};
  SlotReach(folded, literal).Run(&verdict);
  if (verdict.elsewhere || verdict.inside_slots != 0) verdict.verdict = Verdict::kMaybe;
  return verdict;
}

TemplateVerdict TextTerm::JudgeRegex(std::string_view form) const {
  if (std::none_of(form.begin(), form.end(), IsMarker)) {
    bool found = re2::RE2::PartialMatch(re2::StringPiece(form.data(), form.size()), *regex_);
    return {found ? Verdict::kYes : Verdict::kNo, 0, false};
  }
  if (atoms_.empty()) return {};
  std::vector<int> present;
  for (size_t i = 0; i < atoms_.size(); ++i) {
    if (!IsAscii(atoms_[i]) || JudgeLiteral(form, atoms_[i], false).verdict != Verdict::kNo)
      present.push_back(static_cast<int>(i));
  }
  std::vector<int> potentials;
  required_->AllPotentials(present, &potentials);
  return potentials.empty() ? TemplateVerdict{Verdict::kNo, 0, false} : TemplateVerdict{};
}

bool TextTerm::MayBeAmong(std::string_view word_filter) const {
  if (!WordFilter::MayHoldAll(word_filter, words_)) return false;
  if (kind_ != Kind::kRegex || atoms_.empty()) return true;
  std::vector<int> present;
  for (size_t i = 0; i < atoms_.size(); ++i) {
    if (WordFilter::MayHoldAll(word_filter, atom_words_[i])) present.push_back(static_cast<int>(i));
  }
  if (present.size() == atoms_.size()) return true;
  std::vector<int> potentials;
  required_->AllPotentials(present, &potentials);
  return !potentials.empty();
}

std::shared_ptr<const VerdictCache::Verdicts> VerdictCache::Get(
    const TextTerm& term, const std::shared_ptr<const TemplateDictionary>& dictionary) {
  Key key(dictionary.get(), term.Key());
  std::shared_ptr<const Verdicts> known;
  {
    std::lock_guard lock(mutex_);
    auto found = entries_.find(key);
    if (found != entries_.end()) {
      found->second.used = ++uses_;
      known = found->second.verdicts;
    }
  }
  uint32_t size = dictionary->size();
  if (known && known->of.size() >= size) return known;
  auto verdicts = known ? std::make_shared<Verdicts>(*known) : std::make_shared<Verdicts>();
  verdicts->of.reserve(size);
  for (auto id = static_cast<uint32_t>(verdicts->of.size()); id < size; ++id) {
    verdicts->of.push_back(term.Judge(dictionary->form(id)));
    if (verdicts->of.back().verdict != Verdict::kNo) verdicts->not_no.push_back(id);
  }
  std::lock_guard lock(mutex_);
  entries_[key] = {dictionary, verdicts, ++uses_};
  if (entries_.size() > kMaxEntries) {
    entries_.erase(std::min_element(entries_.begin(), entries_.end(),
                                    [](const auto& a, const auto& b) { return a.second.used < b.second.used; }));
  }
  return verdicts;
}

}  // namespace rankscope::store
