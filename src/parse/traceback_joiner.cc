#include "parse/traceback_joiner.h"

#include <algorithm>
#include <utility>

#include "parse/launcher_prefix.h"

namespace rankscope::parse {
namespace {

constexpr uint64_t kMaxBytes = 128 * 1024;  // from where the first begins: an agent that comes again reads them anew
constexpr size_t kMaxOpen = 1024;
constexpr size_t kMaxBlanks = 8;  // behind a traceback
constexpr int64_t kPatience = base::kNsPerSecond;
constexpr int64_t kMessagePatience = base::kNsPerSecond / 5;  // those who follow a run are to see it at once

// Without what stands before each line of the traceback.
std::string_view TextOf(std::string_view line, std::string_view mark) {
  return WithoutLauncherPrefix(line.substr(line.starts_with(mark) ? mark.size() : 0));
}

}  // namespace

void TracebackJoiner::Take(Line line, Span span, const EmitLine& emit) {
  const bool is_far = !open_.empty() && span.begin - open_.front().spans.front().begin >= kMaxBytes;
  if (is_far || open_.size() >= kMaxOpen) Flush(emit);
  Speaker speaker;
  if (!open_.empty()) speaker = line.text.empty() ? last_ : SpeakerOf(line.text);  // torch puts nothing before those
  const Place own = OpenOf(line.text, speaker);
  last_ = speaker;
  if (own != open_.end() && MayJoin(&*own, line.text)) return Join(&*own, line, span);
  const size_t begin = line.part <= 1 ? BeginOfTraceback(line.text) : std::string::npos;
  if (begin == std::string::npos && own != open_.end() && HoldBlank(&*own, line, span)) return;
  if (own != open_.end()) Close(own, emit);
  if (begin == std::string::npos) return Pass(std::move(line), speaker, emit);
  if (begin > 0) Pass({line.time, line.text.substr(0, begin), false, 0, 0, line.at}, {}, emit);
  line.text.erase(0, begin);
  line.at += begin;
  Begin(std::move(line), {span.begin + begin, span.end});
}

// What has no prefix could be of any speaker: it ends the messages before it.
void TracebackJoiner::Pass(Line line, const Speaker& speaker, const EmitLine& emit) {
  const bool is_part = line.part > 0;  // who goes on counts its parts from where what is held begins
  const bool is_anybodys = speaker == Speaker() && !IsBlank(line.text);
  for (Place held = open_.begin(); held != open_.end();) {
    held = is_part || (is_anybodys && !held->in_frames) ? Close(held, emit) : std::next(held);
  }
  emit(std::move(line));
}

void TracebackJoiner::Begin(Line line, Span span) {
  const std::string mark(MarkOfHead(line.text));
  last_ = mark.empty() ? SpeakerOf(line.text) : Speaker{{}, {}, {}, {}, mark};
  Traceback& head = open_.emplace_back();
  head.speaker = last_;
  head.shape = ShapeOfHead(TextOf(line.text, mark));
  head.prefix = PrefixOfLastWords(line.text);
  head.latest = line.time;
  head.line = {line.time, std::move(line.text), false, line.part, 0, line.at};
  Hold(&head, span);
}

TracebackJoiner::Speaker TracebackJoiner::SpeakerOf(std::string_view line) const {
  for (const Traceback& held : open_) {
    if (!held.speaker.mark.empty() && line.starts_with(held.speaker.mark)) return held.speaker;
  }
  const LinePrefix prefix = ReadLinePrefix(line, {});
  return {prefix.node_rank, prefix.rank, prefix.local_rank, prefix.pid, ""};
}

// The traceback whose the line may be; none: the end.
TracebackJoiner::Place TracebackJoiner::OpenOf(std::string_view line, const Speaker& speaker) {
  const Place own = std::find_if(open_.begin(), open_.end(), [&](const auto& held) { return held.speaker == speaker; });
  if (own != open_.end() || open_.empty() || line.empty() || speaker != Speaker()) return own;
  const Place head = std::prev(open_.end());
  if (!head->is_head || last_ != head->speaker || !IsFrame(line, head->shape)) return open_.end();
  head->speaker = speaker;  // a logger's prefix stands before the first line of its text only
  head->prefix.clear();
  return head;
}

// Whether the line is the traceback's, as far as can be told now.
bool TracebackJoiner::MayJoin(Traceback* traceback, std::string_view line) {
  const std::string_view text = TextOf(line, traceback->speaker.mark);
  TracebackShape* shape = &traceback->shape;
  if (traceback->in_frames) {
    if (auto head = ShapeOfHead(text); head != TracebackShape::kNone && *shape != TracebackShape::kGroup) *shape = head;
    traceback->in_frames = IsFrame(text, *shape);
    const bool has_exception_below = *shape != TracebackShape::kGroup;
    if (traceback->in_frames || has_exception_below) return true;
  }
  if (IsLink(text)) {
    traceback->in_frames = true;
    *shape = TracebackShape::kPlain;
    return true;
  }
  if (BeginOfTraceback(line) != std::string::npos) return false;
  const bool has_prefix = !traceback->prefix.empty() && line.starts_with(traceback->prefix);
  return IsMessage(text) || (has_prefix && !IsLogged(text));
}

// With the blank lines that waited.
void TracebackJoiner::Join(Traceback* traceback, const Line& line, Span span) {
  for (const Line& blank : traceback->blanks) traceback->line.text.append("\n").append(blank.text);
  traceback->blanks.clear();
  traceback->line.text.append("\n").append(line.text);
  traceback->line.part = line.part;
  traceback->is_head = false;
  traceback->latest = line.time;
  Hold(traceback, span);
}

// Whether it is one that may stand amid its message.
bool TracebackJoiner::HoldBlank(Traceback* traceback, const Line& line, Span span) {
  if (!IsBlank(TextOf(line.text, traceback->speaker.mark)) || traceback->blanks.size() == kMaxBlanks) return false;
  traceback->blanks.push_back(line);
  traceback->latest = line.time;
  Hold(traceback, span);
  return true;
}

void TracebackJoiner::Hold(Traceback* traceback, Span span) {
  std::vector<Span>& spans = traceback->spans;
  if (spans.empty() || spans.back().end != span.begin) return spans.push_back(span);
  spans.back().end = span.end;
}

TracebackJoiner::Place TracebackJoiner::Close(Place traceback, const EmitLine& emit) {
  Traceback closed = std::move(*traceback);
  const Place next = open_.erase(traceback);
  emit(std::move(closed.line));
  for (Line& blank : closed.blanks) emit(std::move(blank));
  return next;
}

void TracebackJoiner::Tick(base::TimeNs now, const EmitLine& emit) {
  for (Place held = open_.begin(); held != open_.end();) {
    const bool over = now - held->line.time > kPatience;
    const bool ends = over || (!held->in_frames && now - held->latest > kMessagePatience);
    held = ends ? Close(held, emit) : std::next(held);
  }
}

void TracebackJoiner::Flush(const EmitLine& emit) {
  while (!open_.empty()) Close(open_.begin(), emit);
}

std::vector<Span> TracebackJoiner::held() const {
  std::vector<Span> held;
  for (const Traceback& traceback : open_) held.insert(held.end(), traceback.spans.begin(), traceback.spans.end());
  std::sort(held.begin(), held.end(), [](Span a, Span b) { return a.begin < b.begin; });
  return held;
}

}  // namespace rankscope::parse
