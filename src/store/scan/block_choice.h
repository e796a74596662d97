#pragma once

#include <optional>

#include "store/columns/column_cache.h"
#include "store/scan/class_judge.h"
#include "store/segment_summary.h"
#include "store/texts/template_dictionary.h"

namespace rankscope::store {

// Chooses the blocks of a segment that may hold what a filter wants. A single use; what it is given outlives it.
class BlockChoice {
 public:
  // `judgement`: of all the segment's blocks together, whose templates are in the dictionary. `cache` may be null.
  BlockChoice(const Segment& segment, const SegmentSummary& summary, const Judgement& judgement,
              const TemplateDictionary& dictionary, ColumnCache* cache);
  BlockSet Blocks();

 private:
  void TakeClass(uint16_t number);
  bool TakeAsIds(uint16_t number);
  bool MayHoldLiteral(size_t block) const;
  bool HasOrigin(size_t block) const { return !of_origins_ || of_origins_->Has(block); }

  const Segment& segment_;
  const SegmentSummary& summary_;
  const Judgement& judgement_;
  const TemplateDictionary& dictionary_;
  ColumnCache* cache_;
  const UuidSearch uuid_search_;
  std::optional<BlockSet> of_origins_;  // nothing: every origin matches
  BlockSet chosen_;
  // Blocks to choose if the term's literal lies in one of their UUIDs, may be one of their ids, or may be in a raw
  // text.
  BlockSet of_uuids_, of_hex_, of_raw_texts_;
};

}  // namespace rankscope::store
