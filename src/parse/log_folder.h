#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/record.h"

namespace rankscope::parse {

// A file of old logs, and what its path tells about who wrote it.
struct LogFile {
  std::string path;
  model::Origin origin;  // attempt, node_rank, rank, local_rank as far as they are known; no project and no job
  model::Stream stream = model::Stream::kStdout;
  bool json = false;  // records in their JSON form, one a line
};

// The log files under the path (itself, where it is a file), sorted by path. In folders: *.log, *.txt, *.out, *.err,
// *.jsonl, *.ndjson, rotated ones (*.log.1), and stdout and stderr without an ending, each also as .gz or .zst; what
// else there is comes back in `skipped`, also a folder that cannot be read. kNotFound: no such path.
base::Result<std::vector<LogFile>> FindLogFiles(const std::string& path, std::vector<std::string>* skipped);

// What a path relative to its folder says: rank_3, rank3.log, worker-3; node_1, node_rank=1; local_rank_2;
// attempt_0/2/stderr.log (torchelastic: a local rank).
LogFile DescribeLogFile(std::string_view path);

// Calls `take` with the file's bytes, piece by piece, as they were before gzip (.gz) or zstd (.zst). Its first error
// ends it, as it is; those of the file name it. kInvalid: not of that compression, or cut off; what came before was
// taken.
base::Status ReadLogBytes(const std::string& path, const std::function<base::Status(std::string_view)>& take);

// Whether a file of JSON rows is a framework's (ms-swift's logging.jsonl, say), and no records in our JSON form: its
// rows say nothing that makes one, and are read as what the framework prints.
bool HasRowsOfAFramework(const LogFile& file);

// Calls `take` with each line (a traceback is one) as a record: redacted, understood, of whom the path tells, else the
// launcher's prefix of the line ([default3]:, [1,3]<stdout>:), with the time that stands at its beginning
// (leading_time.h; a year that it does not tell is that of the file); a line without one has that of the line before,
// those at the start the first that comes (in the first MiB), and where there is none the file's own. False stops.
// `take_unsettled`, where there is one, gets those at the end of which text that is yet to be appended to the file may
// make other records: a line without its newline, a traceback and what follows it closely. Of a damaged file (the error
// names it) those before the damage come, but for half a line.
base::Status ReadLogFile(const LogFile& file, const std::function<bool(model::Record)>& take,
                         const std::function<bool(model::Record)>& take_unsettled = nullptr);

}  // namespace rankscope::parse
