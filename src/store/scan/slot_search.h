#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "store/columns/uuids.h"
#include "store/scan/class_judge.h"

namespace rankscope::store {

// Whether the term's literal, where it lies in a slot of that kind, is a whole id, which the slot's filter knows.
bool IsId(Slot kind, const TextTerm& term);

// Finds the literal of a judgement's term in the slots in which alone it can lie, so that few rows are left to look at.
// One thread; what it is given outlives it. Its methods return false after a failure of the reader.
class SlotSearch {
 public:
  // REQUIRES judgement->term.
  SlotSearch(BlockReader* reader, Judgement* judgement)
      : reader_(reader),
        judgement_(judgement),
        literal_(judgement->term->literal()),
        search_(literal_),
        uuid_search_(literal_) {}

  // Kills classes of which no row has the literal: mostly all of a block's, and no column of rows has been read.
  bool NarrowClasses();
  // Drops rows that do not have it. REQUIRES NarrowClasses().
  bool NarrowRows(std::vector<uint32_t>* rows);

 private:
  using Places = std::vector<char>;  // by place in the pool, whether it is there; empty: nowhere

  const Places* Find(uint16_t pool, size_t slot);
  bool Search(uint16_t pool, size_t slot, Places* places);
  bool RuledOut(uint16_t pool, size_t slot);

  BlockReader* reader_;
  Judgement* judgement_;
  const std::string& literal_;
  LiteralSearch search_;
  UuidSearch uuid_search_;
  std::map<std::pair<uint16_t, size_t>, Places> found_;  // by pool and slot
};

}  // namespace rankscope::store
