// A stretch of a log: whatever it is, every byte is counted, kept lines are parts of it in order, and a thinned
// reading keeps no more than a whole one.
#include <cstdlib>
#include <string>

#include "diagnose/case/chunk_scanner.h"

using rankscope::diagnose::Chunk;

namespace {

void CheckOrder(const Chunk& chunk) {
  uint64_t number = 1, lines = 0;
  for (const auto& line : chunk.lines) {
    if (line.number < number) std::abort();
    number = line.number;
  }
  for (const auto& writer : chunk.writers) lines += writer.lines;
  if (number > chunk.line_ends + 1 || chunk.lines.size() != chunk.choices.size()) std::abort();
  if (lines < chunk.lines.size()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static rankscope::detect::PatternSet telling;
  static const bool compiled = [] {
    bool added = telling.Add("error \\d").ok();
    telling.Compile();
    return added;
  }();
  static rankscope::diagnose::ChunkScanner scanner;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  rankscope::diagnose::ScanRules rules;
  rules.telling = &telling;
  rules.habits = rankscope::parse::LearnPrefixHabits(bytes);
  rules.json = size > 0 && data[0] == '{';
  Chunk whole = scanner.Scan(bytes, rules, false);
  Chunk thin = scanner.Scan(bytes, rules, true);
  CheckOrder(whole);
  CheckOrder(thin);
  if (whole.bytes != size || thin.line_ends != whole.line_ends || thin.lines.size() > whole.lines.size()) std::abort();
  return compiled ? 0 : 1;
}
