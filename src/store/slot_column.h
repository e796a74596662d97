#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "store/text_column.h"
#include "store/text_template.h"

namespace rankscope::store {

// Hexadecimal texts from here on are in filters.
constexpr size_t kIdSize = 8;

// The variables of one slot, in the form of their kind. `filter` gets a word filter of those that are random ids or
// words, else nothing. REQUIRES all of one slot kind.
void EncodeSlot(const std::vector<Variable>& values, std::string* out, std::string* filter);

// The decoded variables; texts lie in it.
struct SlotColumn {
  std::vector<Variable> values;
  Texts texts;
  std::string arena;
};
// False when the bytes are not `count` variables of that kind.
bool DecodeSlot(std::string_view bytes, Slot slot, size_t count, SlotColumn* column);

constexpr size_t kUuidBytes = 16;

// Appends, ascending, the places of those UUIDs (kUuidBytes each) whose text holds `part`, which may be of any case.
void FindInUuids(std::string_view uuids, std::string_view part, std::vector<uint32_t>* places);

}  // namespace rankscope::store
