#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rankscope::journal {

// File := Header Entry*.  Header := magic[8] version:u32 id:u64 first:u64 checksum:u64.
// Entry := length:u32 checksum:u64 payload[length]. docs/design/wal.md.
constexpr size_t kFileHeaderBytes = 36;
constexpr size_t kEntryHeaderBytes = 12;
constexpr uint32_t kMaxPayloadBytes = 64 << 20;

std::string EncodeFileHeader(uint64_t id, uint64_t first_position);
struct FileHeader {
  uint64_t id, first_position;
};
std::optional<FileHeader> DecodeFileHeader(std::string_view bytes);

// The checksum covers the journal's id, the entry's position and its length, so that recycled, moved or foreign bytes
// do not validate.
std::string EncodeEntryHeader(uint64_t id, uint64_t position, std::string_view payload);

// The payload of the entry that begins at the start of `bytes`; nullopt when it is cut off or damaged.
std::optional<std::string_view> DecodeEntry(uint64_t id, uint64_t position, std::string_view bytes);

}  // namespace rankscope::journal
