#include "detect/metric_reader.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "model/record_value.h"

namespace rankscope::detect {
namespace {

constexpr double kUnset = std::numeric_limits<double>::quiet_NaN();

std::optional<double> NumberOf(const model::FieldView& field) {
  switch (field.kind) {
    case model::FieldView::Kind::kDouble:
      return field.number;
    case model::FieldView::Kind::kInteger:
      return static_cast<double>(field.integer);
    case model::FieldView::Kind::kText:
      break;
  }
  // NaN and infinities are texts in JSON; any other text is no measurement.
  auto number = model::ParseNumber(field.text);
  if (!number || !std::holds_alternative<double>(*number) || std::isfinite(std::get<double>(*number))) {
    return std::nullopt;
  }
  return std::get<double>(*number);
}

// A count that a record says of itself; `least` where it says nonsense.
int32_t CountOf(double value, int32_t least) {
  constexpr double kMost = 1e9;
  return value >= least && value <= kMost ? static_cast<int32_t>(value) : least;
}

void Set(Statistic statistic, double value, Point* point) {
  switch (statistic) {
    case Statistic::kLast:
      point->last = value;
      return;
    case Statistic::kMin:
      point->min = value;
      return;
    case Statistic::kMax:
      point->max = value;
      return;
    case Statistic::kMean:
      point->mean = value;
      return;
    case Statistic::kNonfinite:
      point->nonfinite = CountOf(value, 0);
      return;
  }
}

// What a record does not say follows from what it says.
void Complete(Point* point) {
  bool finite = std::isfinite(point->last);
  if (!finite && point->nonfinite == 0) point->nonfinite = 1;
  double known = finite ? point->last : kUnset;
  if (std::isnan(point->min)) point->min = known;
  if (std::isnan(point->max)) point->max = known;
  if (std::isnan(point->mean)) point->mean = point->nonfinite == 0 ? known : (point->min + point->max) / 2;
}

// Fields that frameworks derive a canonical one from which it is not.
struct Misnomer {
  std::string_view printed, canonical;
};
constexpr std::array kMisnomers = {
    Misnomer{"train_speed(s/it)", "step_time_s"}, Misnomer{"train_speed(iter/s)", "step_time_s"},
    Misnomer{"memory(GiB)", "gpu_memory_gib"}, Misnomer{"num_tokens", "tokens"},  // TRL's: all until now, no batch's
};

constexpr std::string_view kThermal = "thermal_throttling";

bool IsThermallyThrottled(const model::RecordView& sample) {
  const model::FieldView* reasons = sample.FindField("throttle_reasons");
  return reasons && reasons->text.find("thermal") != std::string_view::npos;
}

bool IsMisnamed(const model::RecordView& record, std::string_view field) {
  for (const Misnomer& misnomer : kMisnomers) {
    if (field == misnomer.canonical && record.FindField(misnomer.printed)) return true;
  }
  return false;
}

}  // namespace

Point* MetricReader::PointOf(int metric, const model::RecordView& record, Points* points) {
  size_t& place = places_[static_cast<size_t>(metric)];
  if (place > 0) return &(*points)[place - 1].second;
  Point point;
  point.step = record.step;
  point.time = record.time;
  point.steps = steps_;
  point.last = point.min = point.max = point.mean = kUnset;
  points->emplace_back(metric, point);
  place = points->size();
  return &points->back().second;
}

const MetricReader::Column& MetricReader::ColumnOf(size_t number, std::string_view name) {
  if (number >= layout_.size()) layout_.resize(number + 1);
  Column& column = layout_[number];
  if (column.name == name) return column;
  column.name = name;
  column.use = rules_->FindField(name);
  column.of_evaluation = name.starts_with("eval_") || name.starts_with("eval/");
  return column;
}

bool MetricReader::IsEvaluationRow(const model::RecordView& record) {
  for (size_t i = 0; i < record.fields.size(); ++i) {
    if (ColumnOf(i, record.fields[i].name).of_evaluation) return true;
  }
  return false;
}

bool MetricReader::Read(const model::RecordView& record, Points* points) {
  points->clear();
  if (IsEvaluationRow(record)) return true;
  if (record.fields.empty() || record.stream == model::Stream::kEvent) return false;
  const model::FieldView* steps = record.FindField("window_steps");
  steps_ = steps ? CountOf(NumberOf(*steps).value_or(1), 1) : 1;
  uint64_t said = 0;  // of the first 64 metrics: have a value, not statistics alone
  for (size_t i = 0; i < record.fields.size(); ++i) {
    const model::FieldView& field = record.fields[i];
    const RuleSet::FieldUse* use = layout_[i].use;  // IsEvaluationRow has looked at all of them
    if (!use || IsMisnamed(record, field.name)) continue;
    auto number = NumberOf(field);
    if (!number) continue;
    Set(use->statistic, *number, PointOf(use->metric, record, points));
    if (use->statistic == Statistic::kLast) said |= uint64_t{1} << (use->metric % 64);
  }
  const RuleSet::FieldUse* thermal = record.stream == model::Stream::kGpu ? rules_->FindField(kThermal) : nullptr;
  if (thermal) {
    PointOf(thermal->metric, record, points)->last = IsThermallyThrottled(record) ? 1 : 0;
    said |= uint64_t{1} << (thermal->metric % 64);
  }
  for (const auto& [metric, point] : *points) places_[static_cast<size_t>(metric)] = 0;
  std::erase_if(*points, [&](const auto& entry) { return (said >> (entry.first % 64) & 1) == 0; });
  for (auto& [metric, point] : *points) Complete(&point);
  return false;
}

}  // namespace rankscope::detect
