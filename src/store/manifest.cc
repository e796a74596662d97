#include "store/manifest.h"

#include <algorithm>

#include "base/coding.h"
#include "base/file.h"

namespace rankscope::store {
namespace {

constexpr uint8_t kVersion = 2;
constexpr uint8_t kSomeBehind = 3;  // that version, with jobs that are behind

}  // namespace

uint64_t SealedUpTo::needed_from() const {
  uint64_t from = position;
  for (const auto& [job, until] : behind) from = std::min(from, until);
  return from;
}

bool SealedUpTo::Has(const std::string& job, uint64_t end_position) const {
  auto found = behind.find(job);
  return end_position <= (found == behind.end() ? position : found->second);
}

// A replay goes through what is sealed already, for the jobs that are behind.
SealedUpTo SealedUpTo::Then(uint64_t end_position, const std::map<std::string, base::Status>& failed) const {
  SealedUpTo then{std::max(position, end_position), {}};
  for (const auto& [job, until] : behind) {
    if (failed.contains(job)) {
      then.behind[job] = until;
    } else if (end_position < position) {
      then.behind[job] = std::max(until, end_position);
    }
  }
  for (const auto& [job, why] : failed) then.behind.try_emplace(job, position);
  return then;
}

base::Status Manifest::Save(const std::string& path) const {
  std::string body(1, static_cast<char>(sealed.behind.empty() ? kVersion : kSomeBehind));
  base::PutFixed64(&body, sealed.position);
  base::PutFixed64(&body, next_segment);
  base::PutVarint(&body, segments.size());
  for (const std::string& segment : segments) base::PutString(&body, segment);
  if (!sealed.behind.empty()) base::PutVarint(&body, sealed.behind.size());
  for (const auto& [job, until] : sealed.behind) {
    base::PutString(&body, job);
    base::PutFixed64(&body, until);
  }
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
  manifest.sealed.position = in.Fixed64();
  manifest.next_segment = in.Fixed64();
  for (uint64_t count = in.Varint(); count > 0 && in.ok(); --count) manifest.segments.emplace_back(in.String());
  for (uint64_t count = version == kSomeBehind ? in.Varint() : 0; count > 0 && in.ok(); --count) {
    std::string job(in.String());
    manifest.sealed.behind[job] = in.Fixed64();
  }
  size_t body = bytes->size() - in.remaining();
  bool whole = in.Fixed64() == base::Checksum(std::string_view(*bytes).substr(0, body)) && in.empty();
  if ((version != kVersion && version != kSomeBehind) || !in.ok() || !whole)
    return base::Status::Corrupt(path + " is damaged");
  return manifest;
}

}  // namespace rankscope::store
