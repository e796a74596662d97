#include "cli/logs_command.h"

#include <cstdio>
#include <deque>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "cli/http_client.h"
#include "cli/line_printer.h"
#include "cli/time_argument.h"
#include "model/record_json.h"

namespace rankscope::cli {
namespace {

std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out + "\"";
}

struct Job {
  bool running = false;
  base::TimeNs last_heard = 0;
};

base::Result<Job> FindJob(const LogsOptions& options) {
  Job job;
  RETURN_IF_ERROR(GetLines(options.server, "/api/v1/jobs/" + UrlEncode(options.job), [&](std::string_view line) {
    auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object()) return false;
    job.running = json.value("state", "") == "running";
    auto heard = ParseTimeArgument(json.value("last_heard", ""), 0);
    if (heard.ok()) job.last_heard = *heard;
    return false;
  }));
  return job;
}

// --since counts from now while the job runs and from its last record afterwards, and says which.
base::Result<std::string> TimeTerm(const LogsOptions& options, const Job& job) {
  if (options.since.empty() && options.until.empty()) return std::string();
  base::TimeNs reference = job.running ? base::WallNow() : job.last_heard;
  base::TimeNs since = 0, until = INT64_C(4'000'000'000'000'000'000);
  if (!options.since.empty()) {
    ASSIGN_OR_RETURN(since, ParseTimeArgument(options.since, reference));
  }
  if (!options.until.empty()) {
    ASSIGN_OR_RETURN(until, ParseTimeArgument(options.until, reference));
  }
  if (!job.running && options.since.find('T') == std::string::npos) {
    std::fprintf(stderr, "rankscope: the job has ended: times count from its last record, %s\n",
                 model::FormatTime(reference).c_str());
  }
  return " _time:[" + model::FormatTime(since) + "," + model::FormatTime(until) + "]";
}

base::Result<std::string> BuildQuery(const LogsOptions& options, const Job& job) {
  std::string query = "job:" + Quoted(options.job);
  if (!options.ranks.empty()) query += " rank:" + Quoted(options.ranks);
  if (!options.node_ranks.empty()) query += " node_rank:" + Quoted(options.node_ranks);
  if (!options.streams.empty()) query += " stream:" + Quoted(options.streams);
  if (!options.hosts.empty()) query += " host:" + Quoted(options.hosts);
  for (const std::string& pattern : options.include) query += " ~" + Quoted(pattern);
  for (const std::string& pattern : options.exclude) query += " -~" + Quoted(pattern);
  ASSIGN_OR_RETURN(std::string time, TimeTerm(options, job));
  return query + time;
}

class Output {
 public:
  explicit Output(const LogsOptions& options)
      : json_(options.json), printer_({.color = options.color, .highlights = options.highlight, .show_time = false}) {}

  // False when whoever reads us has gone.
  bool Print(std::string_view line) const {
    std::string text = json_ ? std::string(line) + "\n" : printer_.Render(line);
    return std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  }

 private:
  const bool json_;
  const LinePrinter printer_;
};

base::Status PrintLast(const LogsOptions& options, const std::string& query, const Output& output) {
  std::string pipes = " | sort timestamp desc | limit " + std::to_string(*options.limit);
  std::deque<std::string> newest_first;
  RETURN_IF_ERROR(
      GetLines(options.server, "/api/v1/query?query=" + UrlEncode(query + pipes), [&](std::string_view line) {
        newest_first.emplace_back(line);
        return true;
      }));
  for (auto line = newest_first.rbegin(); line != newest_first.rend(); ++line) output.Print(*line);
  return {};
}

}  // namespace

base::Status RunLogs(const LogsOptions& options) {
  auto job = FindJob(options);
  bool may_come = options.follow && job.status().code() == base::Code::kNotFound;
  if (!job.ok() && !may_come) return job.status();
  ASSIGN_OR_RETURN(std::string query, BuildQuery(options, job.ok() ? *job : Job{true, 0}));
  Output output(options);
  if (!options.follow) {
    if (options.limit) return PrintLast(options, query, output);
    return GetLines(options.server, "/api/v1/query?query=" + UrlEncode(query),
                    [&](std::string_view line) { return output.Print(line); });
  }
  std::string last = "&last=" + std::to_string(options.limit.value_or(10));
  return GetLines(options.server, "/api/v1/tail?query=" + UrlEncode(query) + last,
                  [&](std::string_view line) { return output.Print(line) && std::fflush(stdout) == 0; });
}

}  // namespace rankscope::cli
