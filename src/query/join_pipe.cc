#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "model/time_text.h"
#include "query/pipes.h"
#include "query/rank_filter.h"

namespace rankscope::query {
namespace {

using model::Filter;
using model::Record;

struct Sample {
  base::TimeNs time = 0;
  std::optional<int64_t> step;
  bool metric = false;  // from the stream `metric`
  double value = 0;
};

// One metric of one rank: its samples where they were taken, in steps or in ms.
class MetricTrack {
 public:
  // The samples come in the order of their times.
  MetricTrack(std::vector<Sample> samples, bool in_time) : in_time_(in_time) {
    for (const Sample& sample : samples) {
      if (sample.step) steps_.emplace_back(sample.time, *sample.step);
    }
    PreferMetricStream(&samples);
    for (const Sample& sample : samples) {
      if (in_time) points_.emplace_back(sample.time / base::kNsPerMs, sample.value);
      if (!in_time && sample.step) points_.emplace_back(*sample.step, sample.value);
    }
    std::stable_sort(points_.begin(), points_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  }

  // Where the record stands on this track: its own step, else that of the last sample before it.
  std::optional<int64_t> PlaceOf(const Record& record) const {
    if (in_time_) return record.time / base::kNsPerMs;
    if (record.step) return record.step;
    auto after = std::upper_bound(steps_.begin(), steps_.end(), record.time,
                                  [](base::TimeNs time, const auto& step) { return time < step.first; });
    return after == steps_.begin() ? std::nullopt : std::optional(std::prev(after)->second);
  }

  model::Points Around(int64_t place, int64_t within) const {
    int64_t low = 0, high = 0;
    if (__builtin_sub_overflow(place, within, &low)) low = INT64_MIN;
    if (__builtin_add_overflow(place, within, &high)) high = INT64_MAX;
    return {Lower(low), Upper(high)};
  }

 private:
  using Iterator = model::Points::const_iterator;
  Iterator Lower(int64_t place) const {
    return std::lower_bound(points_.begin(), points_.end(), place,
                            [](const auto& point, int64_t at) { return point.first < at; });
  }
  Iterator Upper(int64_t place) const {
    return std::upper_bound(points_.begin(), points_.end(), place,
                            [](int64_t at, const auto& point) { return at < point.first; });
  }

  // Of the samples of one step, those of the stream `metric` if there are any.
  static void PreferMetricStream(std::vector<Sample>* samples) {
    std::vector<int64_t> steps;
    for (const Sample& sample : *samples) {
      if (sample.metric && sample.step) steps.push_back(*sample.step);
    }
    std::sort(steps.begin(), steps.end());
    std::erase_if(*samples, [&](const Sample& sample) {
      return !sample.metric && sample.step && std::binary_search(steps.begin(), steps.end(), *sample.step);
    });
  }

  const bool in_time_;
  std::vector<std::pair<base::TimeNs, int64_t>> steps_;
  model::Points points_;
};

// The last value at or before the place, else the first after it.
double Nearest(const model::Points& points, int64_t place) {
  auto after = std::upper_bound(points.begin(), points.end(), place,
                                [](int64_t at, const auto& point) { return at < point.first; });
  return after == points.begin() ? after->second : std::prev(after)->second;
}

class JoinStage : public Stage {
 public:
  JoinStage(const JoinPipe& pipe, Execution* execution, Stage* next) : pipe_(pipe), execution_(execution), next_(next) {
    for (const std::string& name : pipe.metrics) keys_.push_back(model::RecordKey::Of(name));
  }

  bool Take(const Row& row) override {
    execution_->budget->Take(MemoryOf(row));
    hits_.push_back({HeldRow(row), {}});
    if (row.record->origin.rank) by_rank_[RankIdentity(row.record->origin)].push_back(hits_.size() - 1);
    return true;
  }

  void Finish() override {
    for (const auto& [rank, hits] : by_rank_) {
      if (execution_->budget->Spent()) break;
      JoinRank(hits);
    }
    for (const Hit& hit : hits_) {
      Row row = hit.held.row();
      row.columns.insert(row.columns.end(), hit.added.begin(), hit.added.end());
      if (!next_->Take(row)) break;
    }
    next_->Finish();
  }

 private:
  struct Hit {
    HeldRow held;
    std::vector<std::pair<std::string, model::Cell>> added;
  };

  void JoinRank(const std::vector<size_t>& hits) {
    std::vector<std::vector<Sample>> metrics = ReadSamples(hits);
    for (size_t i = 0; i < metrics.size(); ++i) {
      size_t bytes = metrics[i].size() * sizeof(Sample);
      MetricTrack track(std::move(metrics[i]), pipe_.in_time);
      for (size_t hit : hits) AddColumns(keys_[i], track, &hits_[hit]);
      execution_->budget->Give(bytes);
    }
  }

  std::vector<std::vector<Sample>> ReadSamples(const std::vector<size_t>& hits) {
    model::Scan scan;
    scan.project = execution_->query->project;
    scan.fields = {"timestamp", "stream", "step"};
    std::vector<Filter> any;
    for (const auto& key : keys_) {
      any.push_back(Filter::Exists(key.name));
      scan.fields.push_back(key.name);
    }
    scan.filter = Filter::And(
        {SameRank(hits_[hits.front()].held.row().record->origin), Filter::Or(std::move(any)), TimesOf(hits)});
    std::vector<std::vector<Sample>> metrics(keys_.size());
    base::Status status = execution_->source->Read(scan, execution_->budget, [&](const Record& record) {
      AddSample(record, &metrics);
      return true;
    });
    if (execution_->status.ok()) execution_->status = status;
    return metrics;
  }

  void AddSample(const Record& record, std::vector<std::vector<Sample>>* metrics) const {
    for (size_t i = 0; i < keys_.size(); ++i) {
      auto value = model::WideNumber(model::ValueOf(record, keys_[i]));
      if (!value) continue;
      execution_->budget->Take(sizeof(Sample));
      (*metrics)[i].push_back(
          {record.time, record.step, record.stream == model::Stream::kMetric, static_cast<double>(*value)});
    }
  }

  // Steps may lie anywhere; a distance in time bounds what is read.
  Filter TimesOf(const std::vector<size_t>& hits) const {
    if (!pipe_.in_time) return {};
    base::TimeNs first = INT64_MAX, last = INT64_MIN;
    for (size_t hit : hits) {
      base::TimeNs time = hits_[hit].held.row().record->time;
      first = std::min(first, time);
      last = std::max(last, time);
    }
    base::TimeNs since = 0, until = 0;
    if (__builtin_sub_overflow(first, pipe_.within, &since)) since = INT64_MIN;
    if (__builtin_add_overflow(last, pipe_.within + 1, &until)) until = INT64_MAX;
    return Filter::Time(since, until);
  }

  // NAME and NAME_around, unless the hit has a NAME itself.
  void AddColumns(const model::RecordKey& key, const MetricTrack& track, Hit* hit) const {
    Row row = hit->held.row();
    auto place = track.PlaceOf(*row.record);
    if (!place) return;
    int64_t within = pipe_.in_time ? pipe_.within / base::kNsPerMs : pipe_.within;
    model::Points around = track.Around(*place, within);
    if (around.empty()) return;
    execution_->budget->Take(around.size() * sizeof(around.front()));
    bool has_own = !std::holds_alternative<std::monostate>(row.Get(key));
    if (!has_own) hit->added.emplace_back(key.name, Nearest(around, *place));
    hit->added.emplace_back(key.name + "_around", std::move(around));
  }

  const JoinPipe pipe_;
  Execution* execution_;
  Stage* next_;
  std::vector<model::RecordKey> keys_;
  std::vector<Hit> hits_;
  std::map<std::string, std::vector<size_t>> by_rank_;
};

}  // namespace

// join metrics(NAME, …) within N steps | DURATION
base::Result<Pipe> ParseJoin(Scanner* scanner) {
  JoinPipe join;
  if (!scanner->TakeKeyword("metrics") || scanner->peek() != '(') {
    return scanner->Wrong("expected metrics(NAME, …), as in join metrics(loss) within 5 steps");
  }
  RETURN_IF_ERROR(scanner->List([&]() -> base::Status {
    ASSIGN_OR_RETURN(std::string name, scanner->Name());
    join.metrics.push_back(std::move(name));
    return {};
  }));
  scanner->SkipBlanks();
  constexpr std::string_view kDistance = "expected within 5 steps, or within 30s";
  if (!scanner->TakeKeyword("within")) return scanner->Wrong(kDistance);
  scanner->SkipBlanks();
  size_t begin = scanner->position();
  std::string_view distance = scanner->TakeUntil("|)");
  auto duration = model::ParseDuration(distance);
  join.in_time = duration.has_value();
  if (duration) {
    join.within = *duration;
    return Pipe(std::move(join));
  }
  scanner->MoveTo(begin);
  auto steps = scanner->Count();
  if (!steps.ok() || *steps > INT64_MAX) return scanner->WrongAt(begin, kDistance);
  scanner->SkipBlanks();
  if (!scanner->TakeKeyword("steps") && !scanner->TakeKeyword("step")) return scanner->WrongAt(begin, kDistance);
  join.within = static_cast<int64_t>(*steps);
  return Pipe(std::move(join));
}

std::unique_ptr<Stage> Start(const JoinPipe& pipe, Execution* execution, Stage* next) {
  return std::make_unique<JoinStage>(pipe, execution, next);
}

}  // namespace rankscope::query
