#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "detect/rules/pattern_set.h"
#include "diagnose/case/case.h"
#include "diagnose/case/json_line.h"
#include "diagnose/case/line_choice.h"
#include "diagnose/case/line_shape.h"
#include "parse/launcher_prefix.h"

namespace rankscope::diagnose {

// A shorter string would not keep its place when it is moved.
constexpr size_t kLeastText = 64;

// Whose lines, as prefixes say.
struct WriterName {
  std::optional<int32_t> node_rank, rank, local_rank;
  std::optional<int64_t> pid;
  std::optional<int32_t> attempt = {};
  bool operator==(const WriterName&) const = default;
};

struct WriterNameHash {
  size_t operator()(const WriterName& name) const;
};

// What one file's chunks are read with.
struct ScanRules {
  const detect::PatternSet* telling = nullptr;
  parse::PrefixHabits habits;
  base::TimeNs near = 0;  // about when the file was written: the year of times that tell none
  bool json = false;      // a JSON object a line
};

// The lines of a stretch of a file that are kept, and what is known of the others.
struct Chunk {
  struct WriterLines {
    WriterName name;
    uint64_t lines = 0;
  };

  std::string text;             // what `lines` point into
  std::vector<Line> lines;      // numbers from 1; no time where none came before in the chunk
  std::vector<Choice> choices;  // of each line; its writer is an index into `writers`
  std::vector<WriterLines> writers;
  uint64_t line_ends = 0, bytes = 0;
  bool open_end = false;   // the last line has no end
  bool gap_after = false;  // lines after the last kept one were left out
};

// Reads stretches of files. Keeps its memory between them; one thread at a time.
//
// A pattern is not tried on each line: what lines of one LineShape::exact say is known from the first of them. So a
// line is missed that is told only by a number of three and more digits, after the same line without it.
class ChunkScanner {
 public:
  // Longer lines are cut.
  static constexpr size_t kMaxLineBytes = 256 << 10;

  // `bytes` are whole lines, the last of them perhaps without its end. `thin`: not all of them are kept.
  // Linear in the bytes, whatever they are.
  Chunk Scan(std::string_view bytes, const ScanRules& rules, bool thin);

 private:
  struct Piece {
    std::string_view text;             // without line end and prefix
    std::optional<base::TimeNs> time;  // of the prefix
    bool rank_said = false, rank_teed = false;
    uint64_t number = 0;
    uint32_t writer = 0;
    uint32_t told = 0, shape = 0;
    uint64_t anchor = 0, series = 0;
    uint8_t reasons = 0;
  };
  struct SeenShape {
    uint32_t shape = 0, count = 0;
  };
  // What all lines of an exact shape say.
  struct Known {
    uint64_t exact = 0;
    uint32_t told = 0;
    uint8_t reasons = 0;
    bool known = false;
  };

  void TakeLine(std::string_view line, bool ends);
  void TakePiece(std::string_view text);
  void TakeReport(const JsonLine& read);
  void TakeText(std::string_view text, const WriterName& around, std::optional<base::TimeNs> time);
  uint32_t WriterOf(const WriterName& name);
  void Judge(Piece* piece);
  Known Look(std::string_view text);
  Known LookOnce(const LineShape& shape, std::string_view text);
  bool IsSample(uint32_t shape);
  void MarkLast();
  void Thin();
  void MarkContext();
  void MarkTraceback(size_t head);
  void MarkAround(size_t told);
  std::optional<base::TimeNs> TimeOf(const Piece& piece) const;
  std::optional<base::TimeNs> TimeBefore(size_t piece) const;
  uint32_t MovedTo(const WriterName& name, uint32_t from);
  void Keep();
  Line LineOf(const Piece& piece) const;
  static void TakeEmbeddedPrefix(Line* line);
  void KeepBars(const Piece& piece, Line* line);
  void KeepLine(const Piece& piece, uint32_t writer, Line line);

  const ScanRules* rules_ = nullptr;
  bool thin_ = false;
  bool has_escapes_ = false;
  Chunk chunk_;
  std::vector<Piece> pieces_;
  std::deque<std::string> rewritten_;  // lines that had ANSI, or were JSON of a container
  std::unordered_map<WriterName, uint32_t, WriterNameHash> writers_;
  std::vector<SeenShape> shapes_;
  std::vector<Known> known_;  // of the lines seen last, by their shape
  const detect::PatternSet* known_by_ = nullptr;
  size_t new_shapes_ = 0;
  std::vector<int> found_;
};

}  // namespace rankscope::diagnose
