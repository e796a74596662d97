#include "notify/message.h"

#include <algorithm>
#include <cstdio>

#include "base/coding.h"

namespace rankscope::notify {

bool IsFiring(const Message& message) {
  return std::any_of(message.entries.begin(), message.entries.end(),
                     [](const Entry& entry) { return IsTrouble(entry.update->kind); });
}

Severity WorstOf(const Message& message) {
  Severity worst = Severity::kInfo;
  for (const Entry& entry : message.entries) worst = std::max(worst, entry.update->severity);
  return worst;
}

std::string MessageId(const Message& message) {
  std::string content;
  base::PutString(&content, message.channel);
  base::PutSigned(&content, message.at);
  for (const Entry& entry : message.entries) {
    base::PutString(&content, entry.update->incident);
    base::PutVarint(&content, entry.update->version);
    base::PutVarint(&content, entry.round);
  }
  uint64_t high = base::Checksum(content), low = base::Checksum(content, 1);
  high = (high & ~uint64_t{0xF000}) | 0x8000;  // a UUID of version 8: bits of our own (RFC 9562)
  low = (low & ~(uint64_t{3} << 62)) | (uint64_t{2} << 62);
  char text[37];
  std::snprintf(text, sizeof text, "%08x-%04x-%04x-%04x-%012llx", static_cast<unsigned>(high >> 32),
                static_cast<unsigned>(high >> 16 & 0xFFFF), static_cast<unsigned>(high & 0xFFFF),
                static_cast<unsigned>(low >> 48), static_cast<unsigned long long>(low & 0xFFFFFFFFFFFF));
  return text;
}

}  // namespace rankscope::notify
