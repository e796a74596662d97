#include "store/scan/slot_search.h"

#include <algorithm>

#include "store/texts/word_filter.h"

namespace rankscope::store {
namespace {

// Calls visit(slot) for each bit; stops when it returns false.
template <typename Visit>
bool ForEachSlot(uint64_t slots, const Visit& visit) {
  for (; slots != 0; slots &= slots - 1) {
    if (!visit(static_cast<size_t>(__builtin_ctzll(slots)))) return false;
  }
  return true;
}

}  // namespace

bool IsId(Slot kind, const TextTerm& term) {
  size_t size = term.literal().size();
  return (kind == Slot::kUuid && size == kUuidText) ||
         (kind == Slot::kHexLower && term.whole_words() && size >= kIdSize);
}

bool SlotSearch::NarrowClasses() {
  if (judgement_->inside_slots.empty()) return true;
  for (uint16_t number : judgement_->alive) {
    uint64_t slots = judgement_->inside_slots[number];
    if (slots == 0) continue;
    bool there = false;
    bool whole = ForEachSlot(slots, [&](size_t slot) {
      const Places* places = Find(reader_->header().classes[number].pool, slot);
      there = there || (places && !places->empty());
      return places != nullptr;
    });
    if (!whole) return false;
    if (!there) judgement_->Kill(number);
  }
  judgement_->BuryKilled();
  return true;
}

bool SlotSearch::NarrowRows(std::vector<uint32_t>* rows) {
  if (judgement_->inside_slots.empty() || rows->empty()) return true;
  const auto& classes = reader_->classes();
  const auto& at = reader_->pool_places();
  if (at.empty()) return false;
  std::erase_if(*rows, [&](uint32_t row) {
    uint64_t slots = judgement_->inside_slots[classes[row]];
    if (slots == 0) return false;
    return ForEachSlot(slots, [&](size_t slot) {
      const Places& places = found_[{reader_->header().classes[classes[row]].pool, slot}];
      return places.empty() || !places[at[row]];
    });
  });
  return true;
}

// Null after a failure.
const SlotSearch::Places* SlotSearch::Find(uint16_t pool, size_t slot) {
  auto [at, added] = found_.try_emplace({pool, slot});
  if (!added) return &at->second;
  if (!RuledOut(pool, slot) && !Search(pool, slot, &at->second)) return nullptr;
  return &at->second;
}

// Whether the slot's filter says that the literal, if that is a whole id, is not there.
bool SlotSearch::RuledOut(uint16_t pool, size_t slot) {
  if (!IsId(static_cast<Slot>(reader_->header().pools[pool][slot]), *judgement_->term)) return false;
  auto filter = reader_->SlotFilter(pool, slot);
  return filter && !WordFilter::MayHoldId(*filter, literal_);
}

bool SlotSearch::Search(uint16_t pool, size_t slot, Places* places) {
  size_t count = reader_->header().pool_rows[pool];
  std::vector<uint32_t> found;
  if (static_cast<Slot>(reader_->header().pools[pool][slot]) == Slot::kUuid) {
    auto uuids = reader_->Uuids(pool, slot);
    if (!uuids) return false;
    uuid_search_.Find(*uuids, &found);
  } else {
    const SlotColumn* column = reader_->SlotOf(pool, slot);
    if (!column) return false;
    column->Find(&search_, literal_, &found);
  }
  if (!found.empty()) places->resize(count);
  for (uint32_t place : found) (*places)[place] = 1;
  return true;
}

}  // namespace rankscope::store
