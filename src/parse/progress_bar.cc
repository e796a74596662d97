#include "parse/progress_bar.h"

#include <algorithm>

namespace rankscope::parse {
namespace {

constexpr size_t kLongestBars = 2048;
constexpr std::string_view kRates[] = {"it/s", "s/it", "B/s", "examples/s", "batch/s"};

// Behind the rate a bar may still have values: ", loss=2.1]".
size_t EndOfRate(std::string_view line, size_t from) {
  size_t best = std::string_view::npos;
  for (std::string_view rate : kRates) {
    size_t at = line.find(rate, from);
    if (at != std::string_view::npos) best = std::min(best, at + rate.size());
  }
  return best;
}

// Of "<00:09", the time that is left, in the brackets.
bool HasTimes(std::string_view line) { return line.find('[') < line.find('<') && line.find('<') != line.npos; }

}  // namespace

bool HasProgressBar(std::string_view line) {
  return line.find("%|") != std::string_view::npos || (HasTimes(line) && EndOfRate(line, 0) != std::string_view::npos);
}

size_t EndOfBar(std::string_view line) {
  line = line.substr(0, kLongestBars);
  const size_t rate = HasTimes(line) ? EndOfRate(line, 0) : std::string_view::npos;
  const size_t end = rate == std::string_view::npos ? rate : line.find(']', rate);
  return end == std::string_view::npos ? 0 : end + 1;
}

size_t TextAfterBar(std::string_view line) {
  size_t after = 0;
  for (size_t bar = EndOfBar(line); bar > 0; bar = EndOfBar(line.substr(0, kLongestBars).substr(after))) after += bar;
  return line.find_first_not_of(" \t\r", after) != std::string_view::npos ? after : 0;
}

}  // namespace rankscope::parse
