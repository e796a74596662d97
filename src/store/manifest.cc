#include "store/manifest.h"

#include "base/coding.h"
#include "base/file.h"

namespace rankscope::store {
namespace {

constexpr uint8_t kVersion = 2;

}  // namespace

base::Status Manifest::Save(const std::string& path) const {
  std::string body(1, static_cast<char>(kVersion));
  base::PutFixed64(&body, journal_position);
  base::PutFixed64(&body, next_segment);
  base::PutVarint(&body, segments.size());
  for (const std::string& segment : segments) base::PutString(&body, segment);
  base::PutFixed64(&body, base::Checksum(body));
  return base::WriteFileAtomically(path, body);
}

base::Result<Manifest> Manifest::Load(const std::string& path) {
  auto bytes = base::ReadWholeFile(path);
  if (bytes.status().code() == base::Code::kNotFound) return Manifest();
  if (!bytes.ok()) return bytes.status();
  base::ByteReader in(*bytes);
  Manifest manifest;
  uint8_t version = in.Byte();
  if (version == 1) {
    return base::Status::Corrupt(path + ": of an earlier version, which had a folder a project; it is not read");
  }
  manifest.journal_position = in.Fixed64();
  manifest.next_segment = in.Fixed64();
  for (uint64_t count = in.Varint(); count > 0 && in.ok(); --count) manifest.segments.emplace_back(in.String());
  size_t body = bytes->size() - in.remaining();
  bool whole = in.Fixed64() == base::Checksum(std::string_view(*bytes).substr(0, body)) && in.empty();
  if (version != kVersion || !in.ok() || !whole) return base::Status::Corrupt(path + " is damaged");
  return manifest;
}

}  // namespace rankscope::store
