#include "diagnose/case/chunk_scanner.h"

#include <algorithm>

#include "diagnose/case/json_line.h"
#include "model/ansi.h"
#include "parse/leading_time.h"
#include "parse/progress_bar.h"

namespace rankscope::diagnose {
namespace {

constexpr std::string_view kTraceback = "Traceback (most recent call last)";
// Alerts among what a job printed are no evidence, but what became of it; that its command could not be run is one.
constexpr std::string_view kOwnWords = "rankscope: ", kCannotRun = "rankscope: cannot run ";
constexpr size_t kShapeSlots = 4096;
constexpr size_t kKnownSlots = 16'384;
constexpr size_t kMostNewShapes = 512;
constexpr uint32_t kSampleEvery = 64;
constexpr size_t kTracebackLines = 200;
constexpr size_t kTracebackReach = 4096;  // lines of all writers
constexpr size_t kLinesBefore = 3, kNobodysBefore = 16, kLinesAfter = 12, kReach = 64;
constexpr size_t kTimeReach = 32;
constexpr uint32_t kTracebackTold = 0x7AB;
constexpr size_t kMostWriters = 8192;  // then the others' lines are of nobody

// What goes on with a traceback: frames, chains, notes.
bool ContinuesTraceback(std::string_view text) {
  return text.empty() || text.front() == ' ' || text.starts_with(kTraceback) ||
         text.starts_with("The above exception") || text.starts_with("During handling of the above");
}

// "[rank3]: " or "[rank3]:", behind whatever else; of glog's lines, "[rank3]:[W1126", it tells nothing. `said`: what
// has the text behind it.
template <typename Said>
void ReadRankPrefix(std::string_view prefix, Said* said) {
  size_t begin = prefix.rfind('[');
  if (begin == std::string_view::npos || !prefix.substr(begin).starts_with("[rank")) return;
  said->rank_said = prefix.ends_with("]: ");
  std::string_view text = said->text;
  bool glog = text.size() > 2 && text[0] == '[' && text[2] >= '0' && text[2] <= '9';
  said->rank_teed = prefix.ends_with("]:") && !glog;
}

bool IsOwnWord(std::string_view text) { return text.starts_with(kOwnWords) && !text.starts_with(kCannotRun); }

// A bar that shows how far it is and no more, as in "… 0.5s/it, fwd=0.04, loss=1.8]".
bool IsCount(std::string_view state) {
  const size_t open = state.rfind('[');
  const bool has_figures = open != std::string_view::npos && state.find('=', open) != std::string_view::npos;
  return parse::HasProgressBar(state) && !has_figures;
}

uint32_t HashOf(const std::vector<int>& numbers) {
  uint32_t hash = 2166136261;
  for (int number : numbers) hash = (hash ^ static_cast<uint32_t>(number + 1)) * 16777619;
  return hash;
}

}  // namespace

size_t WriterNameHash::operator()(const WriterName& name) const {
  uint64_t hash = static_cast<uint64_t>(name.pid.value_or(-1));
  for (const auto& part : {name.node_rank, name.rank, name.local_rank}) {
    hash = hash * 0x9E3779B97F4A7C15 + static_cast<uint64_t>(part.value_or(-1));
    hash ^= hash >> 29;
  }
  return hash;
}

Chunk ChunkScanner::Scan(std::string_view bytes, const ScanRules& rules, bool thin) {
  rules_ = &rules;
  thin_ = thin;
  has_escapes_ = bytes.find('\x1b') != std::string_view::npos || bytes.find("\\u001b") != std::string_view::npos;
  chunk_ = {};
  chunk_.bytes = bytes.size();
  chunk_.open_end = !bytes.empty() && bytes.back() != '\n';
  pieces_.clear();
  rewritten_.clear();
  writers_.clear();
  shapes_.assign(thin ? kShapeSlots : 0, {});
  new_shapes_ = 0;
  if (thin && known_by_ != rules.telling) known_.assign(kKnownSlots, {});
  if (thin) known_by_ = rules.telling;
  while (!bytes.empty()) {
    size_t end = bytes.find('\n');
    bool ends = end != std::string_view::npos;
    TakeLine(bytes.substr(0, end), ends);
    bytes.remove_prefix(ends ? end + 1 : bytes.size());
  }
  if (thin_) {
    MarkLast();
    Thin();
    MarkContext();
  }
  Keep();
  return std::move(chunk_);
}

// A line whose states overwrite each other has a piece for each that says more than a count, and for the count before
// it: whether each step is told.
void ChunkScanner::TakeLine(std::string_view line, bool ends) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  line.remove_prefix(std::min(line.find_first_not_of('\0'), line.size()));
  std::string_view count;
  for (size_t cr = line.find('\r'); cr != std::string_view::npos; cr = line.find('\r')) {
    const std::string_view state = line.substr(0, cr);
    line.remove_prefix(cr + 1);
    if (state.empty()) continue;
    if (IsCount(state)) {
      count = state;
      continue;
    }
    if (!count.empty()) TakePiece(std::exchange(count, {}));
    TakePiece(state);
  }
  if (!count.empty()) TakePiece(count);
  for (; line.size() > kMaxLineBytes; line.remove_prefix(kMaxLineBytes)) TakePiece(line.substr(0, kMaxLineBytes));
  TakePiece(line);
  if (ends) ++chunk_.line_ends;
}

void ChunkScanner::TakePiece(std::string_view text) {
  bool object = text.starts_with('{') && rules_->json;
  auto read = object ? ReadJsonLine(text) : std::nullopt;
  if (!read) {
    TakeText(text, {}, {});
    return;
  }
  if (read->series != 0) return TakeReport(*read);
  std::string_view lines = rewritten_.emplace_back(std::move(read->text));
  WriterName name{read->node_rank, read->rank, read->local_rank, {}, read->attempt};
  for (size_t end = lines.find('\n'); end != std::string_view::npos; end = lines.find('\n')) {
    TakeText(lines.substr(0, end), name, read->time);
    lines.remove_prefix(end + 1);
  }
  TakeText(lines, name, read->time);
}

// A record without a message.
void ChunkScanner::TakeReport(const JsonLine& read) {
  TakeText(rewritten_.emplace_back(read.text), {read.node_rank, read.rank, read.local_rank, {}, read.attempt},
           read.time);
  pieces_.back().series = read.series;
  pieces_.back().reasons |= kReport;
  if (thin_) pieces_.back().reasons &= static_cast<uint8_t>(~kSample);
}

// What stands around the line tells its writer and time, where they are known, better than its prefix.
void ChunkScanner::TakeText(std::string_view text, const WriterName& around, std::optional<base::TimeNs> time) {
  if (has_escapes_ && text.find('\x1b') != std::string_view::npos) {
    text = rewritten_.emplace_back(model::StripAnsi(text));
  }
  parse::LinePrefix prefix = parse::ReadLinePrefix(text, rules_->habits);
  if (IsOwnWord(text.substr(prefix.bytes))) return;
  WriterName name{prefix.node_rank, prefix.rank, prefix.local_rank, prefix.pid};
  if (around.node_rank) name.node_rank = around.node_rank;
  if (around.rank) name.rank = around.rank;
  if (around.local_rank) name.local_rank = around.local_rank;
  name.attempt = around.attempt;
  Piece piece;
  piece.text = text.substr(prefix.bytes);
  ReadRankPrefix(text.substr(0, prefix.bytes), &piece);
  piece.time = time ? time : prefix.time;
  piece.number = chunk_.line_ends + 1;
  piece.writer = WriterOf(name);
  if (thin_) {
    Judge(&piece);
  } else {
    piece.reasons = kEvery;
  }
  pieces_.push_back(piece);
}

uint32_t ChunkScanner::WriterOf(const WriterName& name) {
  std::vector<Chunk::WriterLines>& writers = chunk_.writers;
  uint32_t number = pieces_.empty() ? 0 : pieces_.back().writer;
  if (writers.empty() || !(writers[number].name == name)) {
    WriterName known = writers.size() < kMostWriters ? name : WriterName();
    auto [found, fresh] = writers_.try_emplace(known, static_cast<uint32_t>(writers.size()));
    if (fresh) writers.push_back({known, 0});
    number = found->second;
  }
  ++writers[number].lines;
  return number;
}

void ChunkScanner::Judge(Piece* piece) {
  LineShape shape = ShapeOf(piece->text);
  Known known = piece->text.size() > kMostShapeBytes ? Look(piece->text) : LookOnce(shape, piece->text);
  piece->reasons |= known.reasons;
  piece->told = known.told;
  piece->shape = shape.kind;
  if (IsSample(shape.kind)) piece->reasons |= kSample;
  if (chunk_.writers[piece->writer].lines <= kFirstOfWriter) piece->reasons |= kFirst;
}

ChunkScanner::Known ChunkScanner::Look(std::string_view text) {
  Known known;
  rules_->telling->Match(text, &found_);
  bool head = text.starts_with(kTraceback);
  if (!found_.empty() || head) {
    known.reasons |= kTelling;
    head = head || text.find(kTraceback) != std::string_view::npos;
    known.told = head ? kTracebackTold : HashOf(found_);
  }
  if (HasNonFinite(text)) known.reasons |= kNonFinite;
  return known;
}

ChunkScanner::Known ChunkScanner::LookOnce(const LineShape& shape, std::string_view text) {
  Known& slot = known_[shape.exact % kKnownSlots];
  if (!slot.known || slot.exact != shape.exact) {
    slot = Look(text);
    slot.exact = shape.exact;
    slot.known = true;
  }
  return slot;
}

// A shape that another took the slot of counts as new; not too many may be.
bool ChunkScanner::IsSample(uint32_t shape) {
  SeenShape& seen = shapes_[shape % kShapeSlots];
  if (seen.shape != shape || seen.count == 0) {
    seen = {shape, 0};
    ++new_shapes_;
  }
  uint32_t before = seen.count++;
  return before % kSampleEvery == 0 && new_shapes_ <= kMostNewShapes;
}

void ChunkScanner::MarkLast() {
  std::vector<uint64_t> missing(chunk_.writers.size(), kLastOfWriter);
  size_t unmarked = missing.size();
  for (auto piece = pieces_.rbegin(); piece != pieces_.rend() && unmarked > 0; ++piece) {
    uint64_t& more = missing[piece->writer];
    if (more == 0) continue;
    piece->reasons |= kLast;
    if (--more == 0) --unmarked;
  }
}

void ChunkScanner::Thin() {
  std::vector<Choice> choices;
  std::vector<size_t> of;
  for (size_t i = 0; i < pieces_.size(); ++i) {
    const Piece& piece = pieces_[i];
    if (piece.reasons == 0) continue;
    const WriterName& name = chunk_.writers[piece.writer].name;
    choices.push_back(
        {piece.number, 0, piece.writer, piece.told, piece.shape, 0, 0, piece.reasons, name == WriterName()});
    of.push_back(i);
  }
  ThinChoices(1, &choices);
  for (size_t i = 0; i < choices.size(); ++i) pieces_[of[i]].reasons = choices[i].reasons;
}

void ChunkScanner::MarkContext() {
  for (size_t i = 0; i < pieces_.size(); ++i) {
    if (!(pieces_[i].reasons & kTelling)) continue;
    MarkAround(i);
    if (pieces_[i].told == kTracebackTold) MarkTraceback(i);
  }
}

// Also what was said just before by nobody whose name a prefix tells: it may be the same rank's last report.
void ChunkScanner::MarkAround(size_t told) {
  auto mark = [&](size_t at, size_t* left) {
    if (*left == 0) return;
    pieces_[at].reasons |= kContext;
    pieces_[at].anchor = pieces_[told].number;
    --*left;
  };
  const uint32_t writer = pieces_[told].writer;
  size_t before = kLinesBefore, nobodys = kNobodysBefore, after = kLinesAfter;
  for (size_t i = 1; i <= std::min(told, kReach); ++i) {
    const uint32_t other = pieces_[told - i].writer;
    if (other == writer) mark(told - i, &before);
    if (other != writer && chunk_.writers[other].name == WriterName()) mark(told - i, &nobodys);
  }
  for (size_t i = 1; i <= kReach && told + i < pieces_.size(); ++i) {
    if (pieces_[told + i].writer == writer) mark(told + i, &after);
  }
}

void ChunkScanner::MarkTraceback(size_t head) {
  size_t left = kTracebackLines;
  size_t end = std::min(pieces_.size(), head + kTracebackReach);
  for (size_t i = head + 1; i < end && left > 0; ++i) {
    if (pieces_[i].writer != pieces_[head].writer) continue;
    pieces_[i].reasons |= kContext;
    pieces_[i].anchor = pieces_[head].number;
    left = ContinuesTraceback(pieces_[i].text) ? left - 1 : std::min<size_t>(left - 1, 3);
  }
}

std::optional<base::TimeNs> ChunkScanner::TimeOf(const Piece& piece) const {
  return piece.time ? piece.time : parse::LeadingTime(piece.text, rules_->near);
}

std::optional<base::TimeNs> ChunkScanner::TimeBefore(size_t piece) const {
  for (size_t i = 1; i <= std::min(piece, kTimeReach); ++i) {
    if (auto time = TimeOf(pieces_[piece - i])) return time;
  }
  return std::nullopt;
}

// As its prefix tells it.
Line ChunkScanner::LineOf(const Piece& piece) const {
  const WriterName& name = chunk_.writers[piece.writer].name;
  Line line;
  line.text = piece.text;
  line.number = piece.number;
  line.time = TimeOf(piece);
  line.timed = line.time.has_value();
  line.rank_said = piece.rank_said;
  line.rank_teed = piece.rank_teed;
  line.node_rank = name.node_rank;
  line.rank = name.rank;
  line.local_rank = name.local_rank;
  line.pid = name.pid;
  line.attempt = name.attempt;
  return line;
}

// What stands behind bars, or behind the preamble of a logger, may be another rank's.
void ChunkScanner::TakeEmbeddedPrefix(Line* line) {
  const std::string_view whole = line->text;
  const parse::LinePrefix inner = line->rank ? parse::LinePrefix() : parse::FindEmbeddedPrefix(whole);
  line->text.remove_prefix(inner.bytes > 0 ? inner.bytes : parse::TextAfterBar(whole));
  if (inner.rank) line->rank = inner.rank;
  if (inner.local_rank) line->local_rank = inner.local_rank;
  if (inner.pid) line->pid = inner.pid;
  if (inner.rank) ReadRankPrefix(whole.substr(0, inner.bytes), line);
}

// Bars that no newline has ended stand before the text as lines of their own, as if one had.
void ChunkScanner::KeepBars(const Piece& piece, Line* line) {
  std::string_view rest = line->text.substr(0, parse::TextAfterBar(line->text));
  for (size_t end = parse::EndOfBar(rest); end > 0; end = parse::EndOfBar(rest)) {
    Line bar = *line;
    bar.text = rest.substr(0, end);
    rest.remove_prefix(end);
    ++chunk_.writers[piece.writer].lines;
    KeepLine(piece, piece.writer, bar);
    line->gap_before = false;
  }
}

void ChunkScanner::KeepLine(const Piece& piece, uint32_t writer, Line line) {
  const size_t begin = chunk_.text.size();
  chunk_.text += line.text;
  line.text = std::string_view(chunk_.text).substr(begin);
  chunk_.lines.push_back(line);
  chunk_.choices.push_back({piece.number, piece.anchor, writer, piece.told, piece.shape, piece.series, 0, piece.reasons,
                            chunk_.writers[writer].name == WriterName()});
}

uint32_t ChunkScanner::MovedTo(const WriterName& name, uint32_t from) {
  --chunk_.writers[from].lines;
  return WriterOf(name);
}

void ChunkScanner::Keep() {
  size_t bytes = kLeastText;
  for (const Piece& piece : pieces_) bytes += piece.reasons != 0 ? piece.text.size() : 0;
  chunk_.text.reserve(bytes);  // never moves from here on
  std::optional<base::TimeNs> time;
  size_t next = 0;
  for (size_t i = 0; i < pieces_.size(); ++i) {
    const Piece& piece = pieces_[i];
    if (piece.reasons == 0) continue;
    Line line = LineOf(piece);
    line.gap_before = i > next;
    if (line.gap_before && !line.time) line.time = TimeBefore(i);
    if (line.time) time = line.time;
    line.time = time;
    next = i + 1;
    KeepBars(piece, &line);
    TakeEmbeddedPrefix(&line);
    WriterName name{line.node_rank, line.rank, line.local_rank, line.pid, line.attempt};
    const bool moved = !(name == chunk_.writers[piece.writer].name);
    KeepLine(piece, moved ? MovedTo(name, piece.writer) : piece.writer, line);
  }
  chunk_.gap_after = next < pieces_.size();
}

}  // namespace rankscope::diagnose
