#include "diagnose/reading/report_rank.h"

#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <set>

namespace rankscope::diagnose {
namespace {

using Rank = std::optional<int32_t>;

Rank Named(std::string_view text, const re2::RE2& regex) {
  int32_t rank = 0;
  const bool named = re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), regex, &rank);
  return named ? Rank(rank) : std::nullopt;
}

// A bar that has not ended its line may stand before it.
Rank NamedByWord(std::string_view text) {
  static const re2::RE2 kHead(R"((?i)(?:^|\])\W{0,3}rank (\d{1,6})\b)"),
      kField(R"re((?i)(?:^|[\s,;|({])"?rank"?\s?[=:]\s?(\d{1,6})\b)re");
  const Rank rank = Named(text, kHead);
  return rank ? rank : Named(text, kField);
}

Rank NamedByNumber(std::string_view text) {
  static const re2::RE2 kNumber(R"(^\[(\d{1,4})\] )");
  return Named(text, kNumber);
}

// Numbers that count steps, or are of a list, come with one step each.
bool AreNumbersRanks(const Reading& reading) {
  std::map<int32_t, std::set<int64_t>> steps;
  for (const Point& point : reading.points) {
    const Rank number = point.rank ? std::nullopt : NamedByNumber(reading.bodies[point.line].text);
    if (number && point.step) steps[*number].insert(*point.step);
  }
  return steps.size() > 1 && steps.rbegin()->first + 1 == static_cast<int32_t>(steps.size()) &&
         std::all_of(steps.begin(), steps.end(), [](const auto& of_number) { return of_number.second.size() > 1; });
}

}  // namespace

void NameReportsByTheirRank(Reading* reading) {
  const bool numbered = AreNumbersRanks(*reading);
  for (Point& point : reading->points) {
    if (point.rank || reading->ranks[point.line]) continue;
    LineBody& body = reading->bodies[point.line];
    Rank rank = NamedByWord(body.text);
    if (!rank && numbered) rank = NamedByNumber(body.text);
    if (rank) point.rank = body.rank = reading->ranks[point.line] = rank;
  }
}

}  // namespace rankscope::diagnose
