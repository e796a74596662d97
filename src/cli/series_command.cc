#include "cli/series_command.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/nearest.h"
#include "cli/http_client.h"
#include "cli/jobs_command.h"
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

// A line with the extremes of the whole series.
Json Summary(const Json& series) {
  Json row = LabelsOf(series);
  size_t count = series["x"].size();
  std::optional<double> low, high, first, last;
  int64_t nonfinite = 0, values = 0;
  const char* middle = series.contains("median") ? "median" : "first";
  for (size_t i = 0; i < count; ++i) {
    if (auto value = NumberAt(series, "min", i)) low = std::min(low.value_or(*value), *value);
    if (auto value = NumberAt(series, "max", i)) high = std::max(high.value_or(*value), *value);
    if (auto value = NumberAt(series, middle, i); value && !first) first = value;
    if (auto value = NumberAt(series, series.contains("median") ? "median" : "last", i)) last = value;
    nonfinite += series["nonfinite"][i].get<int64_t>();
    values += series["count"][i].get<int64_t>();
  }
  row["values"] = values;
  row["from"] = series.value("from", Json());
  row["to"] = series.value("to", Json());
  row["first"] = first ? Json(*first) : Json();
  row["min"] = low ? Json(*low) : Json();
  row["max"] = high ? Json(*high) : Json();
  row["last"] = last ? Json(*last) : Json();
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

// Those that some record has.
base::Result<std::vector<std::string>> MetricNames(const SeriesOptions& options) {
  std::vector<std::string> names;
  RETURN_IF_ERROR(GetRows(options.server, "/api/v1/fields?query=" + UrlEncode(WithJob(options.job, options.query)),
                          [&](const Json& field) {
                            bool numbers = field.value("numbers", uint64_t{0}) > 0;
                            std::string name = field.value("name", "");
                            bool place = name.find("rank") != std::string::npos || name == "attempt";
                            if (numbers && !place) names.push_back(std::move(name));
                            return true;
                          }));
  return names;
}

// The error of a metric that is not there names those that are.
base::Status NoSuchMetric(const SeriesOptions& options) {
  RETURN_IF_ERROR(CheckJob(options.server, options.job));
  ASSIGN_OR_RETURN(std::vector<std::string> names, MetricNames(options));
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "; there are " : ", ") + name;
  std::vector<std::string_view> known(names.begin(), names.end());
  return base::Status::NotFound("nobody has the metric \"" + options.metric + "\"" +
                                base::Nearest(options.metric, known) + list);
}

}  // namespace

std::string SeriesPath(const SeriesOptions& options, size_t points) {
  std::string path = "/api/v1/series?metric=" + UrlEncode(options.metric) + "&by=" + UrlEncode(options.by) +
                     "&points=" + std::to_string(points) + "&query=" + UrlEncode(WithJob(options.job, options.query));
  if (options.in_time) path += "&x=time";
  if (!options.since.empty()) path += "&start=" + UrlEncode(options.since);
  return path;
}

base::Status RunSeries(const SeriesOptions& options) {
  std::vector<Json> all;
  size_t room = options.plot ? 2 * options.width : kTablePoints;
  base::Status ended =
      GetRows(options.server, SeriesPath(options, options.points > 0 ? options.points : room), [&](const Json& series) {
        all.push_back(series);
        return true;
      });
  if (ended.ok() && all.empty()) return NoSuchMetric(options);
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
