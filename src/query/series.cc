#include "query/series.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "model/record_value.h"
#include "query/cell.h"
#include "query/series_values.h"

namespace rankscope::query {
namespace {

using model::Aggregate;
using model::Cell;
using model::Filter;
using Function = Aggregate::Function;
using By = SeriesRequest::By;
using Labels = std::vector<std::pair<std::string, Cell>>;

constexpr double kMostSteps = 1'000'000;               // of a window
constexpr int kMostStepBits = 62, kMostTimeBits = 43;  // of a width; longer ones in ns are no int64
constexpr size_t kBucketBytes = sizeof(SeriesBucket) + 64;

// The columns of the table that is asked for, in this order.
enum Column : size_t {
  kJob,
  kAttempt,
  kOwner,
  kRank,
  kStream,
  kX,
  kFirst,
  kLast,
  kMin,
  kMax,
  kLow,
  kHigh,
  kAvg,
  kCount,
  kNonfinite,
  kMoreNonfinite,
  kSteps
};

std::string OwnerKey(By by) {
  if (by == By::kNodeRank) return "node_rank";
  return by == By::kHost ? "host" : by == By::kJob ? "job_id" : "rank";
}

std::optional<double> NumberOf(const Cell& cell) {
  auto number = model::WideNumber(ViewOf(cell));
  if (!number || std::isnan(*number)) return std::nullopt;
  return static_cast<double>(*number);
}

int64_t CountOf(const Cell& cell) { return static_cast<int64_t>(NumberOf(cell).value_or(0)); }

class SeriesReader {
 public:
  SeriesReader(LogSource* source, const SeriesRequest& request, base::Budget* budget)
      : source_(source), request_(request), budget_(budget) {
    scan_.project = request.project;
    std::vector<Filter> terms = {request.filter, Filter::Exists(request.metric)};
    if (request.from_step || request.to_step) {
      terms.push_back(Filter::Range("step", static_cast<long double>(request.from_step.value_or(INT64_MIN)),
                                    static_cast<long double>(request.to_step.value_or(INT64_MAX))));
    }
    scan_.filter = Filter::And(std::move(terms));
  }

  base::Result<SeriesAnswer> Read() {
    RETURN_IF_ERROR(ReadExtents());
    if (owners_.empty()) return std::move(answer_);
    RETURN_IF_ERROR(source_->Aggregate(scan_, Buckets(), budget_, [this](const auto& row) {
      TakeRow(row);
      return true;
    }));
    if (any_nan_edge_) RETURN_IF_ERROR(ReadNumericEdges());
    request_.by == By::kRank ? EachRank() : Spread();
    std::erase_if(answer_.series, HasNoNumber);
    return std::move(answer_);
  }

 private:
  struct Owner {
    int64_t from, to;  // steps or ms
    std::map<int64_t, RankValues> ranks{};
  };
  struct LabelsOrder {
    bool operator()(const Labels& a, const Labels& b) const {
      for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        if (int order = Compare(ViewOf(a[i].second), ViewOf(b[i].second)); order != 0) return order < 0;
      }
      return a.size() < b.size();
    }
  };
  using Owners = std::map<Labels, Owner, LabelsOrder>;

  // What is asked for may be a text, as msg is.
  static bool HasNoNumber(const Series& series) {
    return std::none_of(series.buckets.begin(), series.buckets.end(),
                        [](const SeriesBucket& bucket) { return bucket.min || bucket.max || bucket.nonfinite > 0; });
  }

  std::vector<model::GroupKey> OwnerKeys() const {
    using Kind = model::GroupKey::Kind;
    return {{Kind::kField, "job_id", 1, "job_id"},
            {Kind::kField, "attempt", 1, "attempt"},
            {Kind::kField, OwnerKey(request_.by), 1, "owner"}};
  }

  // Where each series begins and ends, whether in steps or in time, and how wide a bucket is.
  base::Status ReadExtents() {
    model::Aggregation table;
    table.groups = OwnerKeys();
    table.aggregates = {{Function::kMin, "step", 0, "a"},
                        {Function::kMax, "step", 0, "b"},
                        {Function::kMin, "timestamp", 0, "c"},
                        {Function::kMax, "timestamp", 0, "d"}};
    Owners in_steps, in_time;
    RETURN_IF_ERROR(source_->Aggregate(scan_, table, budget_, [&](const auto& row) {
      const Cell* ends = &row[kOwner + 1];
      const auto *low = std::get_if<int64_t>(&ends[0]), *high = std::get_if<int64_t>(&ends[1]);
      const auto *first = std::get_if<model::Time>(&ends[2]), *last = std::get_if<model::Time>(&ends[3]);
      if (low && high) in_steps.insert({OwnerOf(row), {*low, *high}});
      if (first && last) in_time.insert({OwnerOf(row), {first->ns / base::kNsPerMs, last->ns / base::kNsPerMs}});
      return true;
    }));
    answer_.in_time = request_.in_time || in_steps.empty();
    owners_ = answer_.in_time ? std::move(in_time) : std::move(in_steps);
    for (const auto& [labels, owner] : owners_) answer_.width = std::max(answer_.width, WidthFor(owner));
    return {};
  }

  // The least power of two.
  int64_t WidthFor(const Owner& owner) const {
    int bits = 0, most = answer_.in_time ? kMostTimeBits : kMostStepBits;
    auto buckets = [&] { return static_cast<double>(owner.to >> bits) - static_cast<double>(owner.from >> bits) + 1; };
    while (buckets() > static_cast<double>(request_.points) && bits < most) ++bits;
    return int64_t{1} << bits;
  }

  model::Aggregation Buckets() const {
    using Kind = model::GroupKey::Kind;
    model::Aggregation table;
    table.groups = OwnerKeys();
    table.groups.push_back({Kind::kField, "rank", 1, "rank"});
    table.groups.push_back({Kind::kField, "stream", 1, "stream"});
    if (answer_.in_time) {
      table.groups.push_back({Kind::kTime, "timestamp", answer_.width * base::kNsPerMs, "x"});
    } else {
      table.groups.push_back({Kind::kStep, "step", answer_.width, "x"});
    }
    const std::string& m = request_.metric;
    table.aggregates = {{Function::kFirst, m, 0, "first"},
                        {Function::kLast, m, 0, "last"},
                        {Function::kMin, m, 0, "min"},
                        {Function::kMax, m, 0, "max"},
                        {Function::kMin, m + "_min", 0, "low"},
                        {Function::kMax, m + "_max", 0, "high"},
                        {Function::kAvg, m, 0, "avg"},
                        {Function::kCount, m, 0, "count"},
                        {Function::kNonfinite, m, 0, "nonfinite"},
                        {Function::kSum, m + "_nonfinite", 0, "more"},
                        {Function::kMax, "window_steps", 0, "steps"}};
    return table;
  }

  void TakeRow(const std::vector<Cell>& row) {
    auto x = PlaceOf(row);
    RankBuckets* buckets = BucketsOf(row);
    if (!x || !buckets) return;
    budget_->Take(kBucketBytes);
    RankBucket& held = (*buckets)[*x];
    held.bucket.x = *x;
    Merge(row, &held);
    any_nan_edge_ = any_nan_edge_ || LacksEdge(held.bucket);
  }

  // Nothing: without a step, among others with steps.
  static std::optional<int64_t> PlaceOf(const std::vector<Cell>& row) {
    if (const auto* time = std::get_if<model::Time>(&row[kX])) return time->ns / base::kNsPerMs;
    const auto* step = std::get_if<int64_t>(&row[kX]);
    return step ? std::optional(*step) : std::nullopt;
  }

  // Those that the row's stream has of its rank. Null: of an owner that came after the first reading.
  RankBuckets* BucketsOf(const std::vector<Cell>& row) {
    const auto* stream = std::get_if<std::string>(&row[kStream]);
    bool metric = stream && *stream == model::StreamName(model::Stream::kMetric);
    auto owner = owners_.find(OwnerOf(row));
    if (owner == owners_.end()) return nullptr;
    RankValues& values = owner->second.ranks[RankOf(row)];
    return metric ? &values.logged : &values.printed;
  }

  // Its first or last value is NaN, and others are not.
  static bool LacksEdge(const SeriesBucket& bucket) { return bucket.min && (!bucket.first || !bucket.last); }

  // NaN lies in no range: the same buckets without it. Records come between the two readings: a bucket that only this
  // one has is none of the answer's.
  base::Status ReadNumericEdges() {
    model::Scan scan = scan_;
    scan.filter = Filter::And({std::move(scan.filter), Filter::Range(request_.metric, -INFINITY, INFINITY)});
    return source_->Aggregate(scan, Buckets(), budget_, [this](const auto& row) {
      auto x = PlaceOf(row);
      RankBuckets* buckets = BucketsOf(row);
      if (!x || !buckets) return true;
      auto held = buckets->find(*x);
      if (held == buckets->end() || !LacksEdge(held->second.bucket)) return true;
      SeriesBucket& bucket = held->second.bucket;
      if (!bucket.first) bucket.first = NumberOf(row[kFirst]);
      if (!bucket.last) bucket.last = NumberOf(row[kLast]);
      return true;
    });
  }

  Labels OwnerOf(const std::vector<Cell>& row) const {
    Labels labels = {{"job_id", row[kJob]}, {"attempt", row[kAttempt]}};
    if (request_.by != By::kJob) labels.emplace_back(OwnerKey(request_.by), row[kOwner]);
    return labels;
  }
  static int64_t RankOf(const std::vector<Cell>& row) {
    const auto* rank = std::get_if<int64_t>(&row[kRank]);
    return rank ? *rank : -1;
  }

  // The same bucket may come from stdout and from stderr.
  static void Merge(const std::vector<Cell>& row, RankBucket* into) {
    SeriesBucket* bucket = &into->bucket;
    bool fresh = bucket->count == 0;
    bucket->ranks = 1;
    for (Column column : {kMin, kLow}) Lower(NumberOf(row[column]), &bucket->min);
    for (Column column : {kMax, kHigh}) Raise(NumberOf(row[column]), &bucket->max);
    // Whoever claims more has no window of ours.
    into->steps = static_cast<int64_t>(std::clamp(NumberOf(row[kSteps]).value_or(1), 1.0, kMostSteps));
    if (!fresh) return;
    bucket->first = NumberOf(row[kFirst]);
    bucket->last = NumberOf(row[kLast]);
    bucket->count = CountOf(row[kCount]);
    // A window's own count has its last value in it.
    bucket->nonfinite = std::max(CountOf(row[kNonfinite]), CountOf(row[kMoreNonfinite]));
    into->mean = NumberOf(row[kAvg]);
  }

  RankBuckets Preferred(RankValues* values) const {
    return answer_.in_time ? values->TakePreferredInTime() : values->TakePreferred(answer_.width > 1);
  }

  void EachRank() {
    for (auto& [labels, owner] : owners_) {
      Series series{labels, {}, owner.from, owner.to};
      for (auto& [rank, values] : owner.ranks) {
        for (auto& [x, held] : Preferred(&values)) series.buckets.push_back(held.bucket);
      }
      answer_.series.push_back(std::move(series));
    }
  }

  void Spread() {
    for (auto& [labels, owner] : owners_) {
      std::map<int64_t, std::vector<RankBucket>> columns;
      for (auto& [rank, values] : owner.ranks) {
        for (auto& [x, held] : Preferred(&values)) columns[x].push_back(held);
      }
      Series series{labels, {}, owner.from, owner.to};
      for (auto& [x, held] : columns) series.buckets.push_back(SpreadOf(x, held));
      answer_.series.push_back(std::move(series));
    }
  }

  static SeriesBucket SpreadOf(int64_t x, const std::vector<RankBucket>& ranks) {
    SeriesBucket spread;
    spread.x = x;
    std::vector<double> means;
    for (const RankBucket& rank : ranks) {
      Lower(rank.bucket.min, &spread.min);
      Raise(rank.bucket.max, &spread.max);
      spread.count += rank.bucket.count;
      spread.nonfinite += rank.bucket.nonfinite;
      ++spread.ranks;
      if (rank.mean) means.push_back(*rank.mean);
    }
    if (means.empty()) return spread;
    std::sort(means.begin(), means.end());
    size_t middle = means.size() / 2;
    spread.median = means.size() % 2 == 1 ? means[middle] : (means[middle - 1] + means[middle]) / 2;
    return spread;
  }

  LogSource* source_;
  const SeriesRequest& request_;
  base::Budget* budget_;
  model::Scan scan_;
  SeriesAnswer answer_;
  Owners owners_;
  bool any_nan_edge_ = false;
};

}  // namespace

std::optional<SeriesRequest::By> ParseSeriesBy(std::string_view name) {
  if (name == "rank") return By::kRank;
  if (name == "node_rank") return By::kNodeRank;
  if (name == "host") return By::kHost;
  if (name == "job" || name == "job_id") return By::kJob;
  return std::nullopt;
}

base::Result<SeriesAnswer> ReadSeries(LogSource* source, const SeriesRequest& request, base::Budget* budget) {
  return SeriesReader(source, request, budget).Read();
}

}  // namespace rankscope::query
