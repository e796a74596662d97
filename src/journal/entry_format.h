#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rankscope::journal {

// File := Header Entry*.  Header := magic[8] version:u32 id:u64 first:u64 checksum:u64.
// Entry := length:u32 guard:u32 checksum:u64 payload[length]. docs/design/wal.md.
constexpr uint32_t kVersion = 4;
constexpr uint32_t kOldestVersion = 2;  // read still: of the same form, with payloads that programs of before read
constexpr size_t kFileHeaderBytes = 36;
constexpr size_t kEntryHeaderBytes = 16;
constexpr uint32_t kMaxPayloadBytes = 64 << 20;

std::string EncodeFileHeader(uint64_t id, uint64_t first_position);
struct FileHeader {
  uint32_t version;
  uint64_t id, first_position;
};
// Of any version; nullopt when it is cut off or damaged.
std::optional<FileHeader> DecodeFileHeader(std::string_view bytes);

// Guard and checksum cover the journal's id, the entry's position and its length, so that recycled, moved or foreign
// bytes do not validate. The guard covers nothing else: where the payload is damaged, the next entry is still found,
// and a search for it costs a few ns a byte.
//
// Of an entry whose payload is `head` and `body` behind each other.
std::string EncodeEntryHeader(uint64_t id, uint64_t position, std::string_view head, std::string_view body);

// The length of the entry that begins at the start of `bytes`, header included, which may be more than is there;
// nullopt when its header is cut off or damaged.
std::optional<uint64_t> DecodeEntryLength(uint64_t id, uint64_t position, std::string_view bytes);

// The payload of the entry that begins at the start of `bytes`; nullopt when it is cut off or damaged.
std::optional<std::string_view> DecodeEntry(uint64_t id, uint64_t position, std::string_view bytes);

}  // namespace rankscope::journal
