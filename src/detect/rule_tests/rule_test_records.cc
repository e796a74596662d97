#include <algorithm>
#include <cmath>

#include "detect/rule_tests/rule_test.h"

namespace rankscope::detect {
namespace {

// Normal noise that is the same on every machine: splitmix64 and Box-Muller.
class Noise {
 public:
  explicit Noise(uint64_t seed) : state_(seed) {}
  double Next() {
    double radius = std::sqrt(-2 * std::log(Uniform())), angle = 2 * M_PI * Uniform();
    return radius * std::cos(angle);
  }

 private:
  double Uniform() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    z ^= z >> 31;
    return (static_cast<double>(z >> 11) + 1) / (static_cast<double>(1ULL << 53) + 1);
  }
  uint64_t state_;
};

// What an interval's record says of one metric, as the ring in the trainer counts it (docs/design/embed.md).
struct Window {
  double last = 0, min = 0, max = 0, sum = 0;
  int64_t count = 0, nonfinite = 0;

  void Add(double value) {
    last = value;
    if (!std::isfinite(value)) {
      ++nonfinite;
      return;
    }
    min = count == 0 ? value : std::min(min, value);
    max = count == 0 ? value : std::max(max, value);
    sum += value;
    ++count;
  }
  void AddTo(const std::string& name, model::Fields* fields) const {
    fields->emplace_back(name, last);
    if (nonfinite > 0) fields->emplace_back(name + "_nonfinite", nonfinite);
    if (count + nonfinite <= 1 || count == 0) return;
    fields->emplace_back(name + "_min", min);
    fields->emplace_back(name + "_max", max);
    fields->emplace_back(name + "_mean", sum / static_cast<double>(count));
  }
};

class RecordMaker {
 public:
  RecordMaker(const RuleTest& test, int64_t interval) : test_(test), world_(test.world), interval_(interval) {
    for (const TestSeries& series : test.series) steps_ = std::max(steps_, static_cast<int64_t>(series.values.size()));
    for (const TestLine& line : test.lines) {
      if (line.step) steps_ = std::max(steps_, *line.step - world_.first_step + 1);
    }
    PlaceSteps();
  }

  std::vector<model::Record> Make() {
    for (int32_t rank = 0; rank < world_.ranks; ++rank) {
      for (model::Stream stream : {model::Stream::kBatch, model::Stream::kMetric, model::Stream::kStdout}) {
        MakeSeries(rank, stream);
      }
    }
    for (const TestLine& line : test_.lines) MakeLine(line);
    std::stable_sort(records_.begin(), records_.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
    for (size_t i = 0; i < records_.size(); ++i) records_[i].seq = i + 1;
    return std::move(records_);
  }

 private:
  void PlaceSteps() {
    base::TimeNs time = world_.start;
    for (int64_t i = 0; i < steps_; ++i) {
      time += world_.step_ns;
      for (const TestPause& pause : test_.pauses) time += pause.step == world_.first_step + i ? pause.ns : 0;
      times_.push_back(time);
    }
  }

  model::Record NewRecord(std::optional<int32_t> rank, std::optional<int32_t> node, model::Stream stream) const {
    model::Record record;
    record.origin.job = world_.job;
    record.origin.rank = rank;
    record.origin.node_rank = node;
    if (rank && !node) record.origin.node_rank = *rank * world_.nodes / world_.ranks;
    record.stream = stream;
    return record;
  }

  // Batches are told step by step, metrics at the end of an interval.
  void MakeSeries(int32_t rank, model::Stream stream) {
    const int64_t interval = stream == model::Stream::kBatch ? 1 : interval_;
    std::vector<std::pair<const TestSeries*, Noise>> own;
    for (const TestSeries& series : test_.series) {
      if (series.stream != stream || !series.ranks.Contains(rank)) continue;
      own.emplace_back(&series, Noise(series.seed * 1000003 + static_cast<uint64_t>(rank)));
    }
    std::vector<Window> windows(own.size());
    int64_t inside = 0;
    for (int64_t i = 0; i < steps_ && !own.empty(); ++i) {
      bool any = false;
      for (size_t j = 0; j < own.size(); ++j) any |= AddValue(&own[j], i, &windows[j]);
      if (any) ++inside;
      if ((world_.first_step + i) % interval != 0 || inside == 0) continue;
      Flush(rank, stream, i, inside, own, &windows);
      inside = 0;
    }
  }

  static bool AddValue(std::pair<const TestSeries*, Noise>* series, int64_t i, Window* window) {
    const auto& values = series->first->values;
    double noise = series->second.Next();
    if (i >= static_cast<int64_t>(values.size()) || !values[static_cast<size_t>(i)]) return false;
    double value = *values[static_cast<size_t>(i)];
    double deviation = series->first->noise + series->first->relative_noise * std::fabs(value);
    window->Add(std::isfinite(value) && deviation > 0 ? value + noise * deviation : value);
    return true;
  }

  void Flush(int32_t rank, model::Stream stream, int64_t i, int64_t inside,
             const std::vector<std::pair<const TestSeries*, Noise>>& own, std::vector<Window>* windows) {
    model::Record record = NewRecord(rank, std::nullopt, stream);
    record.time = times_[static_cast<size_t>(i)];
    record.step = world_.first_step + i;
    for (size_t j = 0; j < own.size(); ++j) {
      Window& window = (*windows)[j];
      if (window.count + window.nonfinite > 0) window.AddTo(own[j].first->metric, &record.fields);
      window = {};
    }
    if (inside > 1) record.fields.emplace_back("window_steps", inside);
    records_.push_back(std::move(record));
  }

  void MakeLine(const TestLine& line) {
    model::Record record = NewRecord(line.rank, line.node, line.stream);
    record.time = world_.start + line.after_ns;
    if (line.step) {
      int64_t i = std::clamp<int64_t>(*line.step - world_.first_step, 0, steps_ - 1);
      record.time = times_[static_cast<size_t>(i)];
    }
    record.text = line.text;
    record.fields = line.fields;
    records_.push_back(std::move(record));
  }

  const RuleTest& test_;
  const TestWorld& world_;
  const int64_t interval_;
  int64_t steps_ = 1;
  std::vector<base::TimeNs> times_;  // when each step ends
  std::vector<model::Record> records_;
};

}  // namespace

std::vector<model::Record> RecordsOf(const RuleTest& test, int64_t interval) {
  return RecordMaker(test, interval).Make();
}

}  // namespace rankscope::detect
