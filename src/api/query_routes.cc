#include "api/query_routes.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "api/answer.h"
#include "base/clock.h"
#include "query/field_list.h"
#include "query/run.h"

namespace rankscope::api {
namespace {

using Json = nlohmann::ordered_json;
using Reply = std::shared_ptr<Responder>;
using model::Filter;
using Limit = base::Budget::Limit;

constexpr int64_t kPoints = 1000;
constexpr int64_t kMostPoints = 100'000;
constexpr int64_t kFieldSample = 20'000;
constexpr size_t kFirstPieceBytes = 32 << 10, kMostPieceBytes = 256 << 10;  // the longer the answer, the larger
constexpr int64_t kPatienceNs = 50 * base::kNsPerMs;

std::string_view LimitName(Limit limit) {
  switch (limit) {
    case Limit::kMemory:
      return "memory";
    case Limit::kTime:
      return "time";
    case Limit::kRows:
      return "rows";
    case Limit::kCancelled:
      return "cancelled";
    case Limit::kNone:
      break;
  }
  return "";
}

// JSON has no infinities: they are strings, as in records.
Json NumberOrNull(const std::optional<double>& value) {
  if (!value) return nullptr;
  if (std::isinf(*value)) return *value > 0 ? "Infinity" : "-Infinity";
  return *value;
}

Json ToJson(const model::Cell& cell) {
  std::string text;
  query::AppendJson(cell, &text);
  return Json::parse(text, nullptr, /*allow_exceptions=*/false);
}

template <typename Member>
Json ColumnOf(const query::Series& series, Member member) {
  Json column = Json::array();
  for (const auto& bucket : series.buckets) column.push_back(NumberOrNull(bucket.*member));
  return column;
}

Json CountsOf(const query::Series& series, int64_t query::SeriesBucket::*member) {
  Json column = Json::array();
  for (const auto& bucket : series.buckets) column.push_back(bucket.*member);
  return column;
}

Json ToJson(const query::SeriesRequest& request, const query::SeriesAnswer& answer, const query::Series& series) {
  using Bucket = query::SeriesBucket;
  Json json = {{"metric", request.metric}};
  for (const auto& [name, cell] : series.labels) {
    if (!std::holds_alternative<std::monostate>(cell)) json[name] = ToJson(cell);
  }
  json["axis"] = answer.in_time ? "time" : "step";
  json["width"] = answer.width;
  json["from"] = series.from;
  json["to"] = series.to;
  json["x"] = CountsOf(series, &Bucket::x);
  bool one_rank = request.by == query::SeriesRequest::By::kRank;
  if (one_rank) json["first"] = ColumnOf(series, &Bucket::first);
  json["min"] = ColumnOf(series, &Bucket::min);
  if (!one_rank) json["median"] = ColumnOf(series, &Bucket::median);
  json["max"] = ColumnOf(series, &Bucket::max);
  if (one_rank) json["last"] = ColumnOf(series, &Bucket::last);
  json["count"] = CountsOf(series, &Bucket::count);
  json["nonfinite"] = CountsOf(series, &Bucket::nonfinite);
  if (!one_rank) json["ranks"] = CountsOf(series, &Bucket::ranks);
  return json;
}

Json ToJson(const query::FieldSummary& field, uint64_t records) {
  Json json = {{"name", field.name}, {"count", field.count}, {"of", records}, {"numbers", field.numbers}};
  if (field.min) json["min"] = NumberOrNull(field.min);
  if (field.max) json["max"] = NumberOrNull(field.max);
  json["distinct"] = field.distinct;
  json["top"] = Json::array();
  for (const auto& [value, count] : field.top) {
    json["top"].push_back({{"value", Json::parse(value, nullptr, /*allow_exceptions=*/false)}, {"count", count}});
  }
  return json;
}

}  // namespace

// One streamed answer: begun with its first row or its end, so that what fails before is a plain error. Rows go out in
// pieces, but none waits long for others.
class QueryRoutes::Answering {
 public:
  Answering(Reply reply, std::shared_ptr<base::Budget> budget, ServerMetrics* metrics)
      : reply_(std::move(reply)), budget_(std::move(budget)), metrics_(metrics), begun_at_(base::MonotonicNow()) {
    reply_->OnClosed([budget = budget_] { budget->Cancel(); });
  }

  base::Budget* budget() { return budget_.get(); }

  // Rows, each with its newline. False once the client has left.
  bool Write(std::string_view lines, size_t rows) {
    rows_ += rows;
    if (waiting_.empty() && lines.size() >= kFirstPieceBytes) return Send(lines);
    waiting_.append(lines);
    bool due = waiting_.size() >= piece_bytes_ || base::CoarseMonotonicNow() - sent_at_ > kPatienceNs;
    return !due || SendWaiting();
  }
  bool Write(const Json& json) { return Write(Dump(json), 1); }

  void End(const base::Status& status) {
    metrics_->CountQuery(base::MonotonicNow() - begun_at_, rows_, LimitName(budget_->met()));
    if (!status.ok() && rows_ == 0) return Fail(reply_, status);
    if (!status.ok() || !budget_->left_out().ok()) {
      waiting_ += Dump({{"error", (status.ok() ? budget_->left_out() : status).message()}});
    } else if (budget_->met() != Limit::kNone) {
      waiting_ +=
          Dump({{"_partial", {{"limit", LimitName(budget_->met())}, {"message", query::ExplainLimit(*budget_)}}}});
    }
    SendWaiting();
    reply_->End();
  }

 private:
  bool SendWaiting() {
    bool there = Send(waiting_);
    waiting_.clear();
    return there;
  }
  bool Send(std::string_view lines) {
    if (!std::exchange(begun_, true)) reply_->Begin(200, "application/x-ndjson");
    sent_at_ = base::CoarseMonotonicNow();
    if (lines.size() >= piece_bytes_) piece_bytes_ = std::min(2 * piece_bytes_, kMostPieceBytes);
    return lines.empty() || reply_->Write(lines);
  }

  Reply reply_;
  std::shared_ptr<base::Budget> budget_;
  ServerMetrics* metrics_;
  const int64_t begun_at_;
  bool begun_ = false;
  uint64_t rows_ = 0;
  int64_t sent_at_ = 0;
  size_t piece_bytes_ = kFirstPieceBytes;
  std::string waiting_;
};

base::Result<query::Query> QueryRoutes::QueryOf(const Parameters& parameters) const {
  base::TimeNs now = base::WallNow();
  ASSIGN_OR_RETURN(query::Query query, query::ParseQuery(parameters.Text("query"), now));
  if (query.project == query::Query().project) query.project = project_;
  ASSIGN_OR_RETURN(auto start, parameters.Time("start", now));
  ASSIGN_OR_RETURN(auto end, parameters.Time("end", now));
  if (start && end && *end < *start) return base::Status::Invalid("parameter end: before start");
  std::vector<Filter> terms;
  std::string job = parameters.Text("job_id");
  if (!job.empty()) terms.push_back(Filter::Text(Filter::Kind::kEquals, "job_id", job, /*case_sensitive=*/true));
  if (start || end) terms.push_back(Filter::Time(start.value_or(INT64_MIN), end.value_or(INT64_MAX)));
  if (terms.empty()) return query;
  terms.push_back(std::move(query.filter));
  query.filter = Filter::And(std::move(terms));
  return query;
}

base::Result<query::Query> QueryRoutes::FilterOf(const Parameters& parameters, std::string_view route) const {
  ASSIGN_OR_RETURN(query::Query query, QueryOf(parameters));
  if (query.pipes.empty()) return query;
  return base::Status::Invalid("query: " + std::string(route) + " takes a filter, and no pipes after it");
}

base::Result<std::shared_ptr<base::Budget>> QueryRoutes::BudgetOf(const Parameters& parameters) const {
  ASSIGN_OR_RETURN(auto timeout, parameters.Duration("timeout"));
  base::Budget::Limits limits = limits_;
  if (timeout && (limits.time_ns == 0 || *timeout < limits.time_ns)) limits.time_ns = *timeout;
  return std::make_shared<base::Budget>(limits);
}

base::Status QueryRoutes::Answer(const Parameters& parameters, query::Query query, const Reply& reply) const {
  ASSIGN_OR_RETURN(auto limit, parameters.Integer("limit"));
  if (limit) query.pipes.emplace_back(query::LimitPipe{static_cast<uint64_t>(*limit)});
  ASSIGN_OR_RETURN(auto budget, BudgetOf(parameters));
  Answering answering(reply, budget, metrics_);
  answering.End(query::RunQueryAsJson(source_, query, answering.budget(), [&](std::string_view lines, size_t rows) {
    return answering.Write(lines, rows);
  }));
  return {};
}

void QueryRoutes::Query(const Request& request, const Reply& reply) const {
  auto answer = [&]() -> base::Status {
    ASSIGN_OR_RETURN(Parameters parameters, Parameters::Of(request));
    RETURN_IF_ERROR(parameters.Needed("query").status());
    ASSIGN_OR_RETURN(query::Query query, QueryOf(parameters));
    return Answer(parameters, std::move(query), reply);
  };
  if (auto status = answer(); !status.ok()) Fail(reply, status);
}

void QueryRoutes::Patterns(const Request& request, const Reply& reply) const {
  auto answer = [&]() -> base::Status {
    ASSIGN_OR_RETURN(Parameters parameters, Parameters::Of(request));
    ASSIGN_OR_RETURN(query::Query query, FilterOf(parameters, "patterns"));
    query.pipes.emplace_back(query::PatternsPipe{});
    return Answer(parameters, std::move(query), reply);
  };
  if (auto status = answer(); !status.ok()) Fail(reply, status);
}

base::Result<query::SeriesRequest> QueryRoutes::SeriesOf(const Parameters& parameters) const {
  query::SeriesRequest series;
  ASSIGN_OR_RETURN(series.metric, parameters.Needed("metric"));
  if (series.metric.empty()) return base::Status::Invalid("parameter metric: expected a name, as loss; it is empty");
  ASSIGN_OR_RETURN(query::Query query, FilterOf(parameters, "series"));
  series.project = query.project;
  series.filter = std::move(query.filter);
  std::string by = parameters.Text("by"), x = parameters.Text("x");
  auto known = query::ParseSeriesBy(by.empty() ? "rank" : by);
  if (!known) return base::Status::Invalid("parameter by: expected rank, node_rank, host or job, found \"" + by + "\"");
  if (!x.empty() && x != "step" && x != "time") {
    return base::Status::Invalid("parameter x: expected step or time, found \"" + x + "\"");
  }
  series.by = *known;
  series.in_time = x == "time";
  ASSIGN_OR_RETURN(series.from_step, parameters.Integer("from_step"));
  ASSIGN_OR_RETURN(series.to_step, parameters.Integer("to_step"));
  if (series.from_step && series.to_step && *series.to_step < *series.from_step) {
    return base::Status::Invalid("parameter to_step: before from_step");
  }
  ASSIGN_OR_RETURN(auto points, parameters.Integer("points"));
  if (points && (*points < 1 || *points > kMostPoints)) {
    return base::Status::Invalid("parameter points: expected 1 to " + std::to_string(kMostPoints) + ", found " +
                                 std::to_string(*points));
  }
  series.points = static_cast<size_t>(points.value_or(kPoints));
  return series;
}

void QueryRoutes::Series(const Request& request, const Reply& reply) const {
  auto answer = [&]() -> base::Status {
    ASSIGN_OR_RETURN(Parameters parameters, Parameters::Of(request));
    ASSIGN_OR_RETURN(query::SeriesRequest series, SeriesOf(parameters));
    ASSIGN_OR_RETURN(auto budget, BudgetOf(parameters));
    Answering answering(reply, budget, metrics_);
    auto found = query::ReadSeries(source_, series, answering.budget());
    if (found.ok()) {
      for (const auto& one : found->series) {
        if (!answering.Write(ToJson(series, *found, one))) break;
      }
    }
    answering.End(found.status());
    return {};
  };
  if (auto status = answer(); !status.ok()) Fail(reply, status);
}

void QueryRoutes::Fields(const Request& request, const Reply& reply) const {
  auto answer = [&]() -> base::Status {
    ASSIGN_OR_RETURN(Parameters parameters, Parameters::Of(request));
    ASSIGN_OR_RETURN(query::Query query, FilterOf(parameters, "fields"));
    ASSIGN_OR_RETURN(auto sample, parameters.Integer("sample"));
    ASSIGN_OR_RETURN(auto budget, BudgetOf(parameters));
    Answering answering(reply, budget, metrics_);
    model::Scan scan;
    scan.project = query.project;
    scan.filter = std::move(query.filter);
    auto list =
        query::ListFields(source_, scan, static_cast<uint64_t>(sample.value_or(kFieldSample)), answering.budget());
    if (list.ok()) {
      for (const auto& field : list->fields) {
        if (!answering.Write(ToJson(field, list->records))) break;
      }
    }
    answering.End(list.status());
    return {};
  };
  if (auto status = answer(); !status.ok()) Fail(reply, status);
}

}  // namespace rankscope::api
