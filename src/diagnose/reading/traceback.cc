#include "diagnose/reading/traceback.h"

#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "diagnose/signatures/exception_line.h"

namespace rankscope::diagnose {
namespace {

constexpr size_t kLongestFrames = 16 << 10;
// Python sets frames off from their header by so much.
constexpr size_t kFrameIndent = 2;

bool Contains(std::string_view text, std::string_view what) { return text.find(what) != std::string_view::npos; }

// A text that quotes a traceback goes on behind these words; ranks that share a pipe may cut each other there.
bool IsHeader(std::string_view text) {
  constexpr std::string_view kWords = "Traceback (most recent call last)";
  size_t begin = text.find(kWords);
  if (begin == std::string_view::npos) return false;
  std::string_view rest = text.substr(begin + kWords.size());
  rest.remove_prefix(std::min(rest.find_first_not_of(": "), rest.size()));
  return rest.empty() || rest.starts_with("Traceback") || rest.starts_with("File ") || (rest[0] & 0x80) != 0;
}

bool IsConnector(std::string_view text) {
  return Contains(text, "During handling of the above exception") ||
         Contains(text, "The above exception was the direct cause");
}

// rich draws a box of these around its frames.
bool IsBoxed(std::string_view text) {
  return text.starts_with("\u2502") || text.starts_with("\u256d") || text.starts_with("\u2570") ||
         text.starts_with("\u2771");
}

// The line of source that its frame stands at, or the place of a frame.
bool IsBoxedFrame(std::string_view text) {
  static const re2::RE2 kFrame(R"re(^(?:│\s+)?❱\s+\d+ │|^│ \S+\.py:\d+ in )re");
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), kFrame);
}

// loguru marks the frame that caught the exception: "> File …".
std::string_view WithoutMark(std::string_view text) { return text.starts_with("> File \"") ? text.substr(2) : text; }

// Not of a stack that faulthandler prints: "File …, line 41 in run".
bool IsFrame(std::string_view text) {
  constexpr std::string_view kPlace = "\", line ";
  const size_t place = text.find(kPlace);
  if (place == std::string_view::npos || !WithoutMark(text).starts_with("File \"")) return false;
  const size_t end = text.find_first_not_of("0123456789", place + kPlace.size());
  return end == std::string_view::npos || !text.substr(end).starts_with(" in ");
}

// Of a frame that a narrow terminal broke: "y", line 345, in wrapper".
bool IsRestOfFrame(std::string_view text) {
  static const re2::RE2 kRest(R"re(^[^" ]*", line \d+, in [\w<>]+$)re");
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), kRest);
}

size_t Indent(std::string_view text) { return std::min(text.find_first_not_of(" \t"), text.size()); }

// Notebooks begin with the exception's name, and name it again at the end: "KeyError    Traceback (most recent call …".
std::string NotebookName(std::string_view header) {
  size_t end = header.find("  ");
  if (end == 0 || end > header.find("Traceback") || header[0] < 'A' || header[0] > 'Z') return {};
  return std::string(header.substr(0, end)) + ":";
}

// The tracebacks of one writer, line by line.
class Writing {
 public:
  explicit Writing(Tracebacks* found) : found_(found) {}

  void Take(size_t line, const LineBody& body) {
    if (IsHeader(body.text)) {
      Begin(line);
      header_indent_ = Indent(body.indented);
      name_ = NotebookName(body.text);
      return;
    }
    if (open_ == Traceback::kNone) {
      if (!IsFrame(body.text) && !IsBoxedFrame(body.text)) return Between(body);
      if (FollowsItsHead()) {
        Resume();
      } else {
        Begin(line);  // the excerpt begins in its middle
      }
    }
    if (IsFrame(body.text) && Indent(body.indented) == header_indent_ + kFrameIndent) indent_ = header_indent_;
    const bool flat_source = std::exchange(after_flat_frame_, false) && !IsException(body.text);
    after_flat_frame_ = IsFrame(body.text) && Indent(body.indented) <= header_indent_;
    if (!name_.empty() ? !body.text.starts_with(name_) : IsPart(body) || flat_source) return AddFrame(line, body.text);
    found_->all[open_].exception = line;
    last_ = open_;
    last_named_ = IsException(body.text);
    open_ = Traceback::kNone;
    lines_since_ = lines_since_exception_ = 0;
  }

 private:
  bool IsPart(const LineBody& body) const {
    return IsFrame(body.text) || Indent(body.indented) > indent_ || IsBoxed(body.text) || body.text.empty() ||
           IsRestOfFrame(body.text);
  }

  // What the process had reported before may be sorted behind the head, which ends a bar's line and has the time at
  // which that began; it was no exception then.
  bool FollowsItsHead() const {
    constexpr int kMostLinesBetween = 8;
    return last_ != Traceback::kNone && !last_named_ && found_->all[last_].frames.empty() &&
           lines_since_exception_ < kMostLinesBetween;
  }

  void Resume() {
    open_ = last_;
    found_->all[open_].exception = Traceback::kNone;
  }

  void Begin(size_t line) {
    size_t cause = chained_ ? last_ : Traceback::kNone;
    chained_ = false;
    open_ = found_->all.size();
    after_flat_frame_ = false;
    indent_ = header_indent_ = 0;
    Traceback traceback;
    traceback.begin = line;
    traceback.ignored = ignored_;
    traceback.caused_by = cause;
    found_->all.push_back(std::move(traceback));
    ignored_ = false;
    found_->is_inside[line] = 1;
  }

  static bool IsException(std::string_view text) {
    static const re2::RE2 kNamed(re2::StringPiece(kException.data(), kException.size()));
    return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), kNamed);
  }

  // Who caught it says so at once.
  static bool SaysCaught(std::string_view text) {
    static const re2::RE2 kCaught(
        R"((?i)^\W*(?:skip|ignor|retry|continu|falling back|fall back)|(?i)^.{0,40}\b(?:failed|error)\b.{0,30}\b(?:reward|score)\b)");
    return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), kCaught);
  }

  void Between(const LineBody& body) {
    if (last_ != Traceback::kNone && lines_since_exception_++ == 0 && SaysCaught(body.text))
      found_->all[last_].ignored = true;
    ignored_ = Contains(body.text, "Exception ignored in") || Contains(body.text, "optimizations will not be enabled");
    if (IsConnector(body.text)) chained_ = last_ != Traceback::kNone;
    if (chained_ && !body.text.empty() && !IsConnector(body.text) && ++lines_since_ > 3) chained_ = false;
  }

  // A queue's feeder thread prints what it met, and goes on; so does who tidies up behind a process.
  static bool IsOfTidying(std::string_view text) {
    return (Contains(text, "multiprocessing/queues.py\"") && text.ends_with(", in _feed")) ||
           (Contains(text, "multiprocessing/util.py\"") && text.ends_with(", in _run_finalizers"));
  }

  void AddFrame(size_t line, std::string_view text) {
    found_->is_inside[line] = 1;
    if (IsOfTidying(text)) found_->all[open_].ignored = true;
    // What a feeder could not pack is lost to who waits for it.
    if (Contains(text, "multiprocessing/reduction.py\"") && text.ends_with(", in dumps"))
      found_->all[open_].ignored = false;
    const std::string place = IsBoxed(text) ? TakeBoxed(text) : "";
    if (!place.empty()) text = place;
    std::string& frames = found_->all[open_].frames;
    if (frames.size() + text.size() < kLongestFrames) frames.append(WithoutMark(text)).push_back('\n');
  }

  // As Python names it, once the place of a boxed frame is whole: rich breaks it where the box is too narrow.
  std::string TakeBoxed(std::string_view text) {
    static const re2::RE2 kPart(R"(^│ ([^ │╭╰❱].*?) *│?$)"), kPlace(R"((.+):(\d+) in (\S+))");
    std::string part, file, number, function;
    if (!re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), kPart, &part)) {
      boxed_.clear();
      return "";
    }
    boxed_ += (boxed_.ends_with(" in") ? " " : "") + part;
    if (!re2::RE2::FullMatch(boxed_, kPlace, &file, &number, &function)) return "";
    boxed_.clear();
    return "File \"" + file + "\", line " + number + ", in " + function;
  }

  Tracebacks* found_;
  size_t open_ = Traceback::kNone, last_ = Traceback::kNone;
  bool last_named_ = false;  // it ended with an exception as these are named
  bool chained_ = false, ignored_ = false;
  bool after_flat_frame_ = false;  // somebody took the indentation off, so that the source of a frame has none either
  size_t header_indent_ = 0, indent_ = 0;  // indent_: of the whole text, where somebody moved it to the right
  std::string name_;                       // of the exception, in a notebook's traceback: its frames begin anywhere
  std::string boxed_;                      // what has come of a place in rich's box
  int lines_since_ = 0, lines_since_exception_ = 0;
};

// Where a launcher puts it before whatever a rank prints it tells nothing.
void MarkUncaught(const Case& read, Tracebacks* found) {
  std::map<uint32_t, int64_t> odds;  // by file: lines within tracebacks, less the others
  for (size_t i = 0; i < read.lines.size(); ++i) {
    const Line& line = read.lines[i];
    if (line.rank_teed || (line.rank_said && !found->is_inside[i])) --odds[line.file];
    if (line.rank_said && found->is_inside[i]) ++odds[line.file];
  }
  for (Traceback& traceback : found->all) {
    const Line& first = read.lines[traceback.begin];
    traceback.uncaught = first.rank_said && odds[first.file] > 0;
  }
}

// A script, or a module by `python -m`. A helper process is started by a string.
bool IsOfProgram(const Traceback& traceback) {
  const std::string_view first = std::string_view(traceback.frames).substr(0, traceback.frames.find('\n'));
  bool outermost = first.ends_with(", in <module>") || first.ends_with(", in _run_module_as_main");
  return IsFrame(first) && outermost && !Contains(first, "\"<string>\"");
}

}  // namespace

Tracebacks FindTracebacks(const Case& read, const std::vector<LineBody>& bodies) {
  Tracebacks found;
  found.is_inside.resize(read.lines.size());
  std::map<std::tuple<uint32_t, int32_t, int32_t>, Writing> writings;
  for (size_t i = 0; i < read.lines.size(); ++i) {
    const Line& line = read.lines[i];
    int32_t rank = line.rank ? *line.rank : line.local_rank ? *line.local_rank : bodies[i].rank.value_or(-1);
    auto writer = std::make_tuple(line.file, line.node_rank.value_or(-1), rank);
    writings.try_emplace(writer, &found).first->second.Take(i, bodies[i]);
  }
  MarkUncaught(read, &found);
  for (Traceback& traceback : found.all) traceback.of_program = IsOfProgram(traceback);
  return found;
}

}  // namespace rankscope::diagnose
