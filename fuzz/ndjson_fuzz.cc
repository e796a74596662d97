// NDJSON as it comes over HTTP: each line is a record or an error that says something; a record's JSON form gives the
// same record again.
#include <cstdlib>

#include "model/record_json.h"
#include "parse/json_record.h"

namespace {

using namespace rankscope;

constexpr base::TimeNs kArrival = 1'800'000'000'000'000'000;

// The JSON form of the line's record; empty for a line of blanks. Fails with the reader's error.
base::Result<std::string> FormOf(parse::JsonRecordReader* reader, std::string line) {
  size_t size = line.size();
  line.append(parse::JsonRecordReader::kPadding, '\0');
  model::RecordBatchBuilder builder;
  auto status = reader->Read(std::string_view(line).substr(0, size), kArrival, 0, &builder);
  if (!status.ok()) {
    if (status.message().empty() || builder.size() != 0) std::abort();
    return status;
  }
  if (builder.size() == 0) return std::string();
  auto batch = model::RecordBatch::Decode(builder.Take());
  if (!batch.ok() || (*batch)->size() != 1) std::abort();
  std::string json;
  model::AppendJson((*batch)->ToRecords()[0], &json);
  return json;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static parse::JsonRecordReader reader("default", "j");
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  while (!rest.empty()) {
    std::string line(rest.substr(0, rest.find('\n')));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    auto json = FormOf(&reader, line);
    if (!json.ok() || json->empty()) continue;
    auto again = FormOf(&reader, *json);
    if (!again.ok() || *again != *json) std::abort();
  }
  return 0;
}
