#include "parse/line_assembler.h"

#include <algorithm>
#include <utility>

namespace rankscope::parse {
namespace {

constexpr int64_t kBarInterval = base::kNsPerSecond;

// What a terminal would show of "bar 1%\rbar 2%": the text after the last carriage return that is followed by any.
std::string_view LastState(std::string_view line) {
  size_t end = line.find_last_not_of('\r');
  if (end == std::string_view::npos) return {};
  line = line.substr(0, end + 1);
  size_t cr = line.rfind('\r');
  return cr == std::string_view::npos ? line : line.substr(cr + 1);
}

// What stands before how far the bar is: "rank 1" of "rank 1:  42%|####".
std::string_view NameOfBar(std::string_view state) {
  const size_t mark = state.find("%|");
  if (mark == std::string_view::npos) return {};
  const size_t name = state.substr(0, mark).find_last_not_of("0123456789.");
  return state.substr(0, state.substr(0, name + 1).find_last_not_of(' ') + 1);
}

// The last state of each bar, the latest last.
std::vector<std::string_view> LastStates(std::string_view line) {
  constexpr size_t kMostBars = 64;
  std::vector<std::string_view> states;
  for (size_t begin = 0, end = 0; begin < line.size(); begin = end + 1) {
    end = std::min(line.find('\r', begin), line.size());
    const std::string_view state = line.substr(begin, end - begin);
    if (state.empty()) continue;
    std::erase_if(states, [&](std::string_view other) { return NameOfBar(other) == NameOfBar(state); });
    if (states.size() == kMostBars) states.erase(states.begin());
    states.push_back(state);
  }
  return states;
}

}  // namespace

void LineAssembler::Feed(base::TimeNs time, std::string_view bytes, const Emit& emit) {
  while (!bytes.empty()) {
    if (line_.size() >= kMaxLineBytes && bytes.front() != '\n') EndLine(Ending::kSizeLimit, emit);
    if (line_.empty()) line_time_ = time;
    size_t newline = bytes.find('\n');
    size_t room = kMaxLineBytes - line_.size();
    size_t take = std::min({newline, bytes.size(), room});
    NoteTimes(time, bytes.substr(0, take));
    line_.append(bytes.substr(0, take));
    bytes.remove_prefix(take);
    taken_ += take;
    if (!bytes.empty() && bytes.front() == '\n' && take == newline) {
      bytes.remove_prefix(1);
      ++taken_;
      EndLine(Ending::kNewline, emit);
    }
  }
  EmitBar(time, emit);
}

// When the states of a bar are printed: the last one's first byte, and that of the one before its carriage return.
void LineAssembler::NoteTimes(base::TimeNs time, std::string_view fresh) {
  if (fresh.empty()) return;
  if (line_.empty() || line_.back() == '\r') state_time_ = time;
  const size_t cr = fresh.rfind('\r');
  if (cr == std::string_view::npos) return;
  const std::string_view before = fresh.substr(0, cr);
  const bool drawn_now = before.find('\r') != std::string_view::npos;
  if (!LastState(before).empty()) {
    shown_time_ = drawn_now ? time : state_time_;
  } else if (!line_.empty() && line_.back() != '\r') {
    shown_time_ = state_time_;
  }
  if (cr + 1 < fresh.size()) state_time_ = time;
}

Line LineAssembler::Bar(std::string_view state) const {
  return {shown_time_, std::string(state), true, 0, 0, taken_ - line_.size()};
}

// A bar that is redrawn for minutes shows a state a second; what it overwrote is gone, as on a terminal.
void LineAssembler::EmitBar(base::TimeNs time, const Emit& emit) {
  size_t last = line_.rfind('\r');
  if (last == std::string::npos || time - bar_time_ < kBarInterval || !tracebacks_.empty()) return;
  std::string_view done = std::string_view(line_).substr(0, last);
  if (LastState(done).empty()) return;
  bar_time_ = time;
  for (std::string_view state : LastStates(done)) emit(Bar(state));
  line_.erase(0, last + 1);
  line_time_ = line_.empty() ? time : state_time_;
}

// Those that the last state has not overwritten, since it is another one's.
void LineAssembler::EmitOtherBars(std::string_view state, size_t overwritten, const Emit& emit) const {
  for (std::string_view other : LastStates(std::string_view(line_).substr(0, overwritten))) {
    const std::string_view name = NameOfBar(other);
    if (!name.empty() && name != NameOfBar(state)) emit(Bar(other));
  }
}

void LineAssembler::NumberPart(Ending ending, Line* line) {
  const bool last = ending != Ending::kSizeLimit;
  if (last && parts_ == 0) return;
  line->part = parts_ + 1;
  line->parts = last ? line->part : 0;
  parts_ = last ? 0 : line->part;
}

void LineAssembler::EndLine(Ending ending, const Emit& emit) {
  const bool is_bar = line_.find('\r') != std::string::npos;
  const base::TimeNs bar_time = line_.ends_with('\r') ? shown_time_ : state_time_;
  const std::string_view state = LastState(line_);
  const size_t overwritten = state.empty() ? line_.size() : static_cast<size_t>(state.data() - line_.data());
  if (is_bar && tracebacks_.empty()) EmitOtherBars(state, overwritten, emit);
  const bool has_newline = ending == Ending::kNewline;
  Line line{is_bar ? bar_time : line_time_, std::string(state), !has_newline};
  NumberPart(ending, &line);
  const Span span{taken_ - line_.size() - (has_newline ? 1 : 0) + overwritten, taken_};
  line.at = span.begin;
  line_.clear();
  tracebacks_.Take(std::move(line), span, emit);
}

void LineAssembler::Tick(base::TimeNs now, const Emit& emit) {
  tracebacks_.Tick(now, emit);
  EmitBar(now, emit);
}

void LineAssembler::Flush(const Emit& emit) {
  if (!line_.empty()) EndLine(Ending::kFlush, emit);
  parts_ = 0;
  tracebacks_.Flush(emit);
}

std::vector<Span> LineAssembler::held() const {
  std::vector<Span> held = tracebacks_.held();
  if (!line_.empty()) held.push_back({taken_ - line_.size(), taken_});
  return held;
}

}  // namespace rankscope::parse
