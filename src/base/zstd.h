#pragma once

#include <string>
#include <string_view>

namespace rankscope::base {

// Whole zstd frames, by a context that each thread keeps: one made for each frame asks the processor for its features,
// which costs more under a hypervisor than a frame of 4 KiB.

// Appends one frame of `bytes`. Levels below 0 look for less of what came before the further below they are; unlike
// zstd's own, they too give bytes fewer bits that come often.
void PutZstd(std::string_view bytes, int level, std::string* out);
// Fills `out` with what `frame` holds. False when that is not exactly `size` bytes; nothing larger is then allocated.
bool ReadZstd(std::string_view frame, size_t size, std::string* out);

}  // namespace rankscope::base
