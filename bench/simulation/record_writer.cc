#include "simulation/record_writer.h"

#include <algorithm>
#include <cmath>

#include "model/record_value.h"

namespace rankscope::simulation {
namespace {

const std::string kJob = "j";

struct Names {
  std::string last, min, max, mean, nonfinite;
};

const std::array<Names, kMetricCount>& FieldNames() {
  static const auto kNames = [] {
    std::array<Names, kMetricCount> names;
    for (size_t i = 0; i < names.size(); ++i) {
      std::string name = kMetricNames[i];
      names[i] = {name, name + "_min", name + "_max", name + "_mean", name + "_nonfinite"};
    }
    return names;
  }();
  return kNames;
}

model::Origin OriginOf(std::optional<int32_t> rank, int32_t node) {
  model::Origin origin;
  origin.job = kJob;
  origin.rank = rank;
  origin.node_rank = node;
  return origin;
}

}  // namespace

void RecordWriter::Window::Add(double value) {
  last = value;
  if (!std::isfinite(value)) {
    ++nonfinite;
    return;
  }
  min = finite == 0 ? value : std::min(min, value);
  max = finite == 0 ? value : std::max(max, value);
  sum += value;
  ++finite;
}

RecordWriter::RecordWriter(detect::Engine* engine, int32_t ranks, int32_t nodes, int64_t interval)
    : engine_(engine), interval_(interval) {
  for (int32_t rank = 0; rank < ranks; ++rank) ranks_.push_back({OriginOf(rank, rank * nodes / ranks), {}, 0});
  for (int32_t node = 0; node < nodes; ++node) nodes_.push_back(OriginOf(std::nullopt, node));
}

void RecordWriter::Take(const Sample& sample, int32_t number, int64_t step, base::TimeNs time) {
  Rank& rank = ranks_[static_cast<size_t>(number)];
  for (int metric = 0; metric < kMetricCount; ++metric) {
    auto name = static_cast<Metric>(metric);
    if (sample.Has(name)) rank.windows[name].Add(sample[name]);
  }
  ++rank.steps;
  if (step % interval_ == 0) Flush(&rank, step, time);
}

void RecordWriter::Restart() {
  for (Rank& rank : ranks_) {
    rank.windows = {};
    rank.steps = 0;
  }
}

void RecordWriter::Flush(Rank* rank, int64_t step, base::TimeNs time) {
  view_.fields.clear();
  for (int metric = 0; metric < kMetricCount; ++metric) AddWindow(rank->windows[static_cast<size_t>(metric)], metric);
  points_ += std::count_if(rank->windows.begin(), rank->windows.end(),
                           [](const Window& window) { return window.finite + window.nonfinite > 0; });
  if (rank->steps > 1) AddNumber("window_steps", static_cast<double>(rank->steps));
  rank->windows = {};
  rank->steps = 0;
  view_.text = {};
  Send(rank->origin, model::Stream::kMetric, time, step);
}

void RecordWriter::AddWindow(const Window& window, int metric) {
  if (window.finite + window.nonfinite == 0) return;
  const Names& names = FieldNames()[static_cast<size_t>(metric)];
  AddNumber(names.last, window.last);
  if (window.nonfinite > 0) AddNumber(names.nonfinite, static_cast<double>(window.nonfinite));
  if (window.finite + window.nonfinite == 1 || window.finite == 0) return;
  AddNumber(names.min, window.min);
  AddNumber(names.max, window.max);
  AddNumber(names.mean, window.sum / static_cast<double>(window.finite));
}

void RecordWriter::AddNumber(std::string_view name, double value) {
  model::FieldView field;
  field.name = name;
  field.number = value;
  view_.fields.push_back(field);
}

void RecordWriter::Take(const Line& line, base::TimeNs time) {
  model::Origin origin = OriginOf(line.rank, line.node.value_or(0));
  view_.fields.clear();
  for (const auto& [name, value] : line.fields) {
    model::FieldView field;
    field.name = name;
    if (const auto* text = std::get_if<std::string>(&value)) {
      field.kind = model::FieldView::Kind::kText;
      field.text = *text;
    } else {
      field.number = model::AsNumber(value).value_or(0);
    }
    view_.fields.push_back(field);
  }
  view_.text = line.text;
  Send(origin, line.stream, time, std::nullopt);
}

void RecordWriter::Take(const RankBatch& batch, int32_t rank, int64_t step, base::TimeNs time) {
  std::string lengths;
  for (double length : batch.lengths) lengths += (lengths.empty() ? "[" : ",") + model::NumberText(length);
  lengths += "]";
  model::FieldView field;
  field.name = "lengths";
  field.kind = model::FieldView::Kind::kText;
  field.text = lengths;
  view_.fields.assign(1, field);
  view_.text = {};
  Send(ranks_[static_cast<size_t>(rank)].origin, model::Stream::kBatch, time, step);
}

void RecordWriter::Take(const NodeSample& sample, int32_t node, base::TimeNs time) {
  const model::Origin& origin = nodes_[static_cast<size_t>(node)];
  view_.text = {};
  view_.fields.clear();
  AddNumber("memory_used_percent", sample.memory_used_percent);
  AddNumber("cpu_iowait_percent", sample.iowait_percent);
  AddNumber("shm_free_gib", sample.shm_free_gib);
  Send(origin, model::Stream::kHost, time, std::nullopt);
  view_.fields.clear();
  AddNumber("gpu_index", 0);
  AddNumber("temperature_c", sample.gpu_temperature);
  AddNumber("gpu_utilization_percent", sample.gpu_utilization);
  AddNumber("ecc_uncorrected", sample.ecc_uncorrected);
  model::FieldView reasons;
  reasons.name = "throttle_reasons";
  reasons.kind = model::FieldView::Kind::kText;
  reasons.text = sample.throttle_reasons;
  view_.fields.push_back(reasons);
  Send(origin, model::Stream::kGpu, time, std::nullopt);
}

void RecordWriter::Send(const model::Origin& origin, model::Stream stream, base::TimeNs time,
                        std::optional<int64_t> step) {
  view_.origin = &origin;
  view_.stream = stream;
  view_.time = time;
  view_.seq = ++seq_;
  view_.step = step;
  engine_->Take(view_);
}

}  // namespace rankscope::simulation
