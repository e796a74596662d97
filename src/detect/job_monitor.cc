#include "detect/job_monitor.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "model/event.h"

namespace rankscope::detect {
namespace {

// Silence is looked for so often, in the records' time.
constexpr int64_t kTickNs = base::kNsPerSecond;
// A record that is so far from all before it may have a wrong time, and is not believed for so long.
constexpr uint64_t kLeapNs = 3600 * base::kNsPerSecond, kDoubtNs = 60 * base::kNsPerSecond;

// Times are any: their difference may be more than an int64_t holds.
uint64_t Between(base::TimeNs a, base::TimeNs b) {
  auto first = static_cast<uint64_t>(a), second = static_cast<uint64_t>(b);
  return a > b ? first - second : second - first;
}

int64_t DeviceOf(const model::RecordView& record) {
  if (record.stream != model::Stream::kGpu) return -1;
  const model::FieldView* index = record.FindField("gpu_index");
  if (!index) return 0;
  bool whole = index->kind == model::FieldView::Kind::kInteger ||
               (index->kind == model::FieldView::Kind::kDouble && index->decimals == 0);
  return whole ? index->integer : 0;
}

}  // namespace

JobMonitor::JobMonitor(std::shared_ptr<const RuleSet> rules, std::string job, int32_t attempt, Episodes::Sink sink,
                       JobRules::Refused refused)
    : rules_(std::move(rules)),
      job_(std::move(job)),
      attempt_(attempt),
      sink_(std::move(sink)),
      job_rules_(
          job_, attempt, [this](const Finding& finding) { Tell(finding); }, std::move(refused)),
      reader_(rules_.get()) {
  Build();
}

void JobMonitor::Build() {
  routes_ = {};
  routes_.patterns.resize(rules_->patterns().size());
  routes_.metrics.resize(rules_->metrics().size());
  routes_.steps.resize(rules_->metrics().size());
  rows_.assign(rules_->metrics().size(), {});
  for (const Rule& rule : rules_->rules()) {
    episodes_.push_back(
        std::make_unique<Episodes>(rule, job_, attempt_, [this](const Finding& finding) { Tell(finding); }));
    watches_.push_back(MakeWatch(rule, *rules_, episodes_.back().get(), &routes_));
  }
  auto number_of = [&](std::string_view name) {
    const RuleSet::FieldUse* use = rules_->FindField(name);
    return use ? use->metric : -1;
  };
  step_time_metric_ = number_of("step_time_s");
  shape_metrics_ = {number_of("tokens"), number_of("sequence_length")};
  speeds_.clear();
  for (const RuleSet::Metric& metric : rules_->metrics()) speeds_.push_back(BatchScale::SpeedOf(metric.name));
}

void JobMonitor::Use(std::shared_ptr<const RuleSet> rules) {
  std::map<std::string, std::unique_ptr<Episodes>> before;
  for (size_t i = 0; i < episodes_.size(); ++i) before[rules_->rules()[i].name] = std::move(episodes_[i]);
  watches_.clear();
  episodes_.clear();
  sources_.clear();
  std::shared_ptr<const RuleSet> kept = std::exchange(rules_, std::move(rules));
  reader_ = MetricReader(rules_.get());
  Build();
  for (size_t i = 0; i < episodes_.size(); ++i) {
    auto found = before.find(rules_->rules()[i].name);
    if (found != before.end()) episodes_[i]->Adopt(found->second.get());
  }
}

size_t JobMonitor::HashOfSource::operator()(const SourceKey& key) const {
  uint64_t ranks = static_cast<uint64_t>(static_cast<uint32_t>(key.node_rank)) << 32 | static_cast<uint32_t>(key.rank);
  constexpr uint64_t kSpread = 0x9E3779B97F4A7C15;
  return (ranks ^ static_cast<uint64_t>(key.device) << 20) * kSpread >> 20;
}

JobMonitor::Held& JobMonitor::SourceOf(const model::RecordView& record) {
  const model::Origin& origin = *record.origin;
  SourceKey key{origin.node_rank.value_or(-1), origin.rank.value_or(-1), DeviceOf(record)};
  auto [found, is_new] = sources_.try_emplace(key);
  Held& held = found->second;
  if (is_new) {
    held.source.training = &training_;
    held.source.slot = sources_.size() - 1;
    held.source.scope = {.node_rank = origin.node_rank, .rank = origin.rank};
    for (const RuleSet::Metric& metric : rules_->metrics()) held.source.series.emplace_back(metric.points);
    held.from_metrics.resize(rules_->metrics().size());
  }
  return held;
}

void JobMonitor::Resume(std::vector<Finding> told) {
  std::map<std::string, std::vector<Finding>> by_rule;
  for (Finding& finding : told) by_rule[finding.rule].push_back(std::move(finding));
  for (size_t i = 0; i < episodes_.size(); ++i) {
    episodes_[i]->Resume(std::exchange(by_rule[rules_->rules()[i].name], {}));
  }
  std::vector<Finding> others;
  for (auto& [name, findings] : by_rule) {
    for (Finding& finding : findings) others.push_back(std::move(finding));
  }
  job_rules_.Resume(std::move(others), training_.now);
}

// The server's own words are none of the job's, but a finding says how far time had come when it was made: in a stored
// job they stand for the ticks that let silence be noticed.
bool JobMonitor::TakeJudgement(const model::RecordView& record) {
  if (record.stream != model::Stream::kEvent) return false;
  const model::FieldView* event = record.FindField("event");
  if (!event || !model::IsJudgement(event->text)) return false;
  if (event->text == "finding") Advance(record.time);
  if (event->text == "action") training_.pause.Take(record);
  if (event->text.starts_with("detector_")) job_rules_.Take(SourceOf(record).source, record);
  return true;
}

void JobMonitor::Take(const model::RecordView& record) {
  if (TakeJudgement(record)) return;
  if (IsTimeBelieved(record.time)) {
    if (record.time >= next_tick_) Advance(record.time);  // as ticks would have, had they come
    training_.now = std::max(training_.now, record.time);
  }
  if (record.step) {
    training_.step = record.step;
    training_.pause.Pass(*record.step, training_.now);
  }
  Held& held = SourceOf(record);
  if (Read(record)) {
    training_.paused_at = std::min(record.time, training_.now);
    training_.paused_step = training_.step.value_or(0);
  }
  if (record.stream == model::Stream::kEvent) TakeEvent(record);
  if (record.stream == model::Stream::kBatch) TakeBatch(&held, record);
  for (Watch* watch : routes_.records) watch->TakeRecord(held.source, record);
  if (!record.text.empty()) TakeLine(held, record);
  if (!points_.empty()) TakePoints(&held, record);
}

// What a run says of itself.
void JobMonitor::TakeEvent(const model::RecordView& record) {
  training_.parallelism.Take(record);
  if (auto schedule = ScheduleOf(record)) training_.schedule = std::move(schedule);
}

// One clock that is wrong would make everybody else silent: that so much time has passed is believed once nobody has
// said anything from before it for a while. Likewise where the first record of all had a wrong one.
bool JobMonitor::IsTimeBelieved(base::TimeNs time) {
  if (training_.now == 0 || Between(time, training_.now) <= kLeapNs) {
    leapt_to_.reset();
    return true;
  }
  if (!leapt_to_) leapt_to_ = time;
  if (time < *leapt_to_ || Between(time, *leapt_to_) < kDoubtNs) return false;
  leapt_to_.reset();
  training_.now = time;
  next_tick_ = std::min(next_tick_, time);
  return true;
}

bool JobMonitor::Read(const model::RecordView& record) {
  found_.clear();
  if (!record.text.empty()) rules_->patterns().Match(record.text, &found_);
  bool evaluation = reader_.Read(record, &points_);
  return evaluation || std::find(found_.begin(), found_.end(), rules_->pause_pattern()) != found_.end();
}

void JobMonitor::TakeLine(const Held& held, const model::RecordView& record) {
  for (int pattern : found_) {
    for (Watch* watch : routes_.patterns[static_cast<size_t>(pattern)]) {
      watch->TakeLine(held.source, record, pattern);
    }
  }
  job_rules_.TakeLine(held.source, record);
}

void JobMonitor::TakePoints(Held* held, const model::RecordView& record) {
  DeriveStepTime(held, record);
  bool from_metrics = record.stream == model::Stream::kMetric;
  std::erase_if(points_, [&](auto& entry) {
    auto& preferred = held->from_metrics[static_cast<size_t>(entry.first)];
    preferred |= from_metrics ? 1 : 0;
    return preferred != 0 && !from_metrics;  // the same once more, as it was printed
  });
  TakeShape(held);
  for (auto& [metric, point] : points_) {
    SeriesWindow& series = held->source.series[static_cast<size_t>(metric)];
    point.disturbed = IsDisturbed(series, record.time);
    bool rate = speeds_[static_cast<size_t>(metric)] == BatchScale::Speed::kTokensPerSecond;
    auto batch = rate ? BatchOf(*held, point) : std::nullopt;
    Point own = point;
    if (batch) scale_.TakeThroughput(*batch, &own);
    series.Add(own);
  }
  for (auto& [metric, point] : points_) {
    for (Watch* watch : routes_.metrics[static_cast<size_t>(metric)]) watch->TakePoint(held->source, metric, record);
    TakeStep(*held, metric, point, record);
  }
}

// What lies between two points may have made the second a slow one.
bool JobMonitor::IsDisturbed(const SeriesWindow& series, base::TimeNs time) const {
  if (series.size() == 0) return false;
  base::TimeNs before = series.at(0).time;
  return training_.paused_at >= before || training_.pause.Touches(before, time);
}

void JobMonitor::TakeBatch(Held* held, const model::RecordView& record) {
  auto work = WorkOf(record);
  if (!work) return;
  const BatchWork& so_far = held->batches.Take(*record.step, *work);
  scale_.Take(*record.step, so_far, held->batches.times_back());
}

// Of the steps that the point is of, as far as they are known.
std::optional<BatchWork> JobMonitor::BatchOf(const Held& held, const Point& point) const {
  auto batch = held.batches.Over(point);
  if (!batch) return batch;
  batch->rate = scale_.RateOf(held.batches, point);
  if (shape_metrics_[0] < 0) return batch;
  const SeriesWindow& tokens = held.source.series[static_cast<size_t>(shape_metrics_[0])];
  bool counts = tokens.size() > 0 && tokens.at(0).step == point.step && tokens.at(0).mean > 0;
  if (!counts) return batch;
  batch->rate *= tokens.at(0).mean / batch->counted;
  batch->counted = tokens.at(0).mean;
  return batch;
}

// Batches of another shape take another time: speeds are measured anew, unless they are scaled by their batch.
void JobMonitor::TakeShape(Held* held) {
  bool changed = false, weighed = !held->batches.empty(), several = false;
  for (const auto& [metric, point] : points_) {
    several |= point.steps > 1;
    for (size_t i = 0; i < shape_metrics_.size(); ++i) {
      if (metric == shape_metrics_[i]) changed |= held->shapes[i].Take(point);
    }
  }
  if (!changed) return;
  for (size_t metric = 0; metric < speeds_.size(); ++metric) {
    if (speeds_[metric] == BatchScale::Speed::kNone) continue;
    if (!weighed || !several) held->source.series[metric].Clear();
    if (!weighed) rows_[metric].Restart();
  }
}

void JobMonitor::TakeStep(const Held& held, int metric, const Point& point, const model::RecordView& record) {
  auto index = static_cast<size_t>(metric);
  if (routes_.steps[index].empty()) return;
  bool by_batch = speeds_[index] != BatchScale::Speed::kNone && !held.batches.empty();
  std::optional<BatchWork> batch;
  if (by_batch) batch = BatchOf(held, point);
  rows_[index].Take(held.source, held.source.series[index].steps_seen(), point, batch);
  while (StepRow* row = rows_[index].Next()) {
    if (by_batch) scale_.Scale(speeds_[index], row);
    Point middle = row->Middle();
    for (Watch* watch : routes_.steps[index]) watch->TakeStep(*row, middle, record);
  }
}

// Who tells no step time has one: the time from step to step.
void JobMonitor::DeriveStepTime(Held* held, const model::RecordView& record) {
  bool from_metrics = record.stream == model::Stream::kMetric;
  if (step_time_metric_ < 0 || !record.step || (held->step_from_metrics && !from_metrics)) return;
  for (const auto& [metric, point] : points_) {
    if (metric == step_time_metric_) return;
  }
  bool follows = held->step && *record.step > *held->step && record.time > held->step_time &&
                 held->step_from_metrics == from_metrics;
  if (follows) {
    int64_t steps = *record.step - *held->step;
    double seconds = static_cast<double>(record.time - held->step_time) / base::kNsPerSecond;
    Point point = Point::Of(seconds / static_cast<double>(steps), record.step, record.time);
    point.steps = static_cast<int32_t>(std::min<int64_t>(steps, INT32_MAX));
    points_.emplace_back(step_time_metric_, point);
  }
  held->step = record.step;
  held->step_time = record.time;
  held->step_from_metrics = from_metrics;
}

void JobMonitor::Advance(base::TimeNs now) {
  next_tick_ = now + kTickNs;
  training_.now = std::max(training_.now, now);
  for (Watch* watch : routes_.ticks) watch->Advance(now);
  for (auto& episodes : episodes_) episodes->Advance(training_.step, now);
  job_rules_.Advance(training_.step, now);
}

void JobMonitor::Tell(const Finding& finding) {
  sink_(finding);
  for (Watch* watch : routes_.findings) watch->TakeFinding(finding);
}

}  // namespace rankscope::detect
