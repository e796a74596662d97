// The same bytes give the same lines however the pipe cuts them, and after Flush nothing is held back.
#include <cstdlib>
#include <string>
#include <vector>

#include "parse/line_assembler.h"

namespace {

using rankscope::parse::Line;
using rankscope::parse::LineAssembler;

// The first byte of the input chooses the size of the chunks.
std::vector<std::string> Assemble(std::string_view bytes, size_t chunk) {
  std::vector<std::string> lines;
  auto keep = [&](Line line) { lines.push_back(std::move(line.text)); };
  LineAssembler assembler;
  for (size_t at = 0; at < bytes.size(); at += chunk) assembler.Feed(1, bytes.substr(at, chunk), keep);
  assembler.Flush(keep);
  if (!assembler.held().empty() || assembler.taken() != bytes.size()) std::abort();
  return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  if (Assemble(bytes, bytes.size()) != Assemble(bytes, 1 + data[0] % 64)) std::abort();
  return 0;
}
