#include "diagnose/suspects/last_words.h"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <vector>

namespace rankscope::diagnose {
namespace {

// A rank's words, without what differs from rank to rank.
struct Words {
  std::map<std::string, size_t, std::less<>> latest;  // the number of the last of its lines in these words
  size_t lines = 0;
  std::string last;
  size_t last_line = 0;        // of the case
  bool says_it_again = false;  // that it had said it before
};

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
    Words& own = words[*rank];
    own.last = step == steps.end() ? WithoutNumbers(reading.bodies[i].text) : "step " + std::to_string(step->second);
    own.last_line = i;
    own.says_it_again = own.latest.count(own.last) > 0;
    own.latest[own.last] = own.lines++;
  }
  return words;
}

// The last of the rank's lines that begin so; a log that is cut off ends within a line.
std::optional<size_t> LastThatBegins(const Words& words, const std::string& beginning) {
  std::optional<size_t> line;
  for (auto at = words.latest.lower_bound(beginning); at != words.latest.end() && at->first.starts_with(beginning);
       ++at)
    line = std::max(line.value_or(0), at->second);
  return line;
}

struct Passed {
  const Words* words;
  size_t line;  // where it was when the silent rank ended
};

// All others, if each printed something behind the rank's last words; else none.
std::vector<Passed> WhoWentOn(const std::map<int32_t, Words>& words, int32_t rank) {
  std::vector<Passed> others;
  for (const auto& [other, said] : words) {
    if (other == rank) continue;
    const auto line = LastThatBegins(said, words.at(rank).last);
    if (!line || *line + 1 == said.lines) return {};
    others.push_back({&said, *line});
  }
  return others;
}

// Of what all others printed behind the rank's last words; empty: nothing.
std::string WentOnTo(const std::map<int32_t, Words>& words, int32_t rank) {
  const std::vector<Passed> others = WhoWentOn(words, rank);
  if (others.empty()) return "";
  for (const auto& said : others.front().words->latest) {
    const bool all = std::all_of(others.begin(), others.end(), [&](const Passed& other) {
      auto at = other.words->latest.find(said.first);
      return at != other.words->latest.end() && at->second > other.line;
    });
    if (all) return said.first;
  }
  return "";
}

// A sentence that no logger wrote, as Python prints what sys.exit() is given.
bool IsASentence(const Reading& reading, size_t line) {
  static const re2::RE2 kSentence(R"([A-Za-z][^|={}\[\]]* [^|={}\[\]]* [^|={}\[\]]*[^ ])");
  const LineBody& body = reading.bodies[line];
  const bool is_point =
      std::any_of(reading.points.begin(), reading.points.end(), [&](const Point& point) { return point.line == line; });
  return !is_point && body.level == 0 &&
         re2::RE2::FullMatch(re2::StringPiece(body.text.data(), body.text.size()), kSentence);
}

bool IsItsAlone(const std::map<int32_t, Words>& words, int32_t rank) {
  const Words& own = words.at(rank);
  return !own.says_it_again && std::all_of(words.begin(), words.end(), [&](const auto& other) {
    const bool cut_off = own.last.starts_with(other.second.last);
    return other.first == rank || !(cut_off || LastThatBegins(other.second, own.last));
  });
}

}  // namespace

std::optional<size_t> FindPartingWord(const Reading& reading, const std::set<int32_t>& silent,
                                      const std::set<int32_t>& known) {
  const std::map<int32_t, Words> words = WordsOf(reading, known);
  if (words.size() < known.size()) return std::nullopt;
  std::optional<size_t> parting;
  for (int32_t rank : silent) {
    const size_t line = words.at(rank).last_line;
    if (rank == 0 || !IsASentence(reading, line) || !IsItsAlone(words, rank)) continue;
    if (parting) return std::nullopt;
    parting = line;
  }
  return parting;
}

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
