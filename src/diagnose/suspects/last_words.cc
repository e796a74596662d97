#include "diagnose/suspects/last_words.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <vector>

namespace rankscope::diagnose {
namespace {

// A rank's words by line, without what differs from rank to rank.
using Words = std::vector<std::string>;

bool IsOfNumber(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0 || c == '.' || c == 'x'; }

// Runs that begin with a digit, of decimals and addresses, are "0".
std::string WithoutNumbers(std::string_view text) {
  std::string words;
  for (size_t i = 0; i < text.size();) {
    if (std::isdigit(static_cast<unsigned char>(text[i])) == 0) {
      words += text[i++];
      continue;
    }
    words += '0';
    while (i < text.size() && IsOfNumber(text[i])) ++i;
  }
  return words;
}

std::map<size_t, int64_t> StepsOfLines(const Reading& reading) {
  std::map<size_t, int64_t> steps;
  for (const Point& point : reading.points) {
    if (point.step) steps[point.line] = *point.step;
  }
  return steps;
}

std::map<int32_t, Words> WordsOf(const Reading& reading, const std::set<int32_t>& known) {
  const std::map<size_t, int64_t> steps = StepsOfLines(reading);
  std::map<int32_t, Words> words;
  for (size_t i = 0; i < reading.bodies.size(); ++i) {
    const auto& rank = reading.ranks[i];
    if (!rank || known.count(*rank) == 0 || reading.bodies[i].text.empty() || reading.tracebacks.is_inside[i]) continue;
    auto step = steps.find(i);
    words[*rank].push_back(step == steps.end() ? WithoutNumbers(reading.bodies[i].text)
                                               : "step " + std::to_string(step->second));
  }
  return words;
}

// What the rank printed behind the last of its lines that begin so; a log that is cut off ends within a line.
std::set<std::string> Behind(const Words& words, const std::string& last) {
  auto same =
      std::find_if(words.rbegin(), words.rend(), [&](const std::string& line) { return line.starts_with(last); });
  return same == words.rend() ? std::set<std::string>() : std::set<std::string>(same.base(), words.end());
}

// Of what all others printed behind the rank's last words; empty: nothing.
std::string WentOnTo(const std::map<int32_t, Words>& words, int32_t rank) {
  std::optional<std::set<std::string>> shared;
  for (const auto& [other, lines] : words) {
    if (other == rank) continue;
    std::set<std::string> behind = Behind(lines, words.at(rank).back());
    if (shared) std::erase_if(behind, [&](const std::string& line) { return shared->count(line) == 0; });
    shared = std::move(behind);
  }
  return shared && !shared->empty() ? *shared->begin() : "";
}

}  // namespace

EndedBefore FindEndedBefore(const Reading& reading, const std::set<int32_t>& silent, const std::set<int32_t>& known) {
  const std::map<int32_t, Words> words = WordsOf(reading, known);
  if (words.size() < known.size()) return {};
  EndedBefore found;
  for (int32_t rank : silent) {
    const std::string line = WentOnTo(words, rank);
    if (line.empty()) continue;
    if (found.rank) return {};
    found = {rank, line};
  }
  return found;
}

}  // namespace rankscope::diagnose
