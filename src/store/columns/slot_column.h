#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "store/columns/text_column.h"
#include "store/texts/literal_search.h"
#include "store/texts/text_template.h"

namespace rankscope::store {

// Hexadecimal texts from here on are in filters.
constexpr size_t kIdSize = 8;

// The variables of one slot, in the form of their kind. `filter` gets a word filter of those that are random ids or
// words, else nothing. REQUIRES all of one slot kind.
void EncodeSlot(const std::vector<Variable>& values, std::string* out, std::string* filter);

// The decoded variables, each made when it is asked for: readers want few of them.
class SlotColumn {
 public:
  static constexpr size_t kScratchBytes = 36;

  // Its text lies in the column or in `scratch`, of kScratchBytes. REQUIRES place is one of the column's.
  Variable At(size_t place, char* scratch) const;
  // Appends, ascending, the places of the variables that may hold the literal, case folded, of which `search` is.
  void Find(LiteralSearch* search, std::string_view literal, std::vector<uint32_t>* places) const;
  size_t Memory() const;

 private:
  friend bool DecodeSlot(std::string_view bytes, Slot slot, size_t count, SlotColumn* column);
  bool ReadNumbers(std::string_view bytes, size_t count);
  bool ReadHex(std::string_view bytes, size_t count);
  void FindText(LiteralSearch* search, std::vector<uint32_t>* places) const;

  Slot slot_ = Slot::kInteger;
  size_t count_ = 0;
  std::vector<int64_t> numbers_, details_;  // no details: `detail_` holds for all
  uint32_t detail_ = 0;                     // of integers, the least number of digits
  std::string arena_;                       // of hexadecimals; of UUIDs, kUuidBytes each
  std::vector<uint32_t> begins_;            // of hexadecimals in it, and the end
  Texts texts_;
};
// False when the bytes are not `count` variables of that kind.
bool DecodeSlot(std::string_view bytes, Slot slot, size_t count, SlotColumn* column);

}  // namespace rankscope::store
