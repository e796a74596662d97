#include <algorithm>
#include <charconv>

#include "detect/watches/watch.h"

namespace rankscope::detect {
namespace {

// A line that one of the patterns is in.
class LineWatch : public Watch {
 public:
  LineWatch(const LineCondition& condition, const PatternSet& patterns, Listener* listener)
      : condition_(condition), patterns_(patterns), listener_(listener) {}

  void TakeLine(const Source& source, const model::RecordView& record, int pattern) override {
    const auto& streams = condition_.streams;
    if (!streams.empty() && std::find(streams.begin(), streams.end(), record.stream) == streams.end()) return;
    Sighting sighting;
    sighting.scope = source.scope;
    sighting.step = record.step;
    sighting.time = record.time;
    sighting.looks_back_to = LooksBackTo(record, pattern);
    sighting.why = patterns_.LineOf(pattern, record.text);
    sighting.record = &record;
    listener_->Holds(sighting);
  }

 private:
  std::optional<base::TimeNs> LooksBackTo(const model::RecordView& record, int pattern) const {
    if (condition_.look_back_group.empty()) return std::nullopt;
    std::string text = patterns_.Group(pattern, condition_.look_back_group, record.text);
    int64_t ms = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ms);
    constexpr int64_t kLongestMs = 7 * 86400 * 1000LL;
    if (error != std::errc() || ms < 0 || ms > kLongestMs) return std::nullopt;
    return record.time - ms * base::kNsPerMs;
  }

  const LineCondition& condition_;
  const PatternSet& patterns_;
  Listener* listener_;
};

}  // namespace

WatchPtr MakeLineWatch(const LineCondition& condition, const RuleSet& rules, Listener* listener, Routes* routes) {
  auto watch = std::make_unique<LineWatch>(condition, rules.patterns(), listener);
  for (const std::string& pattern : condition.patterns) {
    auto& watches = routes->patterns[static_cast<size_t>(rules.PatternNumber(pattern))];
    if (std::find(watches.begin(), watches.end(), watch.get()) == watches.end()) watches.push_back(watch.get());
  }
  return watch;
}

}  // namespace rankscope::detect
