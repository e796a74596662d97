#include "diagnose/case/name_rows.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

namespace rankscope::diagnose {
namespace {

constexpr size_t kMostDigits = 6;
constexpr size_t kMostRuns = 16;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// A number in a path, and the path with # for it.
struct Run {
  std::string rest;
  int32_t number = 0;
};

// Of what numbers count that are no ranks.
bool CountsSomethingElse(std::string_view before) {
  static constexpr std::string_view kWords[] = {"attempt", "restart", "try",     "run",  "step", "epoch", "checkpoint",
                                                "part",    "shard",   "version", "iter", "exp",  "job"};
  while (!before.empty() && std::string_view("-_.=").find(before.back()) != std::string_view::npos) {
    before.remove_suffix(1);
  }
  return std::any_of(std::begin(kWords), std::end(kWords), [&](auto word) { return before.ends_with(word); });
}

std::vector<Run> RunsOf(const std::string& path, const std::set<std::string_view>& paths) {
  std::vector<Run> runs;
  for (size_t at = 0; at < path.size() && runs.size() < kMostRuns;) {
    size_t end = at;
    while (end < path.size() && IsDigit(path[end])) ++end;
    bool number = end > at && end - at <= kMostDigits;
    bool rotated = end == path.size() && at > 1 && paths.count(std::string_view(path).substr(0, at - 1)) > 0;
    if (number && !rotated && !CountsSomethingElse(std::string_view(path).substr(0, at))) {
      runs.push_back({path.substr(0, at) + "#" + path.substr(end), std::stoi(path.substr(at, end - at))});
    }
    at = std::max(end, at + 1);
  }
  return runs;
}

bool IsRow(const std::set<int32_t>& numbers) {
  return numbers.size() > 1 && *numbers.begin() == 0 && *numbers.rbegin() + 1 == static_cast<int32_t>(numbers.size());
}

}  // namespace

std::vector<RowPlace> FindRows(const std::vector<std::string>& paths) {
  std::set<std::string_view> known(paths.begin(), paths.end());
  std::map<std::string, std::set<int32_t>> rows;
  std::vector<std::vector<Run>> runs;
  for (const std::string& path : paths) {
    runs.push_back(RunsOf(path, known));
    for (const Run& run : runs.back()) rows[run.rest].insert(run.number);
  }
  std::vector<RowPlace> places(paths.size());
  for (size_t i = 0; i < paths.size(); ++i) {
    for (const Run& run : runs[i]) {
      if (!IsRow(rows[run.rest])) continue;
      places[i].outer = places[i].inner;
      places[i].inner = run.number;
    }
  }
  return places;
}

}  // namespace rankscope::diagnose
