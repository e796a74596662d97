#include "cli/show_command.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "base/counted.h"
#include "base/shell_word.h"
#include "cli/bad_ends.h"
#include "cli/heat_rows.h"
#include "cli/http_client.h"
#include "cli/job_pause.h"
#include "cli/plot.h"
#include "cli/query_command.h"
#include "cli/series_command.h"
#include "cli/table.h"
#include "cli/time_argument.h"

namespace rankscope::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<const char*, 6> kMainMetrics = {
    "loss", "gradient_norm", "step_time_s", "throughput_tokens_per_sec", "samples_per_sec", "gpu_memory_usage"};
constexpr size_t kMostOdd = 5;
constexpr size_t kLastWords = 8;
constexpr size_t kMostFindings = 5, kMostIncidents = 5;
constexpr size_t kNameWidth = 26;

std::string Text(const Json& object, const char* name) {
  return object.contains(name) && !object[name].is_null() ? ShownValue(object[name]) : "-";
}

std::string Age(const Json& object, const char* name) {
  auto time = ParseTimeArgument(Text(object, name), 0);
  return time.ok() ? FormatAge(base::WallNow() - *time) : "-";
}

// A name, in its column.
std::string Named(const std::string& name) {
  size_t width = DisplayWidth(name);
  return "  " + name + std::string(width < kNameWidth ? kNameWidth - width : 1, ' ');
}

class Page {
 public:
  Page(const std::string& server, const std::string& job, size_t width)
      : server_(server),
        job_(job),
        columns_(std::clamp<size_t>(width > 0 ? width : 80, 60, 200) - kNameWidth - 4),
        width_(width > 0 ? width : SIZE_MAX) {}

  base::Status Print() {
    RETURN_IF_ERROR(Health());
    RETURN_IF_ERROR(Diagnosis());
    base::Status ends = Ends();  // what is damaged there is not what follows
    RETURN_IF_ERROR(Incidents());
    for (const char* metric : kMainMetrics) RETURN_IF_ERROR(Heat(metric));
    RETURN_IF_ERROR(Findings());
    RETURN_IF_ERROR(LastWords());
    return ends;
  }

 private:
  base::Status Health() {
    RETURN_IF_ERROR(GetRows(server_, "/api/v1/jobs/" + UrlEncode(job_), [this](const Json& job) {
      about_ = job;
      return false;
    }));
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
  base::Status Diagnosis() const {
    std::string query = WithJob(job_, "event:diagnosis") + " | sort timestamp desc | limit 1";
    return GetRows(server_, "/api/v1/query?query=" + UrlEncode(query), [this](const Json& event) {
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
  base::Status Incidents() const {
    std::vector<Json> newest_first;
    RETURN_IF_ERROR(GetRows(server_, "/api/v1/incidents?job_id=" + UrlEncode(job_), [&](const Json& incident) {
      bool counts = Text(incident, "superseded_by") == "-" && Text(incident, "state") != "dismissed";
      if (counts) newest_first.push_back(incident);
      return true;
    }));
    if (newest_first.empty()) return {};
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

  base::Status Heat(const std::string& metric) {
    SeriesOptions options;
    options.metric = metric;
    options.job = job_;
    std::vector<Json> all;
    RETURN_IF_ERROR(GetRows(server_, SeriesPath(options, columns_, ""), [&](const Json& series) {
      if (!series["x"].empty()) all.push_back(series);  // else its records went while they were read
      return true;
    }));
    // A restart begins another attempt; this page is about the last one.
    int64_t attempt = 0;
    for (const Json& series : all) attempt = std::max(attempt, series.value("attempt", int64_t{0}));
    std::erase_if(all, [&](const Json& series) { return series.value("attempt", int64_t{0}) != attempt; });
    SettleRankless(&all);
    if (!all.empty()) PrintHeat(metric, all);
    return {};
  }

  // What a command prints before it is known to be a rank is the only rank's; else it is a launcher's, and no peer of
  // the ranks.
  void SettleRankless(std::vector<Json>* all) const {
    auto ranked = std::find_if(all->begin(), all->end(), [](const Json& series) { return series.contains("rank"); });
    if (ranked == all->end()) return;
    const Json rank = (*ranked)["rank"];
    if (about_.value("ranks_expected", 0) == 1) {
      for (Json& series : *all) series["rank"] = rank;
    }
    std::erase_if(*all, [](const Json& series) { return !series.contains("rank"); });
  }

  static std::vector<int64_t> ColumnsOf(const std::vector<Json>& all) {
    std::set<int64_t> buckets;
    for (const Json& series : all) {
      for (const Json& x : series["x"]) buckets.insert(x.get<int64_t>());
    }
    std::optional<int64_t> width;
    if (all.front().value("axis", "step") != "step") width = all.front()["width"].get<int64_t>();
    return HeatColumns(std::move(buckets), width);
  }

  void PrintHeat(const std::string& metric, const std::vector<Json>& all) const {
    int64_t bad = 0;
    const std::vector<int64_t> columns = ColumnsOf(all);
    std::vector<HeatMap> layers;
    for (const char* name : {"last", "min", "max"}) layers.push_back(LayerOf(all, name, columns));
    for (const Json& series : all) {
      for (const Json& count : series["nonfinite"]) bad += count.get<int64_t>();
    }
    HeatRows rows = FindOddRanks(layers);
    std::string more = bad > 0 ? "  " + std::to_string(bad) + " NaN or Inf" + WhoHasThem(all) : "";
    std::string of = base::Counted(layers.front().ranks.size(), "rank");
    std::printf("\n%s%s  median of %s%s\n", Named(metric).c_str(), Sparkline(rows.median).c_str(), of.c_str(),
                more.c_str());
    PrintOdd(rows, columns, all.front().value("axis", "step"));
  }

  // " of ranks 3,12"; empty where all have some.
  static std::string WhoHasThem(const std::vector<Json>& all) {
    std::vector<int64_t> ranks;
    for (const Json& series : all) {
      const Json& counts = series["nonfinite"];
      bool has = std::any_of(counts.begin(), counts.end(), [](const Json& count) { return count.get<int64_t>() > 0; });
      if (has && series.contains("rank")) ranks.push_back(series["rank"].get<int64_t>());
    }
    if (ranks.empty() || ranks.size() == all.size()) return "";
    std::string text = ranks.size() == 1 ? " of rank " : " of ranks ";
    for (size_t i = 0; i < std::min(ranks.size(), kMostOdd); ++i) text += (i > 0 ? "," : "") + std::to_string(ranks[i]);
    return ranks.size() > kMostOdd ? text + ",…" : text;
  }

  static HeatMap LayerOf(const std::vector<Json>& all, const char* name, const std::vector<int64_t>& columns) {
    HeatMap map;
    map.columns = columns.size();
    for (const Json& series : all) {
      auto& row = map.ranks[series.value("rank", int64_t{-1})];
      row.resize(map.columns);
      for (size_t i = 0; i < series["x"].size(); ++i) {
        const Json& value = series[name][i];
        auto column = std::lower_bound(columns.begin(), columns.end(), series["x"][i].get<int64_t>());
        if (value.is_number()) row[static_cast<size_t>(column - columns.begin())] = value.get<double>();
      }
    }
    return map;
  }

  static void PrintOdd(const HeatRows& rows, const std::vector<int64_t>& columns, const std::string& axis) {
    for (size_t i = 0; i < std::min(rows.odd.size(), kMostOdd); ++i) {
      const OddRank& odd = rows.odd[i];
      std::printf("%s%s  %.0f deviations", Named("  rank " + std::to_string(odd.rank)).c_str(), odd.shades.c_str(),
                  std::min(odd.score, 9999.0));
      std::printf(axis == "step" ? " at step %s\n" : " at %s ms\n", std::to_string(columns[odd.column]).c_str());
    }
    if (rows.odd.size() > kMostOdd)
      std::printf("%s+ %zu more odd ranks\n", Named("").c_str(), rows.odd.size() - kMostOdd);
  }

  base::Status Ends() {
    ends_.emplace(server_, about_);
    base::Status status = ends_->Load();
    ends_->Print(width_);
    return status;
  }

  // The newest ones that nobody has dismissed, newest last.
  base::Status Findings() const {
    std::vector<Json> newest_first;
    RETURN_IF_ERROR(GetRows(server_, "/api/v1/findings?job_id=" + UrlEncode(job_), [&](const Json& finding) {
      if (Text(finding, "state") != "dismissed") newest_first.push_back(finding);
      return true;
    }));
    if (newest_first.empty()) return {};
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
  base::Status LastWords() const {
    for (const char* filter : {"level:error,critical -event:rank_exit -event:node_end -event:uncaught_exception "
                               "-event:finding -event:finding_confirmed -event:finding_dismissed -event:incident "
                               "-event:diagnosis",
                               "stream:stdout,stderr"}) {
      std::vector<Json> words;
      std::string query = WithJob(job_, filter) + " | sort timestamp desc | limit " + std::to_string(kLastWords);
      RETURN_IF_ERROR(GetRows(server_, "/api/v1/query?query=" + UrlEncode(query), [&](const Json& row) {
        words.push_back(row);
        return true;
      }));
      if (words.empty()) continue;
      std::erase_if(words, [this](const Json& row) {
        return ends_->Tells(row.value("rank", int64_t{-1}), LastLine(row.value("msg", "")));
      });
      if (words.empty()) return {};
      std::printf("\nlast words%s\n", std::string_view(filter).starts_with("level") ? " (errors)" : "");
      for (auto row = words.rbegin(); row != words.rend(); ++row) PrintWords(*row);
      return {};
    }
    return {};
  }

  void PrintWords(const Json& row) const {
    std::string who = row.contains("rank") ? "rank " + Text(row, "rank") : "launcher";
    std::string line = "  " + row.value("timestamp", "").substr(11, 12) + "  " + who + "  " +
                       ShownValue(Json(LastLine(row.value("msg", ""))));
    std::printf("%s\n", CutToWidth(line, width_).c_str());
  }

  const std::string& server_;
  const std::string& job_;
  const size_t columns_, width_;
  Json about_;
  std::optional<BadEnds> ends_;
};

}  // namespace

base::Status RunShow(const std::string& server, const std::string& job, size_t width) {
  return Page(server, job, width).Print();
}

}  // namespace rankscope::cli
