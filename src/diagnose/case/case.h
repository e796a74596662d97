#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "detect/rules/pattern_set.h"
#include "diagnose/case/flight_dump.h"
#include "model/record.h"

namespace rankscope::diagnose {

// Where lines were read from, and what its place tells about who wrote it.
struct CaseFile {
  std::string path;
  std::optional<int32_t> attempt, node_rank, rank, local_rank;
  model::Stream stream = model::Stream::kStdout;
  size_t job = 0;             // index into Case::jobs, where there are several
  bool surroundings = false;  // what lay around the job, such as its network: of every attempt
};

// One line as it was written, without line end, ANSI and the launcher's prefix. A Python traceback's lines stay single
// lines; of a bar that redraws itself with `\r` each state that was kept is a line of the same number.
struct Line {
  std::string_view text;                               // bytes live in Case
  uint32_t file = 0;                                   // index into Case::files
  uint64_t number = 0;                                 // from 1
  std::optional<base::TimeNs> time;                    // its own, else that of the line before it in the file; UTC
  std::optional<int32_t> node_rank, rank, local_rank;  // of the prefix, else of the file
  std::optional<int64_t> pid;                          // of the prefix (Ray)
  std::optional<int32_t> attempt;                      // as a record tells it
  bool gap_before = false;  // lines of this file were left out between the line before and this one
  bool timed = false;       // `time` is its own
  bool rank_said = false;   // "[rank3]: " stood before it, which torch writes before what nobody caught
  bool rank_teed = false;   // "[rank3]:" did, which a launcher may write before everything
};

// What is known of a rank (or of a launcher or unknown writer: rank and local rank absent) although not all its lines
// are kept. One for each writer, over all files.
struct Writer {
  std::optional<int32_t> node_rank, rank, local_rank;
  std::optional<int64_t> pid;
  uint64_t lines = 0;
  std::optional<base::TimeNs> first, last;  // times of its first and last line that have one
  size_t last_line = 0;                     // index into Case::lines: the latest by time, else the last read
};

// What torchelastic's @record left of an exception (TORCHELASTIC_ERROR_FILE).
struct ErrorFile {
  std::string path;
  std::optional<int32_t> attempt, node_rank, rank, local_rank;
  std::string message;               // "RuntimeError: …"
  std::string callstack;             // empty: not written
  std::optional<base::TimeNs> time;  // whole seconds
  std::optional<int32_t> exit_code;  // errorCode
};

// A node whose files count its ranks from 0.
struct CaseNode {
  int32_t node_rank = 0;
  std::string name;   // of its file or folder
  bool told = false;  // a line or the name tells its rank; else it is by the order of names
};

// One of several jobs, or launches of one, whose files lie together.
struct CaseJob {
  std::string name;  // the part of its files' paths that tells it
  std::vector<CaseNode> nodes;
};

// What lies about of one job, read.
struct Case {
  Case() = default;
  Case(Case&&) = default;
  Case& operator=(Case&&) = default;

  std::vector<CaseFile> files;
  std::vector<Line> lines;  // by file, then number
  std::vector<Writer> writers;
  std::vector<ErrorFile> error_files;
  std::vector<FlightDump> dumps;
  std::vector<CaseNode> nodes;  // empty: no files of several nodes
  std::vector<CaseJob> jobs;    // by their last time; empty: all files are of one
  uint64_t lines_read = 0;
  uint64_t bytes_read = 0;           // of text, after decompression
  std::vector<std::string> skipped;  // "PATH (why)"
  int32_t last_launch = 0;           // attempts from this one on are of the last launch, as records tell
  base::TimeNs paused_until = 0;     // until then it made no step because it was asked not to, as records tell
  std::deque<std::string> text;      // what Line::text points into
};

// Reads files and folders of logs as they lie about. `telling`, compiled, says which lines must be kept when there are
// too many to keep all of them.
// kNotFound: no such path; kInvalid: a file named by itself that cannot be read as what it is. Of a folder, such files
// are left out and named in `skipped`, as is any file whose end cannot be read: its beginning is. Runs on its caller's
// and one more thread; `telling` is asked by both.
base::Result<Case> ReadCase(const std::vector<std::string>& paths, const detect::PatternSet& telling);

}  // namespace rankscope::diagnose
