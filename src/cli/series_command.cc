#include "cli/series_command.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/nearest.h"
#include "base/url.h"
#include "cli/http_client.h"
#include "cli/job_time.h"
#include "cli/plot.h"
#include "cli/query_command.h"
#include "cli/table.h"

namespace rankscope::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kPlotHeight = 16;
constexpr size_t kPlotMargin = 13;
constexpr size_t kTablePoints = 1000;
constexpr const char* kColumns[] = {"x", "first", "min", "median", "max", "last", "count", "nonfinite", "ranks"};

std::optional<double> NumberAt(const Json& series, const char* column, size_t at) {
  if (!series.contains(column) || !series[column][at].is_number()) return std::nullopt;
  return series[column][at].get<double>();
}

Json LabelsOf(const Json& series) {
  Json labels = Json::object();
  for (const char* name : {"job_id", "attempt", "node_rank", "host", "rank"}) {
    if (series.contains(name)) labels[name] = series[name];
  }
  return labels;
}

std::vector<double> NumbersOf(const Json& series, const char* column) {
  std::vector<double> numbers;
  for (size_t i = 0; i < series["x"].size(); ++i) {
    if (auto number = NumberAt(series, column, i)) numbers.push_back(*number);
  }
  return numbers;
}

// Of the two in the middle, the lower one.
Json MiddleOf(std::vector<double> numbers) {
  if (numbers.empty()) return {};
  auto middle = numbers.begin() + static_cast<std::ptrdiff_t>((numbers.size() - 1) / 2);
  std::nth_element(numbers.begin(), middle, numbers.end());
  return *middle;
}

// A line with the extremes of the whole series. Over ranks: its first and last median, and the middle one of all.
Json Summary(const Json& series) {
  Json row = LabelsOf(series);
  const bool spread = series.contains("median");
  const std::vector<double> firsts = NumbersOf(series, spread ? "median" : "first");
  const std::vector<double> lasts = NumbersOf(series, spread ? "median" : "last");
  std::optional<double> low, high;
  int64_t nonfinite = 0, values = 0;
  for (size_t i = 0; i < series["x"].size(); ++i) {
    if (auto value = NumberAt(series, "min", i)) low = std::min(low.value_or(*value), *value);
    if (auto value = NumberAt(series, "max", i)) high = std::max(high.value_or(*value), *value);
    nonfinite += series["nonfinite"][i].get<int64_t>();
    values += series["count"][i].get<int64_t>();
  }
  row["values"] = values;
  row["from"] = series.value("from", Json());
  row["to"] = series.value("to", Json());
  row[spread ? "first_median" : "first"] = firsts.empty() ? Json() : Json(firsts.front());
  row["min"] = low ? Json(*low) : Json();
  if (spread) row["median"] = MiddleOf(firsts);
  row["max"] = high ? Json(*high) : Json();
  row[spread ? "last_median" : "last"] = lasts.empty() ? Json() : Json(lasts.back());
  row["nonfinite"] = nonfinite;
  return row;
}

void PrintCsv(const std::vector<Json>& all) {
  TableWriter table(TableWriter::Format::kCsv, {}, stdout);
  for (const Json& series : all) {
    for (size_t i = 0; i < series["x"].size(); ++i) {
      Json row = LabelsOf(series);
      for (const char* column : kColumns) {
        if (series.contains(column)) row[column] = series[column][i];
      }
      table.Add(row);
    }
  }
  table.Finish();
}

void PrintPlot(const std::vector<Json>& all, const SeriesOptions& options) {
  std::vector<PlotLine> lines;
  for (const Json& series : all) {
    PlotLine line;
    for (size_t i = 0; i < series["x"].size(); ++i) {
      line.points.push_back({series["x"][i].get<int64_t>(), NumberAt(series, "min", i), NumberAt(series, "max", i),
                             series["nonfinite"][i].get<int64_t>() > 0});
    }
    lines.push_back(std::move(line));
  }
  size_t width = options.width > kPlotMargin + 20 ? options.width - kPlotMargin : 20;
  std::string axis = all.front().value("axis", "step");
  std::printf("%s of %zu series, each bucket of %s %s from its lowest to its highest\n", options.metric.c_str(),
              all.size(), all.front()["width"].dump().c_str(), axis == "step" ? "steps" : "ms");
  std::printf("%s", Plot(lines, width, kPlotHeight).c_str());
}

// Those that some record has, but for the numbers of events (a version, a confidence).
base::Result<std::vector<std::string>> MetricNames(const SeriesOptions& options) {
  std::vector<std::string> names;
  std::string filter = options.query.empty() ? "-stream:event" : "-stream:event (" + options.query + ")";
  RETURN_IF_ERROR(
      GetRows(options.server, "/api/v1/fields?" + FilterParameters(filter, options.job, ""), [&](const Json& field) {
        bool numbers = field.value("numbers", uint64_t{0}) > 0;
        std::string name = field.value("name", "");
        bool place = name.find("rank") != std::string::npos || name == "attempt";
        if (numbers && !place) names.push_back(std::move(name));
        return true;
      }));
  return names;
}

base::Result<bool> HasAnyValue(const SeriesOptions& options) {
  bool any = false;
  RETURN_IF_ERROR(GetRows(options.server, SeriesPath(options, /*points=*/1, ""), [&](const Json&) {
    any = true;
    return false;
  }));
  return any;
}

// The error of a metric that is not there names those that are.
base::Status NoSuchMetric(const SeriesOptions& options, const std::string& start) {
  if (!start.empty()) {
    ASSIGN_OR_RETURN(bool before, HasAnyValue(options));
    if (before) return base::Status::NotFound("nobody has had the metric \"" + options.metric + "\" since " + start);
  }
  ASSIGN_OR_RETURN(std::vector<std::string> names, MetricNames(options));
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "; there are " : ", ") + name;
  std::vector<std::string_view> known(names.begin(), names.end());
  return base::Status::NotFound("nobody has the metric \"" + options.metric + "\"" +
                                base::Nearest(options.metric, known) + list);
}

}  // namespace

std::string SeriesPath(const SeriesOptions& options, size_t points, const std::string& start) {
  std::string path = "/api/v1/series?metric=" + base::UrlEncode(options.metric) + "&by=" + base::UrlEncode(options.by) +
                     "&points=" + std::to_string(points) + "&" + FilterParameters(options.query, options.job, start);
  if (options.in_time) path += "&x=time";
  return path;
}

base::Status RunSeries(const SeriesOptions& options) {
  ASSIGN_OR_RETURN(JobTime time, JobTimeOf(options.server, options.job));
  ASSIGN_OR_RETURN(std::string start, SinceOf(time, options.since));
  std::vector<Json> all;
  size_t room = options.plot ? 2 * options.width : kTablePoints;
  std::string path = SeriesPath(options, options.points > 0 ? options.points : room, start);
  base::Status ended = GetRows(options.server, path, [&](const Json& series) {
    all.push_back(series);
    return true;
  });
  if (ended.ok() && all.empty()) return NoSuchMetric(options, start);
  if (all.empty()) return ended;
  if (options.plot) {
    PrintPlot(all, options);
  } else if (options.output == "json") {
    for (const Json& series : all) std::printf("%s\n", series.dump().c_str());
  } else if (options.output == "csv") {
    PrintCsv(all);
  } else {
    TableWriter table(TableWriter::Format::kTable, {}, stdout);
    for (const Json& series : all) table.Add(Summary(series));
    table.Finish();
  }
  return ended;
}

}  // namespace rankscope::cli
