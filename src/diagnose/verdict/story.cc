#include "diagnose/verdict/story.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "diagnose/reading/own_frame.h"
#include "diagnose/reading/stacks.h"
#include "diagnose/suspects/host_memory.h"
#include "diagnose/suspects/memory_trace.h"
#include "diagnose/suspects/outlived_memory.h"
#include "diagnose/suspects/silence.h"
#include "diagnose/suspects/untimed_end.h"
#include "diagnose/verdict/advice.h"
#include "diagnose/verdict/failure_class.h"
#include "diagnose/verdict/last_seen.h"
#include "diagnose/verdict/node_words.h"
#include "diagnose/verdict/quote.h"
#include "diagnose/verdict/refutation.h"
#include "diagnose/verdict/restart_plan.h"
#include "model/rank_set.h"
#include "parse/line_record.h"

namespace rankscope::diagnose {
namespace {

constexpr size_t kLongestRoot = 8192;
constexpr size_t kMostOfARole = 3;

// A few suspects of each role, each class once for a rank, the earliest first.
class Quotations {
 public:
  Quotations(const Reading& reading, Verdict* verdict) : reading_(reading), verdict_(verdict) {}

  void Add(size_t line, std::string_view role) {
    if (!lines_.insert(line).second || ++counts_[std::string(role)] > kMostOfARole) return;
    verdict_->evidence.push_back(EvidenceOf(reading_, line, role));
  }

  void AddSuspects(const std::vector<Suspect>& suspects, const Suspect& cause) {
    for (const Suspect& suspect : suspects) {
      bool same = suspect.failure == cause.failure && suspect.role <= Role::kSymptom;
      if (!said_.insert({std::string(suspect.failure), suspect.rank.value_or(-1)}).second && !same) continue;
      Add(suspect.line, same ? "cause" : RoleName(suspect.role));
    }
  }

 private:
  const Reading& reading_;
  Verdict* verdict_;
  std::set<size_t> lines_;
  std::map<std::string, size_t> counts_;
  std::set<std::pair<std::string, int32_t>> said_;
};

const Point* LastPointBefore(const Reading& reading, size_t line) {
  const Point* last = nullptr;
  for (const Point& point : reading.points) {
    if (reading.positions[point.line] >= reading.positions[line] || point.evaluation) continue;
    if (!last || reading.positions[point.line] > reading.positions[last->line]) last = &point;
  }
  return last;
}

const Point* FirstPoint(const Reading& reading) {
  auto first = std::min_element(reading.points.begin(), reading.points.end(), [&](const Point& a, const Point& b) {
    return reading.positions[a.line] < reading.positions[b.line];
  });
  return first == reading.points.end() ? nullptr : &*first;
}

// By file, whether any line of it has one: then its other lines have their place among those of others.
std::vector<bool> FilesWithTimes(const Case& read) {
  std::vector<bool> timed(read.files.size());
  for (const Line& line : read.lines) {
    if (line.time) timed[line.file] = true;
  }
  return timed;
}

// A report's own words, or what a record without words tells.
std::string ReportText(const Reading& reading, const Point& point) {
  std::string_view text = reading.bodies[point.line].text;
  if (!text.starts_with('{') || !point.step) return Short(text);
  std::string told = "step " + std::to_string(*point.step);
  auto add = [&](const char* name, const std::optional<double>& value) {
    char figure[64];
    if (value && std::snprintf(figure, sizeof figure, ", %s %.4g", name, *value) > 0) told += figure;
  };
  add("loss", point.loss);
  add("tokens/s", point.throughput);
  add("GiB of GPU memory", point.gpu_memory_gib);
  return told;
}

std::string Words(const Reading& reading, size_t line) {
  auto point =
      std::find_if(reading.points.begin(), reading.points.end(), [&](const Point& p) { return p.line == line; });
  return point == reading.points.end() ? Short(reading.bodies[line].text) : ReportText(reading, *point);
}

// That which it reports itself, else the last one before it.
std::optional<int64_t> StepAt(const Reading& reading, size_t line) {
  const auto& points = reading.points;
  auto point = std::lower_bound(points.begin(), points.end(), line,
                                [](const Point& report, size_t at) { return report.line < at; });
  const bool reports = point != points.end() && point->line == line && point->step;
  return reports ? point->step : StepBefore(reading, line, reading.ranks[line]);
}

void AddEvent(const Reading& reading, size_t line, std::string what, Verdict* verdict) {
  verdict->timeline.push_back(
      {reading.read->lines[line].time, reading.ranks[line], StepAt(reading, line), std::move(what)});
}

void TellTimeline(const Reading& reading, const Suspect& cause, const std::vector<Suspect>& suspects,
                  Verdict* verdict) {
  std::vector<std::pair<size_t, std::string>> events;
  if (const Point* first = FirstPoint(reading)) events.emplace_back(first->line, "the training is under way");
  if (const Point* last = LastPointBefore(reading, cause.line)) {
    events.emplace_back(last->line, "the last report before it: " + ReportText(reading, *last));
  }
  events.emplace_back(cause.line, Short(reading.bodies[cause.line].text));
  std::set<std::pair<std::string_view, int32_t>> said = {{cause.failure, cause.rank.value_or(-1)}};
  constexpr size_t kMostEvents = 12;
  for (const Suspect& suspect : suspects) {
    if (events.size() >= kMostEvents) break;
    if (!said.insert({suspect.failure, suspect.rank.value_or(-1)}).second) continue;
    events.emplace_back(suspect.line,
                        std::string(RoleName(suspect.role)) + ": " + Short(reading.bodies[suspect.line].text));
  }
  for (const Exit& exit : reading.exits) {
    if (events.size() >= kMostEvents + 4) break;
    events.emplace_back(exit.line, "the launcher reports: " + Short(reading.bodies[exit.line].text));
  }
  if (cause.role == Role::kOutcome || cause.kind == kSilence) {
    for (size_t line : LastWordsOfRanks(reading)) events.emplace_back(line, "last heard of: " + Words(reading, line));
  }
  std::stable_sort(events.begin(), events.end(), [&](const auto& a, const auto& b) {
    return reading.positions[a.first] < reading.positions[b.first];
  });
  const std::vector<bool> timed = FilesWithTimes(*reading.read);
  std::stable_partition(events.begin(), events.end(), [&](const auto& event) {
    return timed[reading.read->lines[event.first].file];  // the others' place among these is not known
  });
  size_t last = SIZE_MAX;
  for (auto& [line, what] : events) {
    if (line != last) AddEvent(reading, line, std::move(what), verdict);
    last = line;
  }
}

std::string WhyNot(const Reading& reading, const Suspect& other, const Suspect& cause, const Verdict& verdict) {
  std::string place = reading.positions[other.line] > reading.positions[cause.line] ? "it came later" : "";
  if (other.role == Role::kCascade) {
    std::string whom = verdict.culprits.empty() ? "another one" : "rank " + std::to_string(verdict.culprits.front());
    return "its words are those of ranks that " + whom + " left behind" + (place.empty() ? "" : ", and " + place);
  }
  if (other.role == Role::kOutcome) return "it says how a process ended, not why";
  return place.empty() ? "less specific than the line quoted" : place + ", and is less specific than the line quoted";
}

void TellAlternatives(const Reading& reading, const Suspect& cause, const std::vector<Suspect>& suspects,
                      Verdict* verdict) {
  std::map<std::string_view, const Suspect*> best;
  for (const Suspect& suspect : suspects) {
    if (suspect.failure == cause.failure) continue;
    const Suspect*& held = best[suspect.failure];
    if (!held || suspect.score > held->score) held = &suspect;
  }
  for (const auto& [failure, suspect] : best) {
    double share = (1 - verdict->confidence) * std::max(suspect->score, 0) / 100.0;
    verdict->alternatives.push_back({std::string(failure), share, WhyNot(reading, *suspect, cause, *verdict)});
  }
  std::sort(verdict->alternatives.begin(), verdict->alternatives.end(),
            [](const Alternative& a, const Alternative& b) { return a.confidence > b.confidence; });
}

void TellMemory(const Reading& reading, const Suspect& cause, Quotations* quotations, Verdict* verdict) {
  MemoryTrace trace = TraceMemory(reading, cause);
  if (!trace.kind.empty()) verdict->kind = trace.kind;
  verdict->figures = trace.figures;
  for (size_t line : trace.lines) quotations->Add(line, "context");
  if (!trace.would_settle.empty()) verdict->would_settle.push_back(trace.would_settle);
}

// Before the failure, which it may explain: whoever skips a batch leaves its collectives out.
void TellOutlivedMemory(const Reading& reading, Quotations* quotations, Verdict* verdict) {
  OutlivedMemory outlived = FindOutlivedMemory(reading);
  verdict->figures.insert(verdict->figures.end(), outlived.figures.begin(), outlived.figures.end());
  if (!outlived.lines.empty()) quotations->Add(outlived.lines.front(), "context");
}

// Where Python stood when native code ended the process, as faulthandler has printed it.
void TellPlaceOfDeath(const Reading& reading, int32_t rank, Quotations* quotations, Verdict* verdict) {
  const std::map<int32_t, RankStack> stacks = FindStacks(reading);
  const auto stack = stacks.find(rank);
  if (stack == stacks.end() || verdict->kind.rfind("SIG", 0) != 0) return;
  verdict->figures.push_back("Python stood in " + PlaceOf(stack->second) + " when it died");
  quotations->Add(stack->second.line, "context");
}

// Of a hang, the frames that tell who stands elsewhere.
void QuoteOddStacks(const Reading& reading, const Suspect& cause, const Blame& blame, Quotations* quotations) {
  constexpr std::string_view kWaits[] = {"process_hung", "nccl_timeout", "collective_mismatch_hang"};
  if (std::find(std::begin(kWaits), std::end(kWaits), cause.failure) == std::end(kWaits)) return;
  const OddStacks odd = FindOddStacks(reading);
  if (blame.ranks.empty() || odd.ranks != blame.ranks) return;
  quotations->Add(odd.line, "cause");
  for (size_t line : odd.lines) quotations->Add(line, "cause");
}

// Of an exception, where the program's own code stood.
void TellPlaceOfRaise(const Reading& reading, size_t line, Quotations* quotations, Verdict* verdict) {
  const auto frame = InnermostOwnFrame(reading, line);
  if (!frame) return;
  verdict->figures.push_back("raised from " + Short(frame->place));
  quotations->Add(frame->line, "context");
}

// Where it may be another as well, or the first is not known, each.
std::string Named(const Blame& blame) {
  if (!blame.in_order) return "ranks " + model::RankSet({blame.ranks.begin(), blame.ranks.end()});
  std::string text = "rank " + std::to_string(blame.ranks.front());
  for (size_t i = 1; blame.confidence < 1 && i < blame.ranks.size(); ++i)
    text += " or " + std::to_string(blame.ranks[i]);
  return text;
}

std::string Summary(const Case& read, const Verdict& verdict, const Blame& blame) {
  const FailureClass* known = FindFailureClass(verdict.failure);
  std::string text = known ? std::string(known->meaning) : verdict.failure;
  if (!verdict.kind.empty()) text += " (" + verdict.kind + ")";
  if (!blame.ranks.empty()) {
    text += ", on " + Named(blame);
  } else if (verdict.culprit && verdict.culprit->node_rank) {
    text += ", on " + NodeWords(read, *verdict.culprit->node_rank);
  }
  if (blame.ranks.size() > 1 && blame.confidence == 1 && blame.in_order)
    text += " first, of " + std::to_string(blame.ranks.size()) + " ranks";
  const char* since =
      verdict.failure == "nan_or_inf_loss" && verdict.kind == "metrics" ? ", from step " : ", after step ";
  if (verdict.culprit && verdict.culprit->step) text += since + std::to_string(*verdict.culprit->step);
  return text;
}

// But for what a slow one makes the others: slower.
std::vector<Suspect> WithoutItsEffects(std::vector<Suspect> suspects, const Suspect& cause) {
  if (!IsSlowness(cause.failure)) return suspects;
  std::erase_if(suspects, [&](const Suspect& s) { return IsSlowness(s.failure) && s.failure != cause.failure; });
  return suspects;
}

}  // namespace

void TellStory(const Reading& reading, const Suspect& cause, const std::vector<Suspect>& suspects, const Blame& blame,
               Verdict* verdict) {
  verdict->root_line = std::string(Beginning(reading.text(cause.line), kLongestRoot));
  parse::RedactSecrets(&verdict->root_line);
  Quotations quotations(reading, verdict);
  quotations.Add(cause.line, "root");
  const auto culprit = blame.ranks.empty() ? std::nullopt : std::optional(blame.ranks.front());
  if (cause.failure == "cuda_oom") TellMemory(reading, cause, &quotations, verdict);
  if (cause.failure == "host_oom_killed") verdict->figures = TellHostMemory(reading, cause, culprit);
  TellPlaceOfRaise(reading, cause.line, &quotations, verdict);
  if (culprit) TellPlaceOfDeath(reading, *culprit, &quotations, verdict);
  QuoteOddStacks(reading, cause, blame, &quotations);
  if (!cause.why.empty()) verdict->figures.push_back(cause.why);
  TellOutlivedMemory(reading, &quotations, verdict);
  const std::vector<Suspect> told = WithoutItsEffects(suspects, cause);
  quotations.AddSuspects(told, cause);
  if (const Point* last = LastPointBefore(reading, cause.line)) quotations.Add(last->line, "context");
  if (!blame.why.empty()) verdict->figures.push_back(blame.ranks.empty() ? blame.why : Named(blame) + ": " + blame.why);
  verdict->would_settle.insert(verdict->would_settle.begin(), blame.would_settle.begin(), blame.would_settle.end());
  verdict->restart = PlanRestart(reading, cause, blame.ranks);
  TellTimeline(reading, cause, told, verdict);
  TellAlternatives(reading, cause, suspects, verdict);
  TellPossibleHang(reading, cause, verdict);
  Refute(reading, verdict);
  verdict->advice = AdviceOn(verdict->failure, verdict->kind);
  verdict->summary = Summary(*reading.read, *verdict, blame);
}

}  // namespace rankscope::diagnose
