#include "parse/traceback_joiner.h"

#include <algorithm>
#include <utility>

#include "parse/launcher_prefix.h"

namespace rankscope::parse {
namespace {

constexpr size_t kMaxBytes = 128 * 1024;
constexpr size_t kMaxHeld = 512;  // lines, a traceback counted as one
constexpr size_t kMaxBehind = 8;  // lines that wait to be known as a traceback's or not
constexpr int64_t kPatience = base::kNsPerSecond;
constexpr int64_t kMessagePatience = base::kNsPerSecond / 5;  // those who follow a run are to see it at once

}  // namespace

void TracebackJoiner::Take(Line line, size_t bytes, size_t overwritten, const EmitLine& emit) {
  if (bytes_ >= kMaxBytes || held_.size() >= kMaxHeld) Flush(emit);
  Speaker speaker;
  if (!held_.empty()) speaker = line.text.empty() ? last_ : SpeakerOf(line.text);  // torch puts nothing before those
  const Place traceback = OpenOf(line.text, speaker);
  last_ = speaker;
  if (traceback != held_.end() && MayJoin(&*traceback, line.text)) return Join(traceback, line, bytes);
  if (size_t begin = BeginOfTraceback(line.text); begin != std::string::npos && line.part <= 1) {
    if (traceback != held_.end()) traceback->open = false;
    Begin(std::move(line), begin, bytes, overwritten);
  } else if (held_.empty()) {
    return emit(std::move(line));
  } else {
    Hold(std::move(line), bytes, speaker);
  }
  Release(emit);
}

// What stands before it in its line is a line of its own.
void TracebackJoiner::Begin(Line line, size_t begin, size_t bytes, size_t overwritten) {
  if (begin > 0) {
    Hold({line.time, line.text.substr(0, begin)}, overwritten + begin, {});
    bytes -= overwritten + begin;
    line.text.erase(0, begin);
  }
  const std::string mark(MarkOfHead(line.text));
  last_ = mark.empty() ? SpeakerOf(line.text) : Speaker{{}, {}, {}, {}, mark};
  Held head{{line.time, line.text, false, line.part}, bytes, last_, true};
  head.shape = ShapeOfHead(WithoutLauncherPrefix(line.text.substr(mark.size())));
  head.prefix = PrefixOfLastWords(line.text);
  head.latest = line.time;
  head.first = head.last = ++taken_;
  held_.push_back(std::move(head));
  bytes_ += bytes;
}

TracebackJoiner::Speaker TracebackJoiner::SpeakerOf(std::string_view line) const {
  for (const Held& held : held_) {
    if (held.open && !held.speaker.mark.empty() && line.starts_with(held.speaker.mark)) return held.speaker;
  }
  const LinePrefix prefix = ReadLinePrefix(line, {});
  return {prefix.node_rank, prefix.rank, prefix.local_rank, prefix.pid, ""};
}

// The traceback whose the line may be; none: the end.
TracebackJoiner::Place TracebackJoiner::OpenOf(std::string_view line, const Speaker& speaker) {
  const auto open = std::find_if(held_.rbegin(), held_.rend(),
                                 [&](const Held& held) { return held.open && held.speaker == speaker; });
  if (open != held_.rend()) return std::prev(open.base());
  if (held_.empty() || line.empty() || speaker != Speaker()) return held_.end();
  const Place head = std::prev(held_.end());
  const bool is_next = head->open && head->is_head && last_ == head->speaker && IsFrame(line, head->shape);
  if (!is_next) return held_.end();
  head->speaker = speaker;  // a logger's prefix stands before the first line of its text only
  head->prefix.clear();
  return head;
}

// Whether the line is the traceback's, as far as can be told now.
bool TracebackJoiner::MayJoin(Held* traceback, std::string_view line) {
  const std::string& mark = traceback->speaker.mark;
  const std::string_view text = WithoutLauncherPrefix(line.substr(line.starts_with(mark) ? mark.size() : 0));
  TracebackShape* shape = &traceback->shape;
  if (traceback->in_frames) {
    if (auto head = ShapeOfHead(text); head != TracebackShape::kNone && *shape != TracebackShape::kGroup) *shape = head;
    traceback->in_frames = IsFrame(text, *shape);
    const bool has_exception_below = *shape != TracebackShape::kGroup;
    if (traceback->in_frames || has_exception_below) return true;
  }
  if (!traceback->only_blank) return false;
  if (IsLink(text)) {
    traceback->in_frames = true;
    *shape = TracebackShape::kPlain;
    return true;
  }
  if (BeginOfTraceback(line) != std::string::npos) return false;
  const bool has_prefix = !traceback->prefix.empty() && line.starts_with(traceback->prefix);
  return IsMessage(text) || (has_prefix && !IsLogged(text));
}

// With those of its speaker's lines that waited, which are blank.
void TracebackJoiner::Join(Place traceback, const Line& line, size_t bytes) {
  for (auto held = std::next(traceback); traceback->behind > 0 && held != held_.end();) {
    const bool is_its = held->speaker == traceback->speaker;
    if (is_its) traceback->line.text.append("\n").append(held->line.text);
    if (is_its) traceback->bytes += held->bytes;
    held = is_its ? held_.erase(held) : std::next(held);
  }
  traceback->line.text.append("\n").append(line.text);
  traceback->line.part = line.part;
  traceback->bytes += bytes;
  traceback->is_head = false;
  traceback->behind = 0;
  traceback->only_blank = true;
  traceback->latest = line.time;
  traceback->last = ++taken_;
  bytes_ += bytes;
}

// Behind a traceback it may yet turn out to be that one's, as may be what has no prefix.
void TracebackJoiner::Hold(Line line, size_t bytes, const Speaker& speaker) {
  for (Held& held : held_) {
    if (!held.open || (speaker != held.speaker && speaker != Speaker())) continue;
    held.only_blank = held.only_blank && IsBlank(WithoutLauncherPrefix(line.text));
    held.latest = line.time;
    held.open = held.in_frames || ++held.behind <= kMaxBehind;
  }
  ++taken_;
  held_.push_back({std::move(line), bytes, speaker, false, taken_, taken_});
  bytes_ += bytes;
}

void TracebackJoiner::Release(const EmitLine& emit) {
  size_t last = 0;
  Place end = held_.begin();
  for (Place held = end; held != held_.end() && !held->open;) {
    last = std::max(last, held->last);
    if (++held == held_.end() || held->first > last) end = held;
  }
  while (held_.begin() != end) {
    bytes_ -= held_.front().bytes;
    Line line = std::move(held_.front().line);
    held_.pop_front();
    emit(std::move(line));
  }
}

void TracebackJoiner::Tick(base::TimeNs now, const EmitLine& emit) {
  // Tracebacks that each begin amid another one have no end.
  if (!held_.empty() && now - held_.front().line.time > 2 * kPatience) return Flush(emit);
  for (Held& held : held_) {
    const bool over = now - held.line.time > kPatience;
    if (over || (!held.in_frames && now - held.latest > kMessagePatience)) held.open = false;
  }
  Release(emit);
}

void TracebackJoiner::Flush(const EmitLine& emit) {
  for (Held& held : held_) held.open = false;
  Release(emit);
}

}  // namespace rankscope::parse
