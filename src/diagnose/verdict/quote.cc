#include "diagnose/verdict/quote.h"

#include "parse/line_record.h"

namespace rankscope::diagnose {
namespace {

std::string Quote(std::string_view text) {
  constexpr size_t kLongest = 600;
  std::string quote(Beginning(text, kLongest));
  parse::RedactSecrets(&quote);
  if (text.size() > kLongest) quote += "…";
  return quote;
}

}  // namespace

std::string_view Beginning(std::string_view text, size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80) --most;
  return text.substr(0, most);
}

std::string Short(std::string_view text) {
  constexpr size_t kShort = 160;
  return Quote(Beginning(text, kShort));
}

Evidence EvidenceOf(const Reading& reading, size_t line, std::string_view role) {
  const Line& said = reading.read->lines[line];
  return {Quote(said.text), std::string(role), said.time, reading.ranks[line], reading.read->files[said.file].path,
          said.number};
}

}  // namespace rankscope::diagnose
