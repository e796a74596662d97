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

// Which step a rank had reached when. In the order of times.
using Steps = std::vector<std::pair<base::TimeNs, int64_t>>;

// One metric of one rank: its samples where they were taken, in steps or in ms.
class MetricTrack {
 public:
  // The samples come in the order of their times.
  MetricTrack(std::vector<Sample> samples, bool in_time) {
    PreferMetricStream(&samples);
    for (const Sample& sample : samples) {
      if (in_time) points_.emplace_back(sample.time / base::kNsPerMs, sample.value);
      if (!in_time && sample.step) points_.emplace_back(*sample.step, sample.value);
    }
    std::stable_sort(points_.begin(), points_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
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

  model::Points points_;
};

std::optional<int64_t> StepAt(base::TimeNs time, const Steps& steps) {
  auto after = std::upper_bound(steps.begin(), steps.end(), time,
                                [](base::TimeNs at, const auto& step) { return at < step.first; });
  return after == steps.begin() ? std::nullopt : std::optional(std::prev(after)->second);
}

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

  // What the rank of some hits told.
  struct Told {
    std::vector<std::vector<Sample>> metrics;  // as keys_
    Steps steps;
  };

  void JoinRank(const std::vector<size_t>& hits) {
    Told told = Read(hits);
    for (size_t i = 0; i < told.metrics.size(); ++i) {
      size_t bytes = told.metrics[i].size() * sizeof(Sample);
      MetricTrack track(std::move(told.metrics[i]), pipe_.in_time);
      for (size_t hit : hits) AddColumns(keys_[i], track, told.steps, &hits_[hit]);
      execution_->budget->Give(bytes);
    }
    execution_->budget->Give(told.steps.size() * sizeof(Steps::value_type));
  }

  Told Read(const std::vector<size_t>& hits) {
    model::Scan scan;
    scan.project = execution_->query->project;
    scan.fields = {"timestamp", "stream", "step"};
    std::vector<Filter> any;
    for (const auto& key : keys_) {
      any.push_back(Filter::Exists(key.name));
      scan.fields.push_back(key.name);
    }
    if (NeedsSteps(hits)) any.push_back(Filter::Exists("step"));
    scan.filter = Filter::And(
        {SameRank(hits_[hits.front()].held.row().record->origin), Filter::Or(std::move(any)), TimesOf(hits)});
    Told told;
    told.metrics.resize(keys_.size());
    base::Status status = execution_->source->Read(scan, execution_->budget, [&](const Record& record) {
      AddSteps(record, &told.steps);
      AddSamples(record, &told.metrics);
      return true;
    });
    if (execution_->status.ok()) execution_->status = status;
    return told;
  }

  bool NeedsSteps(const std::vector<size_t>& hits) const {
    return !pipe_.in_time &&
           std::any_of(hits.begin(), hits.end(), [&](size_t hit) { return !hits_[hit].held.row().record->step; });
  }

  // Only where the step changes: a line without one stands behind the last.
  void AddSteps(const Record& record, Steps* steps) const {
    if (!record.step || (!steps->empty() && steps->back().second == *record.step)) return;
    execution_->budget->Take(sizeof(Steps::value_type));
    steps->emplace_back(record.time, *record.step);
  }

  void AddSamples(const Record& record, std::vector<std::vector<Sample>>* metrics) const {
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

  // Its own step, else the one that its rank had reached.
  std::optional<int64_t> PlaceOf(const Record& record, const Steps& steps) const {
    if (pipe_.in_time) return record.time / base::kNsPerMs;
    return record.step ? record.step : StepAt(record.time, steps);
  }

  // NAME and NAME_around, unless the hit has a NAME itself.
  void AddColumns(const model::RecordKey& key, const MetricTrack& track, const Steps& steps, Hit* hit) const {
    Row row = hit->held.row();
    auto place = PlaceOf(*row.record, steps);
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
