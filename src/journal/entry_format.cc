#include "journal/entry_format.h"

#include "base/coding.h"

namespace rankscope::journal {
namespace {

constexpr std::string_view kMagic = "RSJRNL\r\n";
constexpr uint32_t kVersion = 1;

uint64_t EntryChecksum(uint64_t id, uint64_t position, std::string_view payload) {
  std::string place;
  base::PutFixed64(&place, id);
  base::PutFixed64(&place, position);
  base::PutFixed32(&place, static_cast<uint32_t>(payload.size()));
  return base::Checksum(payload, base::Checksum(place));
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
  bool ours = in.Bytes(kMagic.size()) == kMagic && in.Fixed32() == kVersion;
  FileHeader header{in.Fixed64(), in.Fixed64()};
  bool whole = in.Fixed64() == base::Checksum(bytes.substr(0, kFileHeaderBytes - 8));
  if (!ours || !whole) return std::nullopt;
  return header;
}

std::string EncodeEntryHeader(uint64_t id, uint64_t position, std::string_view payload) {
  std::string header;
  base::PutFixed32(&header, static_cast<uint32_t>(payload.size()));
  base::PutFixed64(&header, EntryChecksum(id, position, payload));
  return header;
}

std::optional<std::string_view> DecodeEntry(uint64_t id, uint64_t position, std::string_view bytes) {
  base::ByteReader in(bytes);
  uint32_t length = in.Fixed32();
  uint64_t checksum = in.Fixed64();
  if (!in.ok() || length > kMaxPayloadBytes || length > in.remaining()) return std::nullopt;
  std::string_view payload = in.Bytes(length);
  if (EntryChecksum(id, position, payload) != checksum) return std::nullopt;
  return payload;
}

}  // namespace rankscope::journal
