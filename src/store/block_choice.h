#pragma once

#include "store/class_judge.h"
#include "store/segment_summary.h"
#include "store/template_dictionary.h"

namespace rankscope::store {

// Chooses the blocks of a segment that may hold what a filter wants. A single use; what it is given outlives it.
class BlockChoice {
 public:
  // `judgement`: of all the segment's blocks together, whose templates are in the dictionary.
  BlockChoice(const SegmentSummary& summary, const Judgement& judgement, const TemplateDictionary& dictionary);
  BlockSet Blocks();

 private:
  void TakeClass(uint16_t number);
  bool TakeAsIds(uint16_t number);
  bool MayHoldLiteral(size_t block) const;

  const SegmentSummary& summary_;
  const Judgement& judgement_;
  const TemplateDictionary& dictionary_;
  BlockSet chosen_;
  // Blocks to choose if the term's literal may be among their ids or in their raw texts.
  BlockSet of_uuids_, of_hex_, of_raw_texts_;
};

}  // namespace rankscope::store
