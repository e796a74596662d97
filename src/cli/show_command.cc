#include "cli/show_command.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "base/shell_word.h"
#include "base/url.h"
#include "cli/bad_ends.h"
#include "cli/http_client.h"
#include "cli/job_pause.h"
#include "cli/metric_chart.h"
#include "cli/query_command.h"
#include "cli/table.h"
#include "cli/time_argument.h"
#include "parse/traceback_lines.h"

namespace rankscope::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<const char*, 6> kMainMetrics = {
    "loss", "gradient_norm", "step_time_s", "throughput_tokens_per_sec", "samples_per_sec", "gpu_memory_usage"};
constexpr size_t kLastWords = 8;
constexpr size_t kMostFindings = 5, kMostIncidents = 5;

std::string Text(const Json& object, const char* name) {
  return object.contains(name) && !object[name].is_null() ? ShownValue(object[name]) : "-";
}

std::string Age(const Json& object, const char* name) {
  auto time = ParseTimeArgument(Text(object, name), 0);
  return time.ok() ? FormatAge(base::WallNow() - *time) : "-";
}

std::string LastWordsOf(const Json& row) { return std::string(parse::LastWordsOf(row.value("msg", ""))); }

class Page {
 public:
  Page(const std::string& server, const std::string& job, bool json, size_t width)
      : server_(server),
        job_(job),
        json_(json),
        columns_(std::clamp<size_t>(width > 0 ? width : 80, 60, 200) - kNameWidth - 4),
        width_(width > 0 ? width : SIZE_MAX) {}

  base::Status Print() {
    RETURN_IF_ERROR(Health());
    RETURN_IF_ERROR(Diagnosis());
    base::Status ends = Ends();  // what is damaged there is not what follows
    RETURN_IF_ERROR(Incidents());
    for (const char* metric : kMainMetrics) RETURN_IF_ERROR(Chart(metric));
    RETURN_IF_ERROR(Findings());
    RETURN_IF_ERROR(LastWords());
    if (json_) std::printf("%s\n", base::JsonText(page_).c_str());
    return ends;
  }

 private:
  base::Status Health() {
    RETURN_IF_ERROR(GetRows(server_, "/api/v1/jobs/" + base::UrlEncode(job_), [this](const Json& job) {
      about_ = job;
      return false;
    }));
    page_ = {{"job", about_},
             {"diagnosis", nullptr},
             {"ends", Json::array()},
             {"incidents", Json::array()},
             {"metrics", Json::array()},
             {"findings", Json::array()},
             {"last_words", Json::array()}};
    if (json_) return {};
    std::string pause = PauseText(about_);
    std::string why = pause.empty() ? about_.value("reason", "") : pause;
    std::printf("%s  %s%s\n", Text(about_, "job_id").c_str(), pause.empty() ? Text(about_, "state").c_str() : "paused",
                why.empty() ? "" : ("  " + why).c_str());
    std::printf("  ranks %s of %s, attempt %s, step %s, loss %s, started %s, last heard %s\n",
                Text(about_, "ranks_seen").c_str(), Text(about_, "ranks_expected").c_str(),
                Text(about_, "attempt").c_str(), Text(about_, "last_step").c_str(), Text(about_, "last_loss").c_str(),
                Age(about_, "started").c_str(), Age(about_, "last_heard").c_str());
    return {};
  }

  // What the server's last diagnosis says.
  base::Status Diagnosis() {
    std::string query = WithJob(job_, "event:diagnosis") + " | sort timestamp desc | limit 1";
    return GetRows(server_, "/api/v1/query?query=" + base::UrlEncode(query), [this](const Json& event) {
      if (json_) {
        page_["diagnosis"] = event;
        return false;
      }
      std::printf("\ndiagnosis (rankscope diagnose --job_id %s)\n", base::ShellWord(job_).c_str());
      std::string line = "  " + Text(event, "class");
      for (const char* name : {"rank", "step", "confidence"}) {
        if (std::string value = Text(event, name); value != "-") line += ", " + std::string(name) + " " + value;
      }
      std::printf("%s\n", CutToWidth(line + ": " + Text(event, "msg"), width_).c_str());
      return false;
    });
  }

  // The newest ones that are not another's part and that nobody has dismissed, newest last.
  base::Status Incidents() {
    std::vector<Json> newest_first;
    RETURN_IF_ERROR(GetRows(server_, "/api/v1/incidents?job_id=" + base::UrlEncode(job_), [&](const Json& incident) {
      bool counts = Text(incident, "superseded_by") == "-" && Text(incident, "state") != "dismissed";
      if (counts) newest_first.push_back(incident);
      return true;
    }));
    if (json_) page_["incidents"] = newest_first;
    if (json_ || newest_first.empty()) return {};
    std::printf("\nincidents (rankscope incidents --job_id %s)\n", base::ShellWord(job_).c_str());
    size_t shown = std::min(newest_first.size(), kMostIncidents);
    if (shown < newest_first.size()) std::printf("  … %zu before these\n", newest_first.size() - shown);
    for (size_t i = shown; i-- > 0;) {
      const Json& incident = newest_first[i];
      std::string step = Text(incident, "step"), line = "  " + Text(incident, "id") + "  " + Text(incident, "state");
      line += "  " + Text(incident, "severity") + "  " + Text(incident, "where");
      if (step != "-") line += "  step " + step;
      std::printf("%s\n", CutToWidth(line + "  " + Text(incident, "title"), width_).c_str());
    }
    return {};
  }

  base::Status Chart(const std::string& metric) {
    MetricChart chart(metric, about_);
    RETURN_IF_ERROR(chart.Load(server_, columns_));
    if (chart.empty()) return {};
    if (json_) {
      page_["metrics"].push_back(chart.ToJson());
    } else {
      chart.Print();
    }
    return {};
  }

  base::Status Ends() {
    ends_.emplace(server_, about_);
    base::Status status = ends_->Load();
    if (json_) {
      page_["ends"] = ends_->ToJson();
    } else {
      ends_->Print(width_);
    }
    return status;
  }

  // The newest ones that nobody has dismissed, newest last.
  base::Status Findings() {
    std::vector<Json> newest_first;
    RETURN_IF_ERROR(GetRows(server_, "/api/v1/findings?job_id=" + base::UrlEncode(job_), [&](const Json& finding) {
      if (Text(finding, "state") != "dismissed") newest_first.push_back(finding);
      return true;
    }));
    if (json_) page_["findings"] = newest_first;
    if (json_ || newest_first.empty()) return {};
    std::printf("\nfindings (rankscope findings --job_id %s)\n", base::ShellWord(job_).c_str());
    size_t shown = std::min(newest_first.size(), kMostFindings);
    if (shown < newest_first.size()) std::printf("  … %zu before these\n", newest_first.size() - shown);
    for (size_t i = shown; i-- > 0;) PrintFinding(newest_first[i]);
    return {};
  }

  void PrintFinding(const Json& finding) const {
    std::string line = "  " + Text(finding, "severity");
    if (Text(finding, "state") == "confirmed") line += "  confirmed";
    for (const char* name : {"rank", "step"}) {
      if (std::string value = Text(finding, name); value != "-") line += "  " + std::string(name) + " " + value;
    }
    line += "  " + Text(finding, "rule") + ": " + Text(finding, "message");
    std::printf("%s\n", CutToWidth(line, width_).c_str());
  }

  // What was said last with a level of error; else what was said last. Ends, with their words, and findings are told
  // above.
  base::Status LastWords() {
    for (const char* filter : {"level:error,critical -event:rank_exit -event:node_end -event:uncaught_exception "
                               "-event:finding -event:finding_confirmed -event:finding_dismissed -event:incident "
                               "-event:diagnosis",
                               "stream:stdout,stderr"}) {
      std::vector<Json> words;
      std::string query = WithJob(job_, filter) + " | sort timestamp desc | limit " + std::to_string(kLastWords);
      RETURN_IF_ERROR(GetRows(server_, "/api/v1/query?query=" + base::UrlEncode(query), [&](const Json& row) {
        words.push_back(row);
        return true;
      }));
      if (words.empty()) continue;
      std::erase_if(words,
                    [this](const Json& row) { return ends_->Tells(row.value("rank", int64_t{-1}), LastWordsOf(row)); });
      if (json_) std::copy(words.rbegin(), words.rend(), std::back_inserter(page_["last_words"]));
      if (json_ || words.empty()) return {};
      std::printf("\nlast words%s\n", std::string_view(filter).starts_with("level") ? " (errors)" : "");
      for (auto row = words.rbegin(); row != words.rend(); ++row) PrintWords(*row);
      return {};
    }
    return {};
  }

  void PrintWords(const Json& row) const {
    std::string who = row.contains("rank") ? "rank " + Text(row, "rank") : "launcher";
    std::string line =
        "  " + row.value("timestamp", "").substr(11, 12) + "  " + who + "  " + ShownValue(Json(LastWordsOf(row)));
    std::printf("%s\n", CutToWidth(line, width_).c_str());
  }

  const std::string& server_;
  const std::string& job_;
  const bool json_;
  const size_t columns_, width_;
  Json about_, page_;
  std::optional<BadEnds> ends_;
};

}  // namespace

base::Status RunShow(const std::string& server, const std::string& job, bool json, size_t width) {
  return Page(server, job, json, width).Print();
}

}  // namespace rankscope::cli
