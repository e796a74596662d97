#include "store/scan/block_choice.h"

#include "store/columns/uuid_column.h"
#include "store/scan/slot_search.h"

namespace rankscope::store {
namespace {

// Characters of a part that so few UUIDs hold that it is worth to look for it in each, before any other condition.
constexpr size_t kRarePart = 8;

}  // namespace

BlockChoice::BlockChoice(const Segment& segment, const SegmentSummary& summary, const Judgement& judgement,
                         const TemplateDictionary& dictionary, ColumnCache* cache)
    : segment_(segment),
      summary_(summary),
      judgement_(judgement),
      dictionary_(dictionary),
      cache_(cache),
      uuid_search_(judgement.term ? judgement.term->literal() : ""),
      chosen_(summary.NoBlocks()),
      of_uuids_(chosen_),
      of_hex_(chosen_),
      of_raw_texts_(chosen_) {}

BlockSet BlockChoice::Blocks() {
  if (!judgement_.every_origin && !judgement_.alive.empty()) {
    of_origins_ = summary_.NoBlocks();
    for (size_t i = 0; i < judgement_.origins.size(); ++i) {
      if (judgement_.origins[i]) of_origins_->Add(summary_.BlocksOfOrigin(i));
    }
  }
  for (uint16_t number : judgement_.alive) TakeClass(number);
  of_uuids_.Keep(summary_.BlocksThatMayHold(uuid_search_));
  for (size_t block = 0; block < summary_.blocks(); ++block) {
    if (HasOrigin(block) && !chosen_.Has(block) && MayHoldLiteral(block)) chosen_.Add(block);
  }
  if (of_origins_) chosen_.Keep(*of_origins_);
  return std::move(chosen_);
}

void BlockChoice::TakeClass(uint16_t number) {
  const BlockSet& blocks = summary_.BlocksOfClass(number);
  if (judgement_.term && summary_.header().classes[number].form == Row::kRawText) {
    of_raw_texts_.Add(blocks);
  } else if (!TakeAsIds(number)) {
    chosen_.Add(blocks);
  }
}

// Where the term's literal can only be an id, or a part of a UUID, in slots of its lines.
bool BlockChoice::TakeAsIds(uint16_t number) {
  uint64_t slots = judgement_.inside_slots.empty() ? 0 : judgement_.inside_slots[number];
  if (slots == 0) return false;
  bool uuids = false, hex = false;
  size_t slot = 0;
  for (char c : dictionary_.form(summary_.header().classes[number].form - Row::kFirstTemplate)) {
    if (!IsMarker(c)) continue;
    auto kind = static_cast<Slot>(c);
    bool asked = slots >> slot++ & 1;
    if (!asked) continue;
    bool in_uuid = kind == Slot::kUuid && judgement_.term->literal().size() >= kRarePart;
    if (!in_uuid && !IsId(kind, *judgement_.term)) return false;
    uuids = uuids || in_uuid;
    hex = hex || kind == Slot::kHexLower;
  }
  if (uuids) of_uuids_.Add(summary_.BlocksOfClass(number));
  if (hex) of_hex_.Add(summary_.BlocksOfClass(number));
  return true;
}

bool BlockChoice::MayHoldLiteral(size_t block) const {
  const std::string* literal = judgement_.term ? &judgement_.term->literal() : nullptr;
  if (!literal) return false;
  if (of_hex_.Has(block) && summary_.MayHoldHex(block, *literal)) return true;
  if (of_uuids_.Has(block) && UuidsHold(segment_, summary_, block, uuid_search_, cache_)) return true;
  if (!of_raw_texts_.Has(block)) return false;
  const auto& filter = summary_.RawTextFilter(block);
  return !filter || judgement_.term->MayBeAmong(*filter);
}

}  // namespace rankscope::store
