#include "diagnose/verdict/last_seen.h"

#include <algorithm>
#include <map>
#include <set>

namespace rankscope::diagnose {
namespace {

// A record of an agent's: a sample, an event.
bool IsAgents(std::string_view text) {
  constexpr std::string_view kStreams[] = {R"("stream":"host")", R"("stream":"gpu")", R"("stream":"event")",
                                           R"("stream":"batch")"};
  return text.starts_with('{') && std::any_of(std::begin(kStreams), std::end(kStreams), [&](std::string_view stream) {
           return text.find(stream) != std::string_view::npos;
         });
}

}  // namespace

std::vector<size_t> LastWordsOfRanks(const Reading& reading) {
  constexpr size_t kMost = 8;
  std::set<size_t> ends;
  for (const Exit& exit : reading.exits) ends.insert(exit.line);
  std::map<int32_t, size_t> last;
  for (size_t i = 0; i < reading.bodies.size(); ++i) {
    const std::string_view text = reading.bodies[i].text;
    if (!reading.ranks[i] || text.empty() || ends.count(i) > 0 || IsAgents(text)) continue;
    size_t& line = last.try_emplace(*reading.ranks[i], i).first->second;
    if (reading.positions[i] >= reading.positions[line]) line = i;
  }
  std::vector<size_t> lines;
  lines.reserve(last.size());
  for (const auto& [rank, line] : last) lines.push_back(line);
  std::stable_sort(lines.begin(), lines.end(),
                   [&](size_t a, size_t b) { return reading.positions[a] < reading.positions[b]; });
  if (lines.size() > kMost) lines.resize(kMost);
  return lines;
}

}  // namespace rankscope::diagnose
