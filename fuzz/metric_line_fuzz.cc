// A printed line: whatever it is, it is understood in bounded time, and its text stays unless it holds a secret.
#include <cstdlib>

#include "parse/line_record.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  rankscope::model::Record record;
  record.text.assign(reinterpret_cast<const char*>(data), size);
  std::string before = record.text;
  bool redacted = rankscope::parse::RedactSecrets(&record.text);
  if (!redacted && record.text != before) std::abort();
  before = record.text;
  rankscope::parse::UnderstandLine(&record);
  if (record.text != before) std::abort();
  return 0;
}
