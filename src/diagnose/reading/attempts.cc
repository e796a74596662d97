#include "diagnose/reading/attempts.h"

#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace rankscope::diagnose {
namespace {

// From here on a healthy verdict says that the training reported steps; that it came to its end.
constexpr double kReported = 0.8, kEndedWell = 0.9;

// torchelastic, before it starts the ranks again.
bool SaysRestart(std::string_view text) { return text.find("will restart worker group") != std::string_view::npos; }

// By line; absent: of no attempt, as its file and itself tell.
std::vector<std::optional<int32_t>> ToldAttempts(const Case& whole) {
  std::vector<std::optional<int32_t>> attempts;
  for (const Line& line : whole.lines) {
    const CaseFile& file = whole.files[line.file];
    attempts.push_back(file.surroundings ? std::nullopt : line.attempt ? line.attempt : file.attempt);
  }
  return attempts;
}

// Who speaks in a file: a launcher of a node by its process, as its lines' head names it.
using Launcher = std::tuple<uint32_t, int32_t, std::string>;

// "E1126 11:04:28.890000 26934 torch/distributed/elastic/…/api.py:1002] failed (exitcode: 1) local_rank: 0": said once
// of each attempt that fails. Empty: another line.
std::string LauncherThatSawItFail(std::string_view text) {
  static const re2::RE2 kFailed(
      R"(^E\d{4} [\d:.]+ +(\d+) \S*torch/distributed/elastic/\S+\] failed \(exitcode: -?\d+\) local_rank: \d+)");
  std::string process;
  re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), kFailed, &process);
  return process;
}

// Lines after which the same file goes on with the next attempt: a launcher that says so, else one that sees the ranks
// fail a second time.
std::vector<bool> FindRestarts(const Case& whole) {
  std::vector<bool> restarts(whole.lines.size());
  std::map<Launcher, size_t> failed;
  std::map<uint32_t, Launcher> first;  // one launcher counts in a file
  std::set<uint32_t> told;
  for (size_t i = 0; i < whole.lines.size(); ++i) {
    const Line& line = whole.lines[i];
    if (SaysRestart(line.text)) {
      told.insert(line.file);
      restarts[i] = true;
    }
    const std::string process = LauncherThatSawItFail(line.text);
    if (process.empty() || told.count(line.file) > 0) continue;
    const Launcher launcher = {line.file, line.node_rank.value_or(-1), process};
    if (first.try_emplace(line.file, launcher).first->second != launcher) continue;
    auto [before, fresh] = failed.try_emplace(launcher, i);
    if (!fresh) restarts[std::exchange(before->second, i)] = true;
  }
  return restarts;
}

// Lines of files that tell no attempt: each restart that they speak of begins the next.
void CountRestarts(const Case& whole, std::vector<std::optional<int32_t>>* attempts) {
  const std::vector<std::optional<int32_t>> told = *attempts;
  const std::vector<bool> restarts = FindRestarts(whole);
  std::set<uint32_t> speak;
  for (size_t i = 0; i < told.size(); ++i) {
    if (!told[i] && restarts[i]) speak.insert(whole.lines[i].file);
  }
  std::map<uint32_t, int32_t> count;
  for (size_t i = 0; i < told.size(); ++i) {
    const uint32_t file = whole.lines[i].file;
    if (told[i] || speak.count(file) == 0) continue;
    (*attempts)[i] = count[file];
    if (restarts[i]) ++count[file];
  }
}

// By line; absent: of no attempt.
std::vector<std::optional<int32_t>> AttemptsOfLines(const Case& whole) {
  std::vector<std::optional<int32_t>> attempts = ToldAttempts(whole);
  CountRestarts(whole, &attempts);
  return attempts;
}

// A launch that did not come together, or waited before its first step, after another had trained: what was left of
// that one.
bool FailedToJoin(const Verdict& verdict) {
  const bool trained = (verdict.culprit && verdict.culprit->step) ||
                       std::any_of(verdict.timeline.begin(), verdict.timeline.end(),
                                   [](const Event& event) { return event.step.has_value(); });
  const bool not_begun = verdict.failure == "process_hung" && verdict.kind == "start";
  return !trained && (not_begun || verdict.failure == "rendezvous_failed" || verdict.failure == "gloo_error");
}

// Whether all that was launched last trains, or did so without a failure. What a launch before it died of is over; a
// restart within a launch may die of the same again.
bool TrainsSinceLaunch(const std::vector<Attempt>& attempts, const std::vector<Verdict>& verdicts,
                       int32_t last_launch) {
  if (last_launch == 0 || verdicts.back().confidence < kReported) return false;
  for (size_t i = 0; i < verdicts.size(); ++i) {
    if (attempts[i].number >= last_launch && !verdicts[i].healthy) return false;
  }
  return attempts.back().number >= last_launch;
}

// Of gloo's errors, those of connecting alone; what else stops ranks before their first step may be the failure itself.
bool NeverJoined(const Verdict& verdict) {
  return FailedToJoin(verdict) && (verdict.failure != "gloo_error" || verdict.kind == "connect");
}

size_t AttemptToTell(const std::vector<Attempt>& attempts, const std::vector<Verdict>& verdicts, int32_t last_launch) {
  const size_t last = verdicts.size() - 1;
  if (verdicts[last].healthy && verdicts[last].confidence >= kEndedWell) return last;
  if (TrainsSinceLaunch(attempts, verdicts, last_launch)) return last;
  std::optional<size_t> failed;
  for (size_t i = 0; i < verdicts.size(); ++i) {
    if (verdicts[i].healthy) continue;
    if (!failed || !FailedToJoin(verdicts[i]) || NeverJoined(verdicts[*failed])) failed = i;
  }
  return failed.value_or(last);
}

// What a healthy attempt left behind.
void NameFailuresBefore(const std::vector<Attempt>& attempts, const std::vector<Verdict>& verdicts, Verdict* story) {
  for (size_t i = attempts.size(); i-- > 0;) {
    if (verdicts[i].healthy) continue;
    story->alternatives.push_back(
        {verdicts[i].failure, 1 - story->confidence,
         "attempt " + std::to_string(attempts[i].number) + " failed so, and what was started after it works"});
  }
}

// Of attempts in a row, up to the one told, that died of the same. What ends a job from outside is over with it.
void TellTheSame(const std::vector<Attempt>& attempts, const std::vector<Verdict>& verdicts, size_t told,
                 Verdict* story) {
  size_t first = told;
  while (first > 0 && !verdicts[first - 1].healthy && Gist(verdicts[first - 1]) == Gist(verdicts[told])) --first;
  if (first == told || story->healthy || story->failure == "sigterm_preempted") return;
  story->restart.insert(story->restart.begin(), "the same in attempts " + std::to_string(attempts[first].number) +
                                                    " to " + std::to_string(attempts[told].number) +
                                                    ": restarting alone will not help");
}

}  // namespace

std::string Gist(const Verdict& verdict) {
  std::string gist = verdict.failure + ": " + verdict.root_line;
  re2::RE2::GlobalReplace(&gist, R"(\d+(?:\.\d+)?)", "0");
  return gist;
}

std::string Outcome(const Verdict& verdict) {
  if (StopsShort(verdict)) return "its logs stop, and nothing tells how it ended";
  if (verdict.healthy) return "nothing is wrong with it";
  std::string text = verdict.failure;
  if (!verdict.culprits.empty()) text += " on rank " + std::to_string(verdict.culprits.front());
  if (verdict.culprit && verdict.culprit->step) text += ", after step " + std::to_string(*verdict.culprit->step);
  return text;
}

std::vector<Attempt> SplitAttempts(const Case& whole) {
  const std::vector<std::optional<int32_t>> of_line = AttemptsOfLines(whole);
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
    attempt.read.nodes = whole.nodes;
    attempt.read.paused_until = whole.paused_until;
    attempt.read.lines_read = attempt.read.lines.size();
    split.push_back(std::move(attempt));
  }
  return split;
}

bool LeftNoWordBefore(const Case& whole) {
  std::optional<int32_t> first;  // attempt that left a word
  auto spoke = [&](const std::optional<int32_t>& attempt) {
    if (attempt) first = std::min(first.value_or(*attempt), *attempt);
  };
  for (const auto& attempt : ToldAttempts(whole)) spoke(attempt);
  for (const ErrorFile& file : whole.error_files) spoke(file.attempt);
  return first && std::any_of(whole.files.begin(), whole.files.end(), [&](const CaseFile& file) {
           return file.rank && !file.surroundings && file.attempt && *file.attempt < *first;
         });
}

bool StopsShort(const Verdict& verdict) {
  return verdict.healthy && verdict.confidence >= kReported && verdict.confidence < kEndedWell;
}

bool MixesAttempts(const Case& whole) {
  const std::vector<std::optional<int32_t>> attempts = AttemptsOfLines(whole);
  bool untold = false;
  for (size_t i = 0; i < whole.lines.size(); ++i) {
    const CaseFile& file = whole.files[whole.lines[i].file];
    if (!file.rank || file.surroundings) continue;
    if (attempts[i]) return false;
    untold = true;
  }
  return untold;
}

Verdict StoryOf(const std::vector<Attempt>& attempts, const std::vector<Verdict>& verdicts, int32_t last_launch) {
  const size_t told = AttemptToTell(attempts, verdicts, last_launch);
  std::vector<std::string> others;
  for (size_t i = 0; i < verdicts.size(); ++i) {
    if (i != told) others.push_back("attempt " + std::to_string(attempts[i].number) + ": " + Outcome(verdicts[i]));
  }
  Verdict story = verdicts[told];
  if (story.healthy) NameFailuresBefore(attempts, verdicts, &story);
  story.figures.push_back("this is of attempt " + std::to_string(attempts[told].number) + " of " +
                          std::to_string(attempts.size()));
  story.figures.insert(story.figures.end(), others.begin(), others.end());
  TellTheSame(attempts, verdicts, told, &story);
  if (story.root) story.root = attempts[told].lines[*story.root];
  return story;
}

}  // namespace rankscope::diagnose
