#include "cli/query_command.h"

#include <algorithm>
#include <cstdio>

#include "base/counted.h"
#include "base/json_text.h"
#include "base/url.h"
#include "cli/answer_end.h"
#include "cli/http_client.h"
#include "cli/job_time.h"
#include "cli/table.h"
#include "query/columns.h"

namespace rankscope::cli {
namespace {

using Json = nlohmann::ordered_json;

// The first few of them.
std::string SomeOf(const std::vector<std::string>& names) {
  constexpr size_t kNamed = 4;
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kNamed); ++i) text += (i > 0 ? ", " : "") + names[i];
  return names.size() > kNamed ? text + ", …" : text;
}

void SayWhatHadNoRoom(const TableWriter& table) {
  if (const auto& names = table.left_out(); !names.empty()) {
    std::fprintf(stderr, "rankscope: no room for %s: choose columns with | fields, or use -o json\n",
                 SomeOf(names).c_str());
  }
}

// A value that a late row has beside those of the first ones is lost to whoever reads the table.
base::Status WhatHadNoColumn(const TableWriter& table) {
  if (table.dropped() == 0) return {};
  return base::Status::Unavailable(base::Counted(table.dropped(), "value") +
                                   " had no column: choose columns with | fields, or use -o json");
}

// What the query names; nothing where it does not parse, which the server says.
std::vector<std::string> NamedColumns(const std::string& query) {
  auto parsed = query::ParseQuery(query, 0);
  return parsed.ok() ? query::ColumnsOf(*parsed) : std::vector<std::string>();
}

base::Status PrintRows(const std::string& server, const std::string& path, const std::string& output,
                       const std::vector<std::string>& hidden, size_t width, std::vector<std::string> columns = {}) {
  if (output == "json") {
    return GetRows(server, path, [](const Json& row) {
      std::string line = base::JsonText(row) + "\n";
      return std::fwrite(line.data(), 1, line.size(), stdout) == line.size();
    });
  }
  bool csv = output == "csv";
  TableWriter table(csv ? TableWriter::Format::kCsv : TableWriter::Format::kTable,
                    csv ? std::vector<std::string>() : hidden, stdout, width, std::move(columns));
  base::Status status = GetRows(server, path, [&](const Json& row) { return table.Add(row); });
  table.Finish();
  if (status.ok() && table.rows() == 0) std::fputs("rankscope: nothing found\n", stderr);
  SayWhatHadNoRoom(table);
  return status.ok() ? WhatHadNoColumn(table) : status;
}

}  // namespace

base::Status GetRows(const std::string& server, const std::string& path, const std::function<bool(const Json&)>& take) {
  base::Status ended;
  RETURN_IF_ERROR(GetLines(server, path, [&](std::string_view line) {
    base::Status end = EndSaidBy(line);
    if (end.ok()) return take(Json::parse(line, nullptr, /*allow_exceptions=*/false));
    ended = end;
    return true;
  }));
  return ended;
}

std::string WithJob(const std::string& job, const std::string& filter) {
  std::string quoted = "job:\"";
  for (char c : job) {
    if (c == '"' || c == '\\') quoted.push_back('\\');
    quoted.push_back(c);
  }
  quoted.push_back('"');
  return filter.empty() ? quoted : quoted + " (" + filter + ")";
}

std::string FilterParameters(const std::string& filter, const std::string& job, const std::string& start) {
  std::string parameters = "query=" + base::UrlEncode(filter);
  if (!job.empty()) parameters += "&job_id=" + base::UrlEncode(job);
  if (!start.empty()) parameters += "&start=" + base::UrlEncode(start);
  return parameters;
}

base::Status RunQueryCommand(const std::string& server, const std::string& query, const std::string& output,
                             size_t width) {
  return PrintRows(server, "/api/v1/query?query=" + base::UrlEncode(query), output, {}, width, NamedColumns(query));
}

base::Status RunPatterns(const PatternsOptions& options) {
  ASSIGN_OR_RETURN(JobTime time, JobTimeOf(options.server, options.job));
  ASSIGN_OR_RETURN(std::string start, SinceOf(time, options.since));
  std::string path = "/api/v1/patterns?" + FilterParameters(options.query, options.job, start) +
                     "&limit=" + std::to_string(options.limit);
  std::vector<std::string> hidden = {"example"};
  if (!options.job.empty()) hidden.emplace_back("job_id");
  return PrintRows(options.server, path, options.output, hidden, options.width);
}

}  // namespace rankscope::cli
