#pragma once

#include <string>
#include <string_view>

namespace rankscope::store {

// zstd levels (base/zstd.h): of columns and of pieces, whose structure is gone already; of the pieces' codes, half of
// which is; and of free text.
constexpr int kColumnLevel = 1;
constexpr int kCodeLevel = -1;
constexpr int kTextLevel = 3;
constexpr int kUnlikeLevel = -4;  // of any of these that hardly repeat what came before

// Appends the bytes under zstd, or as they are where that is no larger. They must be the rest of what holds them.
void PutCompressed(std::string_view bytes, int level, std::string* out);
// False when that does not give exactly `size` bytes.
bool ReadCompressed(std::string_view compressed, size_t size, std::string* out);

}  // namespace rankscope::store
