#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "model/record_batch.h"

namespace rankscope::parse {

// Reads records in their JSON form (one flat object a line) into a batch, fast: nothing is allocated per record.
//
// Known keys become the record's members, every other key a field: numbers and texts as they are, true and false as
// text, an object or array as its JSON text, null as absent; an integer beyond 64 bits is its text. Where a key comes
// twice the last counts. Of a record without `timestamp` the first of `@timestamp`, `_time`, `time`, `ts` is the time
// (text, or a number of s, ms, µs or ns, but no number below 1e8), without `msg` the first of `message`, `text`, `log`,
// `_msg` the text, without `job_id` `job` the job; all others of these stay fields. Bare NaN, Infinity and -Infinity
// are numbers; bytes that are not UTF-8, and halves of surrogates, become U+FFFD.
class JsonRecordReader {
 public:
  // Readable bytes that must follow each line, whatever they are.
  static constexpr size_t kPadding = 64;

  // The records are of this project and job; one that says otherwise is an error. An empty job: they are the project's
  // own, and one that has a rank is an error.
  JsonRecordReader(std::string project, std::string job);
  // Each record says its own; one that does not is of project `default` and of this job.
  explicit JsonRecordReader(std::string job);
  ~JsonRecordReader();

  // Adds the line's record. `arrival` is its time where it has none; a seq other than 0 replaces its own. kInvalid says
  // what is wrong with it, and nothing is added. A line of blanks adds nothing; a byte order mark before it is none of
  // it.
  base::Status Read(std::string_view line, base::TimeNs arrival, uint64_t seq, model::RecordBatchBuilder* batch);

 private:
  class Parser;
  std::unique_ptr<Parser> parser_;
};

// The records of these lines. kInvalid: of one that is none.
base::Result<std::vector<model::Record>> RecordsFromJson(std::vector<std::string> lines);

}  // namespace rankscope::parse
