#include "journal/entry_format.h"

#include "base/coding.h"

namespace rankscope::journal {
namespace {

constexpr std::string_view kMagic = "RSJRNL\r\n";

// Of an entry's journal, place and size: the seed of its checksum, and by its lower half the guard.
uint64_t PlaceChecksum(uint64_t id, uint64_t position, uint32_t length) {
  uint64_t place[3] = {id, position, length};
  return base::Checksum({reinterpret_cast<const char*>(place), sizeof place});
}

}  // namespace

std::string EncodeFileHeader(uint64_t id, uint64_t first_position) {
  std::string header(kMagic);
  base::PutFixed32(&header, kVersion);
  base::PutFixed64(&header, id);
  base::PutFixed64(&header, first_position);
  base::PutFixed64(&header, base::Checksum(header));
  return header;
}

std::optional<FileHeader> DecodeFileHeader(std::string_view bytes) {
  if (bytes.size() < kFileHeaderBytes) return std::nullopt;
  base::ByteReader in(bytes);
  bool ours = in.Bytes(kMagic.size()) == kMagic;
  FileHeader header{in.Fixed32(), in.Fixed64(), in.Fixed64()};
  bool whole = in.Fixed64() == base::Checksum(bytes.substr(0, kFileHeaderBytes - 8));
  if (!ours || !whole) return std::nullopt;
  return header;
}

std::string EncodeEntryHeader(uint64_t id, uint64_t position, std::string_view head, std::string_view body) {
  auto length = static_cast<uint32_t>(head.size() + body.size());
  uint64_t place = PlaceChecksum(id, position, length);
  std::string header;
  base::PutFixed32(&header, length);
  base::PutFixed32(&header, static_cast<uint32_t>(place));
  base::PutFixed64(&header, base::Checksum(head, body, place));
  return header;
}

std::optional<uint64_t> DecodeEntryLength(uint64_t id, uint64_t position, std::string_view bytes) {
  if (bytes.size() < kEntryHeaderBytes) return std::nullopt;
  base::ByteReader in(bytes);
  uint32_t length = in.Fixed32();
  uint32_t guard = in.Fixed32();
  if (length > kMaxPayloadBytes || guard != static_cast<uint32_t>(PlaceChecksum(id, position, length))) {
    return std::nullopt;
  }
  return kEntryHeaderBytes + uint64_t{length};
}

std::optional<std::string_view> DecodeEntry(uint64_t id, uint64_t position, std::string_view bytes) {
  auto length = DecodeEntryLength(id, position, bytes);
  if (!length || *length > bytes.size()) return std::nullopt;
  base::ByteReader in(bytes.substr(8));
  uint64_t checksum = in.Fixed64();
  std::string_view payload = in.Bytes(*length - kEntryHeaderBytes);
  if (base::Checksum(payload, PlaceChecksum(id, position, static_cast<uint32_t>(payload.size()))) != checksum) {
    return std::nullopt;
  }
  return payload;
}

}  // namespace rankscope::journal
