#pragma once

#include <array>
#include <vector>

#include "detect/engine.h"
#include "simulation/sample.h"

namespace rankscope::simulation {

// Makes records of samples, lines and node samples and hands them to an engine.
class RecordWriter {
 public:
  // The engine must outlive it.
  RecordWriter(detect::Engine* engine, int32_t ranks, int32_t nodes, int64_t interval);

  // A step of a rank that ended at `time`. At an interval's end its steps become one record.
  void Take(const Sample& sample, int32_t rank, int64_t step, base::TimeNs time);
  void Take(const Line& line, base::TimeNs time);
  void Take(const RankBatch& batch, int32_t rank, int64_t step, base::TimeNs time);
  void Take(const NodeSample& sample, int32_t node, base::TimeNs time);

  // All processes are new: what they had not reported yet is lost.
  void Restart();

  int64_t points() const { return points_; }

 private:
  // The steps of an interval so far, as the ring in the trainer counts them (docs/design/embed.md).
  struct Window {
    double last = 0, min = 0, max = 0, sum = 0;
    int64_t finite = 0, nonfinite = 0;
    void Add(double value);
  };
  struct Rank {
    model::Origin origin;
    std::array<Window, kMetricCount> windows;
    int64_t steps = 0;
  };
  void Flush(Rank* rank, int64_t step, base::TimeNs time);
  void AddWindow(const Window& window, int metric);
  void AddNumber(std::string_view name, double value);
  void Send(const model::Origin& origin, model::Stream stream, base::TimeNs time, std::optional<int64_t> step);

  detect::Engine* engine_;
  const int64_t interval_;
  std::vector<Rank> ranks_;
  std::vector<model::Origin> nodes_;
  model::RecordView view_;  // is filled anew for each record
  uint64_t seq_ = 0;
  int64_t points_ = 0;
};

}  // namespace rankscope::simulation
