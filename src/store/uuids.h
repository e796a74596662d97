#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rankscope::store {

// UUIDs as they lie in a column, one after the other.
constexpr size_t kUuidBytes = 16, kUuidText = 36;

// Writes the kUuidText characters of one: 8-4-4-4-12 of [0-9a-f].
void WriteUuid(const char* bytes, char* text);

// Appends, ascending, the places of those whose text holds `part`, which may be of any case.
void FindInUuids(std::string_view uuids, std::string_view part, std::vector<uint32_t>* places);

}  // namespace rankscope::store
