#include "store/scan/scan_filter.h"

#include <algorithm>

#include "store/blocks/class_rows.h"
#include "store/scan/block_choice.h"
#include "store/scan/slot_search.h"
#include "store/texts/literal_search.h"

namespace rankscope::store {
namespace {

using Kind = model::Filter::Kind;
using KeyKind = model::RecordKey::Kind;

constexpr uint32_t kManyRows = 256;
constexpr size_t kFewOfThem = 8;  // one of these is

}  // namespace

base::Result<std::unique_ptr<ScanFilter>> ScanFilter::Compile(const model::Filter& filter, const ScanCaches& caches) {
  std::unique_ptr<ScanFilter> compiled(new ScanFilter);
  compiled->caches_ = caches;
  ASSIGN_OR_RETURN(model::Matcher matcher, model::Matcher::Compile(filter));
  compiled->matcher_ = std::make_unique<model::Matcher>(std::move(matcher));
  RETURN_IF_ERROR(compiled->AddConjuncts(filter));
  return compiled;
}

base::Status ScanFilter::AddConjuncts(const model::Filter& filter) {
  if (filter.kind == Kind::kAnd) {
    for (const model::Filter& child : filter.children) RETURN_IF_ERROR(AddConjuncts(child));
    return {};
  }
  if (filter.kind == Kind::kTime) {
    since_ = std::max(since_, filter.since);
    until_ = std::min(until_, filter.until);
    return {};
  }
  ASSIGN_OR_RETURN(auto node, FilterNode::Make(filter));
  std::as_const(*node).ForEachLeaf([this](const FilterNode& leaf) {
    if (leaf.term) needs_text_ = true;
    // A field may stand in for whatever a record does not have.
    if (leaf.key.kind != KeyKind::kTimestamp && leaf.key.kind != KeyKind::kStream) {
      needed_fields_.push_back(leaf.key.name);
    }
  });
  terms_.Add(std::move(node));
  return {};
}

bool ScanFilter::MayMatchJob(const std::string& project, const std::string& job) const {
  model::Record record;
  record.origin.project = project;
  record.origin.job = job;
  return std::all_of(terms_.jobs.begin(), terms_.jobs.end(),
                     [&](const auto& term) { return term->HoldsForOrigin(record); });
}

// Blocks of one job follow each other: their dictionary is asked once.
void ScanFilter::AskDictionary(const std::shared_ptr<const TemplateDictionary>& dictionary) const {
  if (judged_ == dictionary) return;
  judged_ = dictionary;
  verdicts_.resize(terms_.text_leaves);
  for (const auto& term : terms_.texts) {
    std::as_const(*term).ForEachLeaf([this](const FilterNode& leaf) {
      if (leaf.term) verdicts_[leaf.number] = caches_.verdicts->Get(*leaf.term, judged_);
    });
  }
}

std::optional<BlockSet> ScanFilter::BlocksOf(const Segment& segment,
                                             const std::shared_ptr<const TemplateDictionary>& dictionary) const {
  if (terms_.texts.empty() && terms_.origins.empty()) return std::nullopt;
  auto summary = segment.Summary();
  if (!summary) return std::nullopt;
  AskDictionary(dictionary);
  Judgement judgement = Judge(segment, *summary);
  return BlockChoice(segment, *summary, judgement, *dictionary, caches_.columns).Blocks();
}

std::optional<ScanFilter::SummaryCount> ScanFilter::CountBySummary(
    const std::shared_ptr<const Segment>& segment, const std::shared_ptr<const TemplateDictionary>& dictionary) const {
  if (segment->min_time() < since_ || segment->max_time() >= until_) return std::nullopt;
  auto summary = segment->Summary();
  if (!summary || !summary->whole()) return std::nullopt;
  AskDictionary(dictionary);
  Judgement judgement = Judge(*segment, *summary);
  if (!judgement.every_origin) return std::nullopt;
  SummaryCount count{CertainRows(judgement, summary->header()), summary->NoBlocks()};
  std::erase_if(judgement.alive, [&](uint16_t number) { return judgement.classes[number] == Verdict::kYes; });
  if (judgement.alive.empty()) return count;
  // Without a yes, that may be for what another block has.
  if (count.rows == 0 || !JudgesAllBlocksAlike()) return std::nullopt;
  count.left = BlockChoice(*segment, *summary, judgement, *dictionary, caches_.columns).Blocks();
  for (size_t block = 0, left = 0; block < summary->blocks(); ++block) {
    if (!count.left.Has(block)) continue;
    auto header = segment->Header(block);
    if (!header.ok() || ++left * kFewOfThem > summary->blocks()) return std::nullopt;
    BlockReader reader(segment, block, *header, dictionary, caches_.columns);
    count.rows -= CertainRows(Judge(&reader), **header);
  }
  return count;
}

// Whether a class is judged alike in each block that has it, if it is a yes for all of them.
bool ScanFilter::JudgesAllBlocksAlike() const {
  bool alike = true;
  auto look = [&](const FilterTerms::Terms& terms) {
    for (const auto& term : terms) {
      std::as_const(*term).ForEachLeaf([&](const FilterNode& leaf) {
        alike = alike && leaf.key.kind != KeyKind::kStep && leaf.key.kind != KeyKind::kTimestamp;
      });
    }
  };
  look(terms_.shapes);
  look(terms_.texts);
  return alike;
}

uint64_t ScanFilter::CertainRows(const Judgement& judgement, const BlockHeader& header) {
  uint64_t rows = 0;
  for (uint16_t number : judgement.alive) {
    if (judgement.classes[number] == Verdict::kYes) rows += header.classes[number].rows;
  }
  return rows;
}

Judgement ScanFilter::Judge(BlockReader* reader) const {
  AskDictionary(reader->dictionary());
  return ClassJudge(terms_, verdicts_, reader).Judge();
}

Judgement ScanFilter::Judge(const Segment& segment, const SegmentSummary& summary) const {
  return ClassJudge(terms_, verdicts_, segment, summary.header(), segment.min_time(), segment.max_time()).Judge();
}

bool ScanFilter::MayJudgeRollups(base::TimeNs min_time, base::TimeNs max_time) const {
  return min_time >= since_ && max_time < until_ && terms_.texts.empty();
}

std::optional<Judgement> ScanFilter::JudgeRollup(const Segment& segment, base::TimeNs min_time, base::TimeNs max_time,
                                                 const BlockHeader& header) const {
  if (!MayJudgeRollups(min_time, max_time)) return std::nullopt;
  Judgement judgement = ClassJudge(terms_, verdicts_, segment, header, min_time, max_time).Judge();
  auto maybe = [&](uint16_t number) { return judgement.classes[number] == Verdict::kMaybe; };
  if (std::any_of(judgement.alive.begin(), judgement.alive.end(), maybe)) return std::nullopt;
  return judgement;
}

std::optional<uint64_t> ScanFilter::CountByHeader(BlockReader* reader) const {
  if (reader->info().min_time < since_ || reader->info().max_time >= until_) return std::nullopt;
  Judgement judgement = Judge(reader);
  if (judgement.alive.empty()) return 0;
  auto maybe = [&](uint16_t number) { return judgement.classes[number] == Verdict::kMaybe; };
  if (!judgement.every_origin || std::any_of(judgement.alive.begin(), judgement.alive.end(), maybe))
    return std::nullopt;
  return CertainRows(judgement, reader->header());
}

SelectedRows ScanFilter::Select(BlockReader* reader, base::Budget* budget) const {
  Judgement judgement = Judge(reader);
  std::vector<uint32_t> rows;
  if (judgement.alive.empty()) return {};
  if (auto number = WholeClass(*reader, judgement)) return {reader->class_rows(*number), {*number}, number};
  if (!judgement.inside_slots.empty() && !Narrow(reader, &judgement, &rows)) {
    // A column that only narrows is damaged: every row is looked at.
    if (!reader->recoverable()) return {};
    reader->Forgive();
    judgement = Judge(reader);
    judgement.inside_slots.clear();
  }
  if (judgement.inside_slots.empty()) rows = RowsOf(reader, judgement);
  DropRawRows(reader, judgement, &rows);
  if (rows.empty() || !Verify(reader, judgement, budget, &rows)) return {};
  return {std::make_shared<std::vector<uint32_t>>(std::move(rows)), std::move(judgement.alive), std::nullopt};
}

// The class of which all rows match, and no others do, if it is worth keeping in mind: such are a job's metrics.
std::optional<uint16_t> ScanFilter::WholeClass(const BlockReader& reader, const Judgement& judgement) const {
  bool in_time = reader.info().min_time >= since_ && reader.info().max_time < until_;
  if (judgement.alive.size() != 1 || !judgement.every_origin || !in_time) return std::nullopt;
  uint16_t number = judgement.alive.front();
  bool matches = judgement.classes[number] == Verdict::kYes && judgement.inside_slots.empty();
  if (!matches || reader.header().classes[number].rows < kManyRows) return std::nullopt;
  return number;
}

// The rows that are left when the slots are searched. False: one could not be read.
bool ScanFilter::Narrow(BlockReader* reader, Judgement* judgement, std::vector<uint32_t>* rows) const {
  SlotSearch search(reader, judgement);
  if (!search.NarrowClasses()) return false;
  if (judgement->alive.empty()) return true;
  *rows = RowsOf(reader, *judgement);
  return reader->ok() && search.NarrowRows(rows);
}

// The rows of the classes that are alive, of origins and times that match. None also after a failure.
std::vector<uint32_t> ScanFilter::RowsOf(BlockReader* reader, const Judgement& judgement) const {
  std::vector<uint32_t> rows;
  const BlockInfo& info = reader->info();
  const auto& classes = reader->classes();
  if (classes.empty()) return rows;
  bool in_time = info.min_time >= since_ && info.max_time < until_;
  const std::vector<base::TimeNs>* times = in_time ? nullptr : &reader->times();
  if (times && times->empty()) return rows;
  ClassRows finder(reader->header(), judgement.alive);
  if (in_time && judgement.every_origin) {
    finder.Append(classes, 0, static_cast<uint32_t>(classes.size()), &rows);
    return rows;
  }
  uint32_t begin = 0;
  for (const BlockHeader::Run& run : reader->header().runs) {
    uint32_t first = begin, last = begin + run.rows;
    begin = last;
    if (!judgement.origins[run.origin]) continue;
    if (times) {
      auto from = times->begin() + first, to = times->begin() + last;
      last = static_cast<uint32_t>(std::lower_bound(from, to, until_) - times->begin());
      first = static_cast<uint32_t>(std::lower_bound(from, to, since_) - times->begin());
    }
    finder.Append(classes, first, last, &rows);
  }
  return rows;
}

// Leaves those raw texts out that lack what the term needs, all looked through at once. Where they cannot be read, each
// row will say so.
void ScanFilter::DropRawRows(BlockReader* reader, const Judgement& judgement, std::vector<uint32_t>* rows) {
  const BlockHeader& header = reader->header();
  bool any = std::any_of(judgement.alive.begin(), judgement.alive.end(),
                         [&](uint16_t number) { return header.classes[number].form == Row::kRawText; });
  if (!any || !judgement.term) return;
  LiteralSearch search(judgement.term->needed());
  if (!search.usable()) return;
  const Texts* texts = reader->raw_texts();
  if (!texts) {
    reader->Forgive();
    return;
  }
  search.Run(texts->arena);
  const auto& classes = reader->classes();
  const auto& places = reader->pool_places();
  std::erase_if(*rows, [&](uint32_t row) {
    if (header.classes[classes[row]].form != Row::kRawText) return false;
    std::string_view text = texts->texts[places[row]];
    return !search.any() || !search.In(static_cast<size_t>(text.data() - texts->arena.data()), text.size());
  });
}

// The fields that the filter looks at; of a record with fields one at least, since it is told from one without.
BlockReader::FieldChoice ScanFilter::FieldsFor(const BlockHeader& header) const {
  BlockReader::FieldChoice choice(header.schemas.size());
  for (size_t schema = 0; schema < choice.size(); ++schema) {
    const auto& names = header.schemas[schema];
    for (uint32_t i = 0; i < names.size(); ++i) {
      bool needed = std::find(needed_fields_.begin(), needed_fields_.end(), names[i]) != needed_fields_.end();
      if (needed) choice[schema].push_back(i);
    }
    if (choice[schema].empty() && !names.empty() && !needed_fields_.empty()) choice[schema].push_back(0);
  }
  return choice;
}

bool ScanFilter::Verify(BlockReader* reader, const Judgement& judgement, base::Budget* budget,
                        std::vector<uint32_t>* rows) const {
  const auto& classes = reader->classes();
  bool certain = std::all_of(judgement.alive.begin(), judgement.alive.end(),
                             [&](uint16_t number) { return judgement.classes[number] == Verdict::kYes; });
  if (certain) return true;
  model::Record record;
  BlockReader::FieldChoice fields = FieldsFor(reader->header());
  size_t kept = 0;
  for (uint32_t row : *rows) {
    if (judgement.classes[classes[row]] == Verdict::kMaybe) {
      if (!reader->ReadRow(row, needs_text_, fields, &record)) {
        if (!reader->recoverable()) return false;
        ReportDamage(reader->status(), budget);
        reader->Forgive();
        continue;
      }
      if (!matcher_->Matches(record)) continue;
    }
    (*rows)[kept++] = row;
  }
  rows->resize(kept);
  return true;
}

}  // namespace rankscope::store
