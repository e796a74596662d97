// Jobs of many ranks that one congested port, switch, rail or node slows, made up by seed, through the diagnosis: how
// often it names that element. See docs/design/diagnosis.md.
#include <CLI/CLI.hpp>
#include <iostream>
#include <map>

#include "diagnose/case/record_case.h"
#include "diagnose/signatures/signature_set.h"
#include "diagnose/verdict/verdict.h"
#include "diagnosis/slow_job.h"

namespace rankscope::simulation {
namespace {

struct Options {
  int64_t runs = 200, seed = 1;
  int32_t ranks = 256;
  bool report = false, verbose = false, check = false;
};

struct Tally {
  int all = 0, right = 0, abstained = 0, of_class = 0;
};

constexpr double kGoal = 0.95;

diagnose::Verdict Judge(const SlowJob& job) {
  diagnose::RecordCase records("job j", diagnose::TellingLines());
  for (const std::string& record : job.records) records.Add(record);
  const diagnose::Case read = records.End();
  return diagnose::Diagnose(read, job.topology);
}

bool IsRight(const diagnose::Verdict& verdict, const diagnose::Element& truth) {
  if (!verdict.slowdown || !verdict.slowdown->element) return false;
  const diagnose::Element& found = verdict.slowdown->element->element;
  if (found.kind == truth.kind && found.name == truth.name) return true;
  // A switch of one port, a rail of one switch: nobody can tell them apart.
  const bool of_network = found.kind != diagnose::Element::Kind::kNode && truth.kind != diagnose::Element::Kind::kNode;
  return of_network && found.ranks == truth.ranks;
}

void Explain(int64_t run, const SlowJob& job, const diagnose::Verdict& verdict) {
  std::cout << "run " << run << ": " << KindName(job.congested.kind) << ' ' << job.congested.name << " is taken for "
            << verdict.failure << ": " << verdict.summary << '\n';
  for (const std::string& figure : verdict.figures) std::cout << "    " << figure << '\n';
}

int Run(const Options& options) {
  std::map<std::string, Tally> tallies;
  for (int64_t run = 0; run < options.runs; ++run) {
    Random random(static_cast<uint64_t>(options.seed * 1'000'000 + run), options.report ? Half::kReport : Half::kTune);
    const SlowJob job = MakeSlowJob(options.ranks, &random);
    const diagnose::Verdict verdict = Judge(job);
    const bool right = IsRight(verdict, job.congested);
    for (const std::string& of : {std::string(KindName(job.congested.kind)), std::string("all")}) {
      Tally& tally = tallies[of];
      ++tally.all;
      tally.right += right ? 1 : 0;
      tally.abstained += verdict.slowdown && !verdict.slowdown->element ? 1 : 0;
      tally.of_class += verdict.failure == "network_degraded" ? 1 : 0;
    }
    if (!right && options.verbose) Explain(run, job, verdict);
  }
  for (const auto& [kind, tally] : tallies) {
    std::cout << options.ranks << " ranks, " << kind << ": element " << tally.right << "/" << tally.all
              << ", abstained in " << tally.abstained << ", class " << tally.of_class << "/" << tally.all << '\n';
  }
  const Tally& all = tallies["all"];
  return options.check && all.right < kGoal * all.all ? 2 : 0;
}

}  // namespace
}  // namespace rankscope::simulation

int main(int argc, char** argv) {
  rankscope::simulation::Options options;
  CLI::App app("Jobs slowed by one element of their network through the diagnosis");
  app.add_option("--runs", options.runs)->capture_default_str();
  app.add_option("--seed", options.seed, "another one makes other runs")->capture_default_str();
  app.add_option("--ranks", options.ranks, "of each job, a power of two from 8 on")->capture_default_str();
  app.add_flag("--report", options.report, "of the half of seeds and parameters that nothing is tuned on");
  app.add_flag("--verbose", options.verbose, "say what was missed");
  app.add_flag("--check", options.check, "exit with 2 where the goal is missed");
  CLI11_PARSE(app, argc, argv);
  return rankscope::simulation::Run(options);
}
