// A query: parsed or refused with its column; what parses runs on a few records without harm, and parses again the
// same.
#include <cstdlib>

#include "query/query.h"
#include "query/run.h"
#include "query/testing/naive_source.h"

namespace {

using namespace rankscope;

query::NaiveSource MakeSource() {
  query::NaiveSource source;
  for (int i = 0; i < 20; ++i) {
    model::Record record;
    record.origin.job = i % 2 ? "j" : "k";
    record.origin.rank = i % 4;
    record.time = i * base::kNsPerSecond;
    record.seq = static_cast<uint64_t>(i);
    if (i % 3 == 0) record.step = i;
    record.text = i % 5 ? "CUDA out of memory 显存 " + std::to_string(i) : "";
    record.fields = {{"loss", i * 0.5}, {"n", int64_t{i}}, {"s", std::string("a")}};
    source.records.push_back(std::move(record));
  }
  return source;
}

std::string Answer(query::LogSource* source, const query::Query& query) {
  base::Budget budget({.memory_bytes = 1 << 20, .time_ns = 0, .rows = 1000});
  std::string rows;
  base::Status status = query::RunQueryAsJson(source, query, &budget, [&](std::string_view lines, size_t) {
    rows.append(lines);
    return true;
  });
  if (!status.ok()) std::abort();
  return rows;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static query::NaiveSource source = MakeSource();
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto query = query::ParseQuery(text, 0);
  if (!query.ok()) {
    if (query.status().message().find("query, column ") != 0) std::abort();
    return 0;
  }
  auto again = query::ParseQuery(text, 0);
  if (Answer(&source, *query) != Answer(&source, *again)) std::abort();
  return 0;
}
