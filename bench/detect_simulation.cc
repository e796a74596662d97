// Healthy and faulty training runs, made up by seed, through the engine with the shipped rules: what the rules find,
// and what they tell that is not so. See docs/design/detection.md.
#include <CLI/CLI.hpp>
#include <atomic>
#include <functional>
#include <iostream>
#include <mutex>
#include <thread>

#include "base/file.h"
#include "detect/rules/rule_file.h"
#include "simulation/report.h"

namespace rankscope::simulation {
namespace {

constexpr double kShareHealthy = 0.25;
constexpr int kMostRedraws = 1000;

struct Options {
  int64_t runs = 2000, seed = 1, only_run = -1;
  double job_hours = 1000, rank_hours = 20000;
  std::string half = "tune", fault, rules = RANKSCOPE_RULES;
  unsigned threads = 1;
  bool verbose = false, check = false;
};

// What one piece of work came to; it is added to the report in the order of the pieces.
using Result = std::function<void(Report*)>;

base::Result<std::shared_ptr<const detect::RuleSet>> ReadRules(const std::string& folder) {
  std::vector<detect::Rule> rules;
  for (const char* name : {"hardware", "patterns", "training"}) {
    std::string path = folder + "/" + name + ".yaml";
    ASSIGN_OR_RETURN(std::string yaml, base::ReadWholeFile(path));
    ASSIGN_OR_RETURN(auto parsed, detect::ParseRuleFile(path, yaml));
    for (detect::Rule& rule : parsed) rules.push_back(std::move(rule));
  }
  return detect::RuleSet::Make(std::move(rules));
}

// Mostly one or a few nodes; some of a thousand ranks, whose records are of ten steps at least.
int32_t DrawRanks(Random* random) {
  double share = random->Unit();
  if (share < 0.55) return 8;
  if (share < 0.93) return 8 << random->Whole(1, 3);
  return 8 << random->Whole(4, 7);
}

int64_t DrawInterval(int32_t ranks, Random* random) {
  double share = random->Unit();
  int64_t interval = share < 0.5 ? 1 : share < 0.85 ? 10 : 100;
  return ranks > 256 ? std::max<int64_t>(10, interval) : interval;
}

// Benign changes that would begin with the fault or after it would hide it, or be taken for it.
void KeepApart(const Fault& fault, Plan* plan) {
  constexpr int64_t kApart = 120;
  plan->restart_at = 0;
  auto clear = [&](int64_t* at) { *at = *at > 0 && *at + kApart * plan->extent.interval < fault.onset ? *at : 0; };
  clear(&plan->longer_from);
  clear(&plan->batch_ramp_at);
  clear(&plan->long_rank_from);
}

class Simulation {
 public:
  Simulation(const Options& options, std::shared_ptr<const detect::RuleSet> rules)
      : options_(options), half_(options.half == "report" ? Half::kReport : Half::kTune), rules_(std::move(rules)) {
    for (const FaultKind* kind : FaultKinds()) {
      if (std::string(kind->name).find(options.fault) != std::string::npos) kinds_.push_back(kind);
    }
  }

  Result FaultRun(int64_t number) const {
    Random random(static_cast<uint64_t>(options_.seed * 1'000'000 + number), half_);
    bool healthy = options_.fault.empty() && random.Chance(kShareHealthy);
    const FaultKind* kind = kinds_[static_cast<size_t>(number) % kinds_.size()];
    int32_t ranks = DrawRanks(&random);
    Extent extent = ExtentFor(*kind, ranks, DrawInterval(ranks, &random));
    Plan plan = DrawPlan(extent, &random);
    for (int i = 0; kind->suits && !kind->suits(plan) && i < kMostRedraws; ++i) plan = DrawPlan(extent, &random);
    std::optional<Fault> fault;
    if (!healthy) {
      fault = DrawFault(*kind, plan, &random);
      KeepApart(*fault, &plan);
    }
    JobRun run = RunJob(plan, fault, random.Fork(), rules_);
    Judgement judgement = Judge(run, plan, fault);
    if (options_.verbose) Explain(number, plan, fault, judgement);
    std::string name(healthy ? "" : kind->name);
    return [=](Report* report) { report->Add(name, judgement); };
  }

  // A long run of few ranks, or a shorter one of many, that nothing is wrong with.
  Result HealthyHours(int64_t number, bool many, double* hours) const {
    Random random(static_cast<uint64_t>(options_.seed * 1'000'000 + 500'000 + number + (many ? 250'000 : 0)), half_);
    Extent extent{.ranks = 8, .steps = random.Whole(2000, 4000), .step_seconds_low = 5, .step_seconds_high = 30};
    if (many) extent.ranks = 8 << random.Whole(3, 7);
    extent.interval = DrawInterval(extent.ranks, &random);
    if (many) extent.steps = extent.interval < 10 ? 500 : 1000;
    Plan plan = DrawPlan(extent, &random);
    JobRun run = RunJob(plan, std::nullopt, random.Fork(), rules_);
    Judgement judgement = Judge(run, plan, std::nullopt);
    if (options_.verbose) Explain(number, plan, std::nullopt, judgement);
    double own = static_cast<double>(run.end - run.begin) / base::kNsPerSecond / 3600 * (many ? extent.ranks : 1);
    *hours += own;
    return [=](Report* report) { many ? report->AddRankHours(own, judgement) : report->AddJobHours(own, judgement); };
  }

 private:
  void Explain(int64_t number, const Plan& plan, const std::optional<Fault>& fault, const Judgement& judgement) const {
    std::lock_guard lock(output_);
    auto begin = [&]() -> std::ostream& {
      return std::cout << "run " << number << " (" << plan.extent.ranks << " ranks, interval " << plan.extent.interval
                       << ", task " << static_cast<int>(plan.task) << ", schedule " << static_cast<int>(plan.schedule)
                       << ", " << (fault ? fault->kind->name : "healthy") << "): ";
    };
    if (fault && !judgement.in_time) {
      begin() << (judgement.found ? "late by " : "missed, ") << judgement.delay << ", onset " << fault->onset
              << ", visible " << fault->visible << ", size " << fault->size << '\n';
    }
    if (!judgement.right_whom.value_or(true)) begin() << "wrong rank, it is " << fault->rank << '\n';
    if (!judgement.right_cause.value_or(true)) begin() << "wrong cause\n";
    for (const Alarm& alarm : judgement.alarms) {
      if (!alarm.right) begin() << "false: " << alarm.rule << " at " << alarm.step << ": " << alarm.message << '\n';
    }
  }

  const Options& options_;
  const Half half_;
  const std::shared_ptr<const detect::RuleSet> rules_;
  std::vector<const FaultKind*> kinds_;
  mutable std::mutex output_;
};

// The runs in parallel; the report gets them in their order, so that it is the same however many threads there are.
void RunFaults(const Simulation& simulation, const Options& options, Report* report) {
  std::vector<Result> results(static_cast<size_t>(options.runs));
  std::atomic<int64_t> next = 0;
  auto work = [&] {
    for (int64_t i = next++; i < options.runs; i = next++) results[static_cast<size_t>(i)] = simulation.FaultRun(i);
  };
  std::vector<std::jthread> threads;
  for (unsigned i = 1; i < options.threads; ++i) threads.emplace_back(work);
  work();
  threads.clear();
  for (const Result& result : results) result(report);
}

void RunHealthy(const Simulation& simulation, const Options& options, Report* report) {
  double hours = 0;
  for (int64_t i = 0; hours < options.job_hours; ++i) simulation.HealthyHours(i, /*many=*/false, &hours)(report);
  hours = 0;
  for (int64_t i = 0; hours < options.rank_hours; ++i) simulation.HealthyHours(i, /*many=*/true, &hours)(report);
}

int RunSimulation(const Options& options) {
  auto rules = ReadRules(options.rules);
  if (!rules.ok()) {
    std::cerr << "detect_simulation: " << rules.status().message() << '\n';
    return 1;
  }
  Simulation simulation(options, *rules);
  Report report;
  if (options.only_run >= 0) {
    simulation.FaultRun(options.only_run)(&report);
  } else {
    RunFaults(simulation, options, &report);
    if (options.fault.empty()) RunHealthy(simulation, options, &report);
  }
  report.PrintFaults(&std::cout);
  report.PrintAlarms(&std::cout);
  report.PrintSummary(&std::cout);
  return options.check && !report.HoldsGoals() ? 2 : 0;
}

}  // namespace
}  // namespace rankscope::simulation

int main(int argc, char** argv) {
  rankscope::simulation::Options options;
  CLI::App app("Training runs with faults and without through the shipped rules");
  app.add_option("--runs", options.runs, "of faults of each kind in turn, a quarter without one")
      ->capture_default_str();
  app.add_option("--job-hours", options.job_hours, "of healthy jobs of 8 ranks")->capture_default_str();
  app.add_option("--rank-hours", options.rank_hours, "of healthy jobs of 64 to 1,024 ranks")->capture_default_str();
  app.add_option("--half", options.half,
                 "of the seeds and parameters: detectors are tuned on one, reported on the other")
      ->check(CLI::IsMember({"tune", "report"}))
      ->capture_default_str();
  app.add_option("--seed", options.seed, "another one makes other runs")->capture_default_str();
  app.add_option("--fault", options.fault, "only kinds with this in their names, and nothing healthy");
  app.add_option("--run", options.only_run, "only the run of this number");
  app.add_option("--rules", options.rules, "folder of the rule packs")->capture_default_str();
  app.add_option("--threads", options.threads)->capture_default_str();
  app.add_flag("--verbose", options.verbose, "say what was missed, late or false");
  app.add_flag("--check", options.check, "exit with 2 where a goal is missed");
  CLI11_PARSE(app, argc, argv);
  return rankscope::simulation::RunSimulation(options);
}
