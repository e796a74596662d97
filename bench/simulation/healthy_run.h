#pragma once

#include <vector>

#include "simulation/plan.h"

namespace rankscope::simulation {

// Makes a run that nothing is wrong with, as its plan says, step by step. One thread.
class HealthyRun {
 public:
  HealthyRun(const Plan& plan, Random random);

  // What the run says of itself before its first step.
  std::vector<Line> Beginning() const;
  // The next step of the job; numbers rise by one, but for a restart of the plan.
  Step NextStep();
  // What a rank makes of the step, once for each rank in turn.
  Sample SampleOf(const Step& step, int32_t rank);
  NodeSample SampleOfNode(int32_t node, bool paused);

 private:
  struct Rank {
    Random random;
    double speed = 1, memory = 0;  // of its own
    double memory_seen = 0;        // the most so far
    int32_t slow_steps = 0;        // left of a short disturbance
  };
  void AddPauses(Step* step);
  void DrawBatches(Step* step);
  double LoadOf(double tokens, double squares) const;
  double LossOf(int64_t number);
  double TimeOf(const Step& step);
  // `load`: of what the heaviest batch takes.
  double ComputeOf(const Step& step, double load, Rank* rank, bool last_stage) const;
  double MemoryOf(const Step& step, Rank* rank) const;

  const Plan plan_;
  Random random_;
  std::vector<Rank> ranks_;
  std::vector<double> node_memory_, node_filling_, node_noise_, node_heat_;
  int64_t number_ = 0;
  bool restarted_ = false;
  double common_ = 0;  // noise of the loss of all ranks
  double drift_ = 0;   // of the speed: what shares network and storage comes and goes
  double scale_ = 65536;
};

}  // namespace rankscope::simulation
