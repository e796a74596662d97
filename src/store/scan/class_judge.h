#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "store/blocks/block_reader.h"
#include "store/scan/filter_terms.h"
#include "store/segment_summary.h"

namespace rankscope::store {

// What a filter says of the rows of one block, by their class and their origin.
struct Judgement {
  std::vector<Verdict> classes;  // empty: no row matches
  std::vector<uint16_t> alive;   // the classes that are not kNo
  std::vector<char> origins;
  bool every_origin = true;
  // A term that each matching row meets; null: none is known.
  const TextTerm* term = nullptr;
  // By class, the slots in which alone the term's literal can lie. Empty: there is no such class.
  std::vector<uint64_t> inside_slots;

  void Kill(uint16_t number) { classes[number] = Verdict::kNo; }
  void BuryKilled() {
    std::erase_if(alive, [this](uint16_t number) { return classes[number] == Verdict::kNo; });
  }
};

// The verdicts of a filter's text leaves on the templates of one job, by the leaf's number.
using LeafVerdicts = std::vector<std::shared_ptr<const VerdictCache::Verdicts>>;

// Judges one block, or what stands for it or for those of a segment. A single use; what it is given outlives it.
class ClassJudge {
 public:
  ClassJudge(const FilterTerms& terms, const LeafVerdicts& verdicts, BlockReader* reader);
  // Judges what the header tells of rows between these times, of a segment's summary or of a rollup: no class
  // is kNo or kYes that is not in each of the blocks. Of raw texts nothing is known.
  ClassJudge(const FilterTerms& terms, const LeafVerdicts& verdicts, const Segment& segment, const BlockHeader& header,
             base::TimeNs min_time, base::TimeNs max_time);
  Judgement Judge();

 private:
  bool JudgeOrigins();
  bool JudgeShapes();
  Verdict JudgeShape(const FilterNode& leaf, const RowShape& shape) const;
  Verdict JudgeText(const FilterNode& leaf, const RowClass& row_class);
  Verdict JudgeRawTexts(const FilterNode& leaf);
  void JudgeClassesByShape();
  void JudgeClass(uint16_t number);
  void JudgeClassesOf(const VerdictCache::Verdicts& verdicts);
  const FilterNode* MostTelling() const;

  const FilterTerms& terms_;
  const LeafVerdicts& verdicts_;
  BlockReader* reader_;  // null: of a segment
  const Segment& segment_;
  const BlockHeader& header_;
  const base::TimeNs min_time_, max_time_;
  Judgement judgement_;
  std::vector<Verdict> shapes_;                 // of all terms without a text
  std::vector<Verdict> leaves_;                 // of other leaves: by leaf, then shape
  std::vector<std::optional<Verdict>> of_raw_;  // of text leaves, on the raw texts
  bool shadowed_ = false;
};

}  // namespace rankscope::store
