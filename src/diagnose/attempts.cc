#include "diagnose/attempts.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace rankscope::diagnose {
namespace {

// From here on a healthy verdict says that the training came to its end.
constexpr double kEndedWell = 0.9;

// torchelastic, before it starts the ranks again.
bool SaysRestart(std::string_view text) { return text.find("will restart worker group") != std::string_view::npos; }

// By line; absent: of no attempt.
std::vector<std::optional<int32_t>> AttemptsOfLines(const Case& whole) {
  std::vector<std::optional<int32_t>> attempts;
  for (const Line& line : whole.lines) {
    const CaseFile& file = whole.files[line.file];
    attempts.push_back(file.surroundings ? std::nullopt : line.attempt ? line.attempt : file.attempt);
  }
  return attempts;
}

// Lines of files that tell no attempt: each restart that they speak of begins the next.
void CountRestarts(const Case& whole, std::vector<std::optional<int32_t>>* attempts) {
  const std::vector<std::optional<int32_t>> told = *attempts;
  std::set<uint32_t> speak;
  for (size_t i = 0; i < told.size(); ++i) {
    if (!told[i] && SaysRestart(whole.lines[i].text)) speak.insert(whole.lines[i].file);
  }
  std::map<uint32_t, int32_t> count;
  for (size_t i = 0; i < told.size(); ++i) {
    const uint32_t file = whole.lines[i].file;
    if (told[i] || speak.count(file) == 0) continue;
    (*attempts)[i] = count[file];
    if (SaysRestart(whole.lines[i].text)) ++count[file];
  }
}

std::string Named(const Attempt& attempt, const Verdict& verdict) {
  std::string text = "attempt " + std::to_string(attempt.number) + ": ";
  if (verdict.healthy) return text + "nothing is wrong with it";
  text += verdict.failure;
  if (!verdict.culprits.empty()) text += " on rank " + std::to_string(verdict.culprits.front());
  if (verdict.culprit && verdict.culprit->step) text += ", after step " + std::to_string(*verdict.culprit->step);
  return text;
}

}  // namespace

std::vector<Attempt> SplitAttempts(const Case& whole) {
  std::vector<std::optional<int32_t>> of_line = AttemptsOfLines(whole);
  CountRestarts(whole, &of_line);
  std::map<int32_t, Attempt> attempts;
  for (const auto& number : of_line) {
    if (number) attempts[*number].number = *number;
  }
  if (attempts.size() < 2) return {};
  const int32_t last = attempts.rbegin()->first;
  auto give = [&](size_t line, Attempt* attempt) {
    attempt->read.lines.push_back(whole.lines[line]);
    attempt->lines.push_back(line);
  };
  for (size_t i = 0; i < whole.lines.size(); ++i) {
    if (!whole.files[whole.lines[i].file].surroundings) {
      give(i, &attempts[of_line[i].value_or(last)]);
      continue;
    }
    for (auto& [number, attempt] : attempts) give(i, &attempt);
  }
  for (const ErrorFile& file : whole.error_files) {
    auto known = attempts.find(file.attempt.value_or(last));
    if (known != attempts.end()) known->second.read.error_files.push_back(file);
  }
  attempts[last].read.dumps = whole.dumps;
  std::vector<Attempt> split;
  for (auto& [number, attempt] : attempts) {
    attempt.read.files = whole.files;
    attempt.read.paused_until = whole.paused_until;
    attempt.read.lines_read = attempt.read.lines.size();
    split.push_back(std::move(attempt));
  }
  return split;
}

Verdict StoryOf(const std::vector<Attempt>& attempts, std::vector<Verdict> verdicts) {
  size_t told = verdicts.size() - 1;
  const Verdict& last = verdicts.back();
  if (last.healthy && last.confidence < kEndedWell) {
    for (size_t i = 0; i < verdicts.size(); ++i) {
      if (!verdicts[i].healthy) told = i;
    }
  }
  std::vector<std::string> others;
  for (size_t i = 0; i < verdicts.size(); ++i) {
    if (i != told) others.push_back(Named(attempts[i], verdicts[i]));
  }
  Verdict story = std::move(verdicts[told]);
  story.figures.push_back("this is of attempt " + std::to_string(attempts[told].number) + " of " +
                          std::to_string(attempts.size()));
  story.figures.insert(story.figures.end(), others.begin(), others.end());
  if (story.root) story.root = attempts[told].lines[*story.root];
  return story;
}

}  // namespace rankscope::diagnose
