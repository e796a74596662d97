#include "simulation/job_run.h"

#include <algorithm>

#include "detect/findings_list.h"
#include "simulation/healthy_run.h"
#include "simulation/record_writer.h"

namespace rankscope::simulation {
namespace {

constexpr base::TimeNs kBegin = 1'800'000'000 * base::kNsPerSecond;
constexpr double kArrivalSpreadSeconds = 0.02;               // of the ranks' records of one step
constexpr base::TimeNs kRestart = 40 * base::kNsPerSecond;   // from the last checkpoint, in the same processes
constexpr base::TimeNs kBetweenSteps = 50 * base::kNsPerMs;  // what comes then is of the next one

base::TimeNs Ns(double seconds) { return static_cast<base::TimeNs>(seconds * static_cast<double>(base::kNsPerSecond)); }

class Run {
 public:
  Run(const Plan& plan, const std::optional<Fault>& fault, Random random,
      const std::shared_ptr<const detect::RuleSet>& rules)
      : plan_(plan),
        fault_(fault),
        random_(random),
        healthy_(plan, random_.Fork()),
        engine_(rules, [this](const detect::Finding& finding) { findings_.Take(finding); }),
        writer_(&engine_, plan.extent.ranks, plan.nodes, plan.extent.interval) {}

  JobRun Make() {
    for (const Line& event : healthy_.Beginning()) writer_.Take(event, now_);
    for (int64_t i = 0; i < plan_.extent.steps; ++i) MakeStep();
    JobRun run;
    run.findings = findings_.all();
    run.step_ends = std::move(step_ends_);
    run.begin = kBegin;
    run.end = now_;
    run.points = writer_.points();
    return run;
  }

 private:
  void MakeStep() {
    Step step = healthy_.NextStep();
    if (step.number <= std::exchange(number_, step.number)) Restart();
    bool faulty = fault_ && fault_->IsAt(step.number);
    if (faulty && fault_->kind->change_step) fault_->kind->change_step(*fault_, &random_, &step);
    bool stands = faulty && fault_->kind->stops_job;
    if (!stands) Say(step, /*at_end=*/false);
    SampleNodes(step, faulty);
    PassTime(step, faulty);
    if (!stands) Say(step, /*at_end=*/true);
    step_ends_.push_back(now_);
    for (int32_t rank = 0; rank < plan_.extent.ranks && !stands; ++rank) MakeSample(step, rank, faulty);
    engine_.Advance(now_);
  }

  void Restart() {
    writer_.Restart();
    Line line{0, 0, "loading checkpoint from out/checkpoint-" + std::to_string(plan_.restart_to)};
    writer_.Take(line, now_ + kBetweenSteps);
    now_ += kRestart;
  }

  void Say(const Step& step, bool at_end) {
    for (const Line& line : step.lines) {
      if (line.at_end == at_end) writer_.Take(line, at_end ? now_ : now_ + kBetweenSteps);
    }
  }

  void MakeSample(const Step& step, int32_t rank, bool faulty) {
    Sample sample = healthy_.SampleOf(step, rank);
    if (faulty && fault_->kind->stops_rank && rank == fault_->rank) return;
    if (!step.batches.empty()) writer_.Take(step.batches[static_cast<size_t>(rank)], rank, step.number, now_);
    if (faulty && fault_->kind->change_sample) fault_->kind->change_sample(*fault_, step, rank, &random_, &sample);
    writer_.Take(sample, rank, step.number, now_ + Ns(kArrivalSpreadSeconds * random_.Unit()));
  }

  // Silence is noticed when time passes.
  void PassTime(const Step& step, bool faulty) {
    base::TimeNs to = now_ + Ns(step.seconds + step.pause_seconds);
    bool silent = faulty && (fault_->kind->stops_rank || fault_->kind->stops_job);
    for (; silent && now_ < to; now_ += base::kNsPerSecond) engine_.Advance(now_);
    now_ = to;
  }

  // The samples that are due before the step ends.
  void SampleNodes(const Step& step, bool faulty) {
    base::TimeNs end = now_ + Ns(step.seconds + step.pause_seconds);
    for (; next_sample_ < end; next_sample_ += Ns(plan_.sample_seconds)) {
      for (int32_t node = 0; node < plan_.nodes; ++node) {
        NodeSample sample = healthy_.SampleOfNode(node, step.pause_seconds > 0);
        if (faulty && fault_->kind->change_node) fault_->kind->change_node(*fault_, step, node, &sample);
        writer_.Take(sample, node, std::max(now_ + kBetweenSteps, next_sample_));
      }
    }
  }

  const Plan& plan_;
  const std::optional<Fault>& fault_;
  Random random_;
  HealthyRun healthy_;
  detect::FindingsList findings_;
  detect::Engine engine_;
  RecordWriter writer_;
  int64_t number_ = 0;
  base::TimeNs now_ = kBegin, next_sample_ = kBegin;
  std::vector<base::TimeNs> step_ends_;
};

}  // namespace

JobRun RunJob(const Plan& plan, const std::optional<Fault>& fault, Random random,
              const std::shared_ptr<const detect::RuleSet>& rules) {
  return Run(plan, fault, random, rules).Make();
}

}  // namespace rankscope::simulation
