#include "cli/logs_command.h"

#include <cstdio>
#include <deque>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/clock.h"
#include "base/url.h"
#include "cli/follow.h"
#include "cli/http_client.h"
#include "cli/job_time.h"
#include "cli/line_folder.h"
#include "cli/line_printer.h"
#include "cli/record_lines.h"
#include "cli/time_argument.h"
#include "model/record_json.h"
#include "model/regex.h"
#include "model/selection.h"

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

base::Status WithList(const base::Status& status) {
  if (status.code() != base::Code::kNotFound) return status;
  return base::Status::NotFound(status.message() + "; `rankscope jobs` lists them");
}

base::Result<base::TimeNs> TimeOf(const std::string& option, const std::string& text, base::TimeNs reference) {
  auto time = ParseTimeArgument(text, reference);
  return time.ok() ? time : time.status().WithContext(option);
}

base::Result<std::string> TimeTerm(const LogsOptions& options, const JobTime& job) {
  if (options.since.empty() && options.until.empty()) return std::string();
  base::TimeNs since = 0, until = INT64_C(4'000'000'000'000'000'000);
  if (!options.since.empty()) {
    ASSIGN_OR_RETURN(since, TimeOf("--since", options.since, job.reference));
  }
  if (!options.until.empty()) {
    ASSIGN_OR_RETURN(until, TimeOf("--until", options.until, job.reference));
  }
  if (since > until) {
    return base::Status::Invalid("--until \"" + options.until + "\" lies before --since \"" + options.since + "\"");
  }
  if (IsRelative(options.since) || IsRelative(options.until)) SayReference(job);
  return " _time:[" + model::FormatTime(since) + "," + model::FormatTime(until) + "]";
}

// The query language has comparisons as well: what is no set is refused here, under its option's name.
base::Result<std::string> NumbersTerm(const std::string& name, const std::string& set) {
  if (set.empty()) return std::string();
  auto numbers = model::NumberSet::Parse(set);
  if (!numbers.ok()) return base::Status::Invalid("--" + name + ": " + numbers.status().message());
  return " " + name + ":" + Quoted(set);
}

// The same of streams; without any, as text, no samples of the host every 10 s between the lines.
base::Result<std::string> StreamsTerm(const LogsOptions& options) {
  if (options.streams.empty()) return std::string(options.json ? "" : " -stream:host,gpu");
  std::istringstream names(options.streams);
  for (std::string name; std::getline(names, name, ',');) {
    bool is_known = model::ParseStream(std::string_view(name).substr(name.starts_with('!') ? 1 : 0)).has_value();
    if (!is_known) {
      return base::Status::Invalid("--stream: no stream \"" + name +
                                   "\"; there are stdout, stderr, metric, batch, event, host, gpu and stack");
    }
  }
  return " stream:" + Quoted(options.streams);
}

// The same of regular expressions.
base::Result<std::string> PatternTerms(const std::string& option, const std::string& sign,
                                       const std::vector<std::string>& patterns) {
  std::string terms;
  for (const std::string& pattern : patterns) {
    auto regex = model::CompileRegex(pattern, /*case_sensitive=*/true);
    if (!regex.ok()) return base::Status::Invalid("--" + option + ": " + regex.status().message());
    terms += sign + Quoted(pattern);
  }
  return terms;
}

base::Result<std::string> BuildQuery(const LogsOptions& options, const JobTime& job) {
  std::string query = "job:" + Quoted(options.job);
  ASSIGN_OR_RETURN(std::string ranks, NumbersTerm("rank", options.ranks));
  ASSIGN_OR_RETURN(std::string node_ranks, NumbersTerm("node_rank", options.node_ranks));
  ASSIGN_OR_RETURN(std::string streams, StreamsTerm(options));
  query += ranks + node_ranks + streams;
  if (options.attempt) query += " attempt:" + std::to_string(*options.attempt);
  if (!options.hosts.empty()) query += " host:" + Quoted(options.hosts);
  ASSIGN_OR_RETURN(std::string included, PatternTerms("grep", " ~", options.include));
  ASSIGN_OR_RETURN(std::string excluded, PatternTerms("exclude", " -~", options.exclude));
  query += included + excluded;
  ASSIGN_OR_RETURN(std::string time, TimeTerm(options, job));
  return query + time;
}

// To standard output: folded or not, as text or as the JSON that came. Each returns false when nobody reads any more.
class Output {
 public:
  explicit Output(const LogsOptions& options)
      : json_(options.json),
        fold_(options.fold && !options.json),
        follow_(options.follow),
        printer_({.color = options.color, .highlights = options.highlight, .show_time = options.show_time}),
        folder_(options.follow, [this](const FoldedLine& line) { return Show(line); }) {}

  bool Print(std::string_view line) {
    empty_ = false;
    if (json_) return Write(std::string(line) + "\n");
    return fold_ ? folder_.Take(line) : Show({std::string(line), {}, {}});
  }
  bool Idle() { return !fold_ || folder_.CloseUntil(base::MonotonicNow()); }
  bool Finish() { return !fold_ || folder_.Finish(); }
  bool empty() const { return empty_; }

 private:
  bool Show(const FoldedLine& line) { return Write(printer_.Render(line)); }
  bool Write(const std::string& text) const {
    return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && (!follow_ || std::fflush(stdout) == 0);
  }

  const bool json_, fold_, follow_;
  const LinePrinter printer_;
  LineFolder folder_;
  bool empty_ = true;
};

base::Status PrintLast(const LogsOptions& options, const std::string& query, Output* output) {
  std::string pipes = " | sort timestamp desc | limit " + std::to_string(*options.limit);
  std::deque<std::string> newest_first;
  base::Status status =
      GetRecords(options.server, "/api/v1/query?query=" + base::UrlEncode(query + pipes), [&](std::string_view line) {
        newest_first.emplace_back(line);
        return true;
      });
  for (auto line = newest_first.rbegin(); line != newest_first.rend(); ++line) output->Print(*line);
  return status;
}

}  // namespace

base::Status RunLogs(const LogsOptions& options) {
  auto job = JobTimeOf(options.server, options.job);
  bool may_come = options.follow && job.status().code() == base::Code::kNotFound;
  if (!job.ok() && !may_come) return WithList(job.status());
  if (!job.ok()) std::fprintf(stderr, "rankscope: no job \"%s\" yet; waiting for it\n", options.job.c_str());
  ASSIGN_OR_RETURN(std::string query, BuildQuery(options, job.ok() ? *job : JobTime{"running", base::WallNow()}));
  Output output(options);
  auto print = [&](std::string_view line) { return output.Print(line); };
  base::Status status;
  if (options.follow) {
    FollowOptions follow{options.server, query, options.limit.value_or(10), options.give_up_after_s,
                         options.find_server};
    status = Follow(follow, print, [&] { return output.Idle(); });
  } else if (options.limit) {
    status = PrintLast(options, query, &output);
  } else {
    status = GetRecords(options.server, "/api/v1/query?query=" + base::UrlEncode(query), print);
  }
  output.Finish();
  if (status.ok() && output.empty() && !options.json && !options.follow)
    std::fputs("rankscope: nothing found\n", stderr);
  return status;
}

}  // namespace rankscope::cli
