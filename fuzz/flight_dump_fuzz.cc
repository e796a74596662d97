// A dump or an error file: whatever it is, it is read or refused, and what is read refers to what is there.
#include <cstdlib>

#include "diagnose/case/error_file.h"
#include "diagnose/case/flight_dump.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto dump = rankscope::diagnose::ParseFlightDump(bytes);
  if (!dump.ok() && dump.status().message().empty()) std::abort();
  if (dump.ok()) {
    for (const auto& entry : dump->entries) {
      if (entry.group >= dump->groups.size()) std::abort();
    }
  }
  auto error = rankscope::diagnose::ParseErrorFile(bytes);
  if (error.ok() && error->message.empty()) std::abort();
  return 0;
}
