#include "store/scan/class_judge.h"

#include <algorithm>

namespace rankscope::store {
namespace {

using Kind = model::Filter::Kind;
using KeyKind = model::RecordKey::Kind;

// A term whose templates are this much fewer than a block's classes is looked up class by class.
constexpr size_t kFewer = 8;

Verdict Of(bool holds) { return holds ? Verdict::kYes : Verdict::kNo; }

bool HasName(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Verdict JudgeTime(const FilterNode& leaf, base::TimeNs min_time, base::TimeNs max_time) {
  if (leaf.kind != Kind::kTime) return Verdict::kMaybe;
  if (max_time < leaf.filter.since || min_time >= leaf.filter.until) return Verdict::kNo;
  bool inside = min_time >= leaf.filter.since && max_time < leaf.filter.until;
  return inside ? Verdict::kYes : Verdict::kMaybe;
}

}  // namespace

ClassJudge::ClassJudge(const FilterTerms& terms, const LeafVerdicts& verdicts, BlockReader* reader)
    : terms_(terms),
      verdicts_(verdicts),
      reader_(reader),
      segment_(reader->segment()),
      header_(reader->header()),
      min_time_(reader->info().min_time),
      max_time_(reader->info().max_time),
      of_raw_(terms.text_leaves) {}

ClassJudge::ClassJudge(const FilterTerms& terms, const LeafVerdicts& verdicts, const Segment& segment,
                       const BlockHeader& header, base::TimeNs min_time, base::TimeNs max_time)
    : terms_(terms),
      verdicts_(verdicts),
      reader_(nullptr),
      segment_(segment),
      header_(header),
      min_time_(min_time),
      max_time_(max_time),
      of_raw_(terms.text_leaves) {}

Judgement ClassJudge::Judge() {
  if (!JudgeOrigins() || !JudgeShapes()) return std::move(judgement_);
  judgement_.classes.assign(header_.classes.size(), Verdict::kNo);
  if (terms_.texts.empty()) {
    JudgeClassesByShape();
    return std::move(judgement_);
  }
  const FilterNode* telling = MostTelling();
  if (telling) judgement_.term = telling->term.get();
  const VerdictCache::Verdicts* few = telling ? verdicts_[telling->number].get() : nullptr;
  if (few && few->not_no.size() * kFewer < header_.classes.size()) {
    JudgeClassesOf(*few);
  } else {
    for (size_t number = 0; number < header_.classes.size(); ++number) JudgeClass(static_cast<uint16_t>(number));
  }
  if (judgement_.alive.empty()) judgement_.classes.clear();
  return std::move(judgement_);
}

// Whether any row's origin may match.
bool ClassJudge::JudgeOrigins() {
  judgement_.origins.assign(header_.origins.size(), 1);
  if (terms_.origins.empty()) return true;
  // A field may stand in for an origin's member that is not known.
  std::vector<const FilterNode*> exact;
  for (const auto& term : terms_.origins) {
    bool shadowed = false;
    term->ForEachLeaf([&](const FilterNode& leaf) {
      for (const auto& names : header_.schemas) shadowed = shadowed || HasName(names, leaf.key.name);
    });
    shadowed_ = shadowed_ || shadowed;
    if (!shadowed) exact.push_back(term.get());
  }
  model::Record record;
  record.origin.project = segment_.project();
  record.origin.job = segment_.job();
  bool any = false;
  for (size_t i = 0; i < header_.origins.size(); ++i) {
    SetPlace(header_.origins[i], &record.origin);
    bool holds = std::all_of(exact.begin(), exact.end(), [&](auto* term) { return term->HoldsForOrigin(record); });
    judgement_.origins[i] = holds;
    judgement_.every_origin = judgement_.every_origin && holds;
    any = any || holds;
  }
  return any;
}

// Whether any shape may match.
bool ClassJudge::JudgeShapes() {
  size_t count = header_.shapes.size();
  leaves_.resize(terms_.other_leaves * count);
  auto judge_leaves = [&](const FilterTerms::Terms& terms) {
    for (const auto& term : terms) {
      term->ForEachLeaf([&](const FilterNode& leaf) {
        for (size_t i = 0; !leaf.term && i < count; ++i) {
          leaves_[leaf.number * count + i] = JudgeShape(leaf, header_.shapes[i]);
        }
      });
    }
  };
  judge_leaves(terms_.shapes);
  judge_leaves(terms_.texts);
  shapes_.assign(count, shadowed_ ? Verdict::kMaybe : Verdict::kYes);
  for (const auto& term : terms_.shapes) {
    for (size_t i = 0; i < count; ++i) {
      auto judge = [&](const FilterNode& leaf) { return leaves_[leaf.number * count + i]; };
      shapes_[i] = std::min(shapes_[i], term->Evaluate(judge));
    }
  }
  return std::any_of(shapes_.begin(), shapes_.end(), [](Verdict verdict) { return verdict != Verdict::kNo; });
}

// Of a leaf that is not about the text.
Verdict ClassJudge::JudgeShape(const FilterNode& leaf, const RowShape& shape) const {
  bool has_field = HasName(header_.schemas[shape.schema], leaf.key.name);
  model::Record asked;
  switch (leaf.key.kind) {
    case KeyKind::kTimestamp:
      return JudgeTime(leaf, min_time_, max_time_);
    case KeyKind::kStream:
      asked.stream = shape.stream;
      return Of(leaf.matcher->Matches(asked));
    case KeyKind::kLevel:
      if (has_field) return Verdict::kMaybe;
      asked.level = header_.levels[shape.level];
      return Of(leaf.matcher->Matches(asked));
    case KeyKind::kStep: {
      if (has_field) return Verdict::kMaybe;
      if (!shape.has_step) return Of(leaf.matcher->Matches(asked));
      bool outside = leaf.filter.low > header_.max_step || leaf.filter.high < header_.min_step;
      return leaf.kind == Kind::kRange && outside ? Verdict::kNo : Verdict::kMaybe;
    }
    case KeyKind::kField:
      return has_field ? Verdict::kMaybe : Of(leaf.matcher->Matches(asked));
    default:
      return Verdict::kMaybe;
  }
}

// The term about the text alone that the fewest templates meet: whatever else the filter says, rows must meet it.
const FilterNode* ClassJudge::MostTelling() const {
  const FilterNode* best = nullptr;
  auto templates = [this](const FilterNode& leaf) { return verdicts_[leaf.number]->not_no.size(); };
  for (const auto& term : terms_.texts) {
    if (term->leaf() && (!best || templates(*term) < templates(*best))) best = term.get();
  }
  return best;
}

// Judges those classes only whose template may meet a term, and those without a template.
void ClassJudge::JudgeClassesOf(const VerdictCache::Verdicts& verdicts) {
  auto begin = header_.forms.begin(), end = header_.forms.end();
  auto judge_until = [&](uint32_t form) {
    for (; begin != end && *begin < form; ++begin) {
      JudgeClass(header_.by_form[static_cast<size_t>(begin - header_.forms.begin())]);
    }
  };
  judge_until(Row::kFirstTemplate);
  for (uint32_t id : verdicts.not_no) {
    begin = std::lower_bound(begin, end, id + Row::kFirstTemplate);
    judge_until(id + Row::kFirstTemplate + 1);
  }
  // Templates that came after the verdicts.
  begin = std::lower_bound(begin, end, static_cast<uint32_t>(verdicts.of.size()) + Row::kFirstTemplate);
  judge_until(~uint32_t{0});
}

void ClassJudge::JudgeClassesByShape() {
  for (size_t shape = 0; shape < shapes_.size(); ++shape) {
    if (shapes_[shape] == Verdict::kNo) continue;
    for (size_t at = header_.shape_begins[shape]; at < header_.shape_begins[shape + 1]; ++at) {
      judgement_.classes[header_.by_shape[at]] = shapes_[shape];
      judgement_.alive.push_back(header_.by_shape[at]);
    }
  }
}

void ClassJudge::JudgeClass(uint16_t number) {
  const RowClass& row_class = header_.classes[number];
  Verdict verdict = shapes_[row_class.shape];
  if (verdict == Verdict::kNo) return;
  size_t shapes = header_.shapes.size();
  auto judge = [&](const FilterNode& leaf) {
    return leaf.term ? JudgeText(leaf, row_class) : leaves_[leaf.number * shapes + row_class.shape];
  };
  for (const auto& term : terms_.texts) {
    verdict = std::min(verdict, term->Evaluate(judge));
    if (verdict == Verdict::kNo) return;
  }
  judgement_.classes[number] = verdict;
  judgement_.alive.push_back(number);
}

Verdict ClassJudge::JudgeText(const FilterNode& leaf, const RowClass& row_class) {
  if (row_class.form == Row::kRawText) return JudgeRawTexts(leaf);
  if (row_class.form == Row::kEmptyText) {
    const auto& names = header_.schemas[row_class.schema];
    if (HasName(names, leaf.key.name)) return Verdict::kMaybe;
    model::Record asked;
    // Without a text, a record with fields has none at all.
    if (!names.empty()) asked.fields.emplace_back("", 0.0);
    return Of(leaf.matcher->Matches(asked));
  }
  uint32_t id = row_class.form - Row::kFirstTemplate;
  const auto& known = verdicts_[leaf.number]->of;
  if (id >= known.size()) return Verdict::kMaybe;
  if (leaf.term.get() == judgement_.term && known[id].verdict == Verdict::kMaybe && !known[id].elsewhere) {
    judgement_.inside_slots.resize(header_.classes.size());
    judgement_.inside_slots[static_cast<size_t>(&row_class - header_.classes.data())] = known[id].inside_slots;
  }
  return known[id].verdict;
}

Verdict ClassJudge::JudgeRawTexts(const FilterNode& leaf) {
  if (!reader_) return Verdict::kMaybe;
  auto& verdict = of_raw_[leaf.number];
  if (!verdict) {
    auto filter = reader_->RawTextFilter();
    verdict = !filter || leaf.term->MayBeAmong(*filter) ? Verdict::kMaybe : Verdict::kNo;
  }
  return *verdict;
}

}  // namespace rankscope::store
