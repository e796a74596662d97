#include "diagnose/slowness/slowdown_story.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "parse/line_record.h"

namespace rankscope::diagnose {
namespace {

constexpr size_t kMostQuoted = 3;

// "80.1k", "0.42".
std::string Speed(double value) {
  char text[32];
  bool thousands = value >= 1000;
  std::snprintf(text, sizeof text, thousands ? "%.1fk" : "%.3g", thousands ? value / 1000 : value);
  return text;
}

// "64-79, 90": of ascending ranks.
std::string RangesOf(std::vector<int32_t> ranks) {
  std::sort(ranks.begin(), ranks.end());
  std::string text;
  for (size_t i = 0; i < ranks.size(); ++i) {
    size_t last = i;
    while (last + 1 < ranks.size() && ranks[last + 1] == ranks[last] + 1) ++last;
    text += (text.empty() ? "" : ", ") + std::to_string(ranks[i]);
    if (last > i) text += "-" + std::to_string(ranks[last]);
    i = last;
  }
  return text;
}

std::string StepOf(const std::optional<int64_t>& step) { return step ? " at step " + std::to_string(*step) : ""; }

std::string Course(const Slowdown& slowdown) {
  std::string unit = " " + std::string(slowdown.unit) + " a rank";
  std::string text =
      Speed(slowdown.before) + unit + " before, " + Speed(slowdown.worst) + " at worst" + StepOf(slowdown.worst_step);
  if (slowdown.recovered_step) {
    return text + ", " + Speed(slowdown.after) + " since step " + std::to_string(*slowdown.recovered_step) +
           ", after the fix";
  }
  return text + ", " + Speed(slowdown.after) + " at last";
}

std::string Odds(const SlowElement& found) { return "1 in 10^" + std::to_string(std::lround(-found.log_chance)); }

std::string NameOf(const Element& element) { return std::string(KindName(element.kind)) + " " + element.name; }

std::string OfElement(const Slowdown& slowdown) {
  const SlowElement& found = *slowdown.element;
  std::string text = NameOf(found.element) + " explains it: " + std::to_string(found.hits) + " of the first " +
                     std::to_string(found.draws) + " ranks to slow are of its " +
                     std::to_string(found.element.ranks.size()) + " (of " + std::to_string(slowdown.ranks) +
                     "); by chance " + Odds(found) + " (hypergeometric, corrected for all elements tried)";
  if (!found.alike.empty()) text += "; as well explained by " + NameOf(found.alike.front());
  return text;
}

// The odds are those of the best of all elements: near 1 where few ranks or many elements are tried.
std::string OfLikely(const Slowdown& slowdown) {
  const SlowElement& found = *slowdown.likely;
  std::string text = "not proven: " + NameOf(found.element) + " fits best (" + std::to_string(found.hits) +
                     " of the first " + std::to_string(found.draws) + " ranks to slow are of its " +
                     std::to_string(found.element.ranks.size()) + "), but so would some element by chance in ";
  char odds[32];
  std::snprintf(odds, sizeof odds, "%.0f %% of such orders", 100 * std::pow(10, found.log_chance));
  text += odds;
  for (const Element& other : found.alike) text += "; " + NameOf(other) + " fits as well";
  return text;
}

std::string Count(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.0f", value);
  return text;
}

std::string OfLink(const HotLink& link) {
  return link.counter + " of " + link.device + "/" + link.port + " rose by " + Count(link.rise) +
         ", of a usual port by " + Count(link.others);
}

// The ranks in the order in which they slowed, those of the same step together.
std::vector<std::pair<RankOnset, std::vector<int32_t>>> WavesOf(const std::vector<RankOnset>& order) {
  std::vector<std::pair<RankOnset, std::vector<int32_t>>> waves;
  for (const RankOnset& onset : order) {
    bool same = !waves.empty() && onset.step && waves.back().first.step == onset.step;
    if (!same) waves.push_back({onset, {}});
    waves.back().second.push_back(onset.rank);
  }
  return waves;
}

void TellOrder(const Slowdown& slowdown, Verdict* verdict) {
  constexpr size_t kMostWaves = 4;
  auto waves = WavesOf(slowdown.order);
  std::string text = "the order in which they slowed: ";
  for (size_t i = 0; i < std::min(waves.size(), kMostWaves); ++i) {
    text += (i > 0 ? "; then " : "") + RangesOf(waves[i].second) + StepOf(waves[i].first.step);
  }
  if (waves.size() > kMostWaves) {
    text += "; … ; the last of " + std::to_string(slowdown.order.size()) + " is " +
            std::to_string(slowdown.order.back().rank) + StepOf(slowdown.order.back().step);
  }
  verdict->figures.push_back(std::move(text));
}

void TellFigures(const Reading& reading, const Slowdown& slowdown, Verdict* verdict) {
  verdict->figures = {Course(slowdown)};
  for (size_t i = 0; i < std::min(slowdown.throttled.size(), kMostQuoted); ++i) {
    const ThrottledGpu& gpu = slowdown.throttled[i];
    verdict->figures.push_back(NameOf(gpu) + " " + CourseOf(reading, gpu));
  }
  TellOrder(slowdown, verdict);
  if (slowdown.element) verdict->figures.push_back(OfElement(slowdown));
  if (slowdown.likely) verdict->figures.push_back(OfLikely(slowdown));
  for (size_t i = 0; i < std::min(slowdown.links.size(), kMostQuoted); ++i) {
    verdict->figures.push_back(OfLink(slowdown.links[i]));
  }
}

Event EventOf(const Reading& reading, size_t line, std::optional<int64_t> step, std::string what) {
  return {reading.read->lines[line].time, reading.ranks[line], step, std::move(what)};
}

// What has a time in its order, then what is known by its step alone.
void TellTimeline(const Reading& reading, const Slowdown& slowdown, Verdict* verdict) {
  std::vector<Event> events;
  if (!verdict->timeline.empty()) events.push_back(verdict->timeline.front());
  const RankOnset& first = slowdown.order.front();
  const RankOnset& last = slowdown.order.back();
  std::string began = slowdown.first.empty() ? "" : "; where it began: ranks " + RangesOf(slowdown.first);
  events.push_back(EventOf(reading, first.line, first.step, "the first rank slows" + began));
  for (size_t i = 0; i < std::min(slowdown.said.size(), kMostQuoted); ++i) {
    std::string text(reading.bodies[slowdown.said[i]].text);
    parse::RedactSecrets(&text);
    events.push_back(EventOf(reading, slowdown.said[i], {}, std::move(text)));
  }
  if (slowdown.order.size() > slowdown.first.size()) {
    std::string of = "the last of " + std::to_string(slowdown.order.size()) + " ranks slows";
    events.push_back(EventOf(reading, last.line, last.step, std::move(of)));
  }
  std::stable_sort(events.begin(), events.end(),
                   [](const Event& a, const Event& b) { return a.time.value_or(0) < b.time.value_or(0); });
  const std::string unit = " " + std::string(slowdown.unit) + " a rank";
  events.push_back({{}, {}, slowdown.worst_step, "slowest: " + Speed(slowdown.worst) + unit});
  if (slowdown.recovered_step) {
    events.push_back({{}, {}, slowdown.recovered_step, "back at " + Speed(slowdown.after) + unit});
  }
  verdict->timeline = std::move(events);
}

void QuoteCounters(const Reading& reading, const Slowdown& slowdown, Verdict* verdict) {
  for (size_t i = 0; i < std::min(slowdown.links.size(), kMostQuoted); ++i) {
    const Line& line = reading.read->lines[slowdown.links[i].line];
    verdict->evidence.push_back(
        {std::string(line.text), "context", line.time, {}, reading.read->files[line.file].path, line.number});
  }
}

std::string Summary(const Slowdown& slowdown) {
  std::string where = !slowdown.throttled.empty() ? NameOf(slowdown.throttled.front()) + " throttles itself"
                      : slowdown.element          ? NameOf(slowdown.element->element) + " slowed first"
                      : slowdown.first.empty()    ? std::to_string(slowdown.order.size()) + " ranks slowed"
                                                  : "rank " + std::to_string(slowdown.first.front()) + " slowed first";
  return where + StepOf(slowdown.order.front().step) + ": " + Course(slowdown);
}

// The job lives, and loses no step. A rail is of all nodes.
void TellWhatToLeaveOut(const Slowdown& slowdown, Verdict* verdict) {
  if (!slowdown.throttled.empty()) return;  // whose node is named already
  verdict->restart.clear();
  if (!slowdown.element || slowdown.recovered_step) return;
  const Element& element = slowdown.element->element;
  const std::string ranks = "ranks " + RangesOf(element.ranks);
  if (element.kind == Element::Kind::kNode) {
    verdict->restart = {"leave out " + NameOf(element) + ", that of " + ranks};
  } else if (element.kind != Element::Kind::kRail) {
    verdict->restart = {"leave out the nodes of " + ranks + ", which hang on " + NameOf(element)};
  }
}

}  // namespace

Blame BlameOf(const Slowdown& slowdown) {
  Blame blame{slowdown.first, slowdown.why, {}};
  if (slowdown.first.empty() && !slowdown.throttled.empty()) {
    blame.would_settle = {"which rank has " + NameOf(slowdown.throttled.front())};
  } else if (slowdown.first.empty()) {
    blame.would_settle = {"what hangs on which switch and port (--topology FILE)",
                          "compute_time_s and data_time_s of every rank",
                          "counters of the switches' ports and of the nodes' devices, before and after"};
  }
  return blame;
}

void TellSlowdown(const Reading& reading, const Slowdown& slowdown, Verdict* verdict) {
  TellFigures(reading, slowdown, verdict);
  TellTimeline(reading, slowdown, verdict);
  QuoteCounters(reading, slowdown, verdict);
  verdict->summary = Summary(slowdown);
  TellWhatToLeaveOut(slowdown, verdict);
  if (verdict->culprit) verdict->culprit->step = slowdown.order.front().step;
  verdict->slowdown = slowdown;
}

}  // namespace rankscope::diagnose
