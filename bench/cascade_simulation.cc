// Jobs of many ranks that one rank ends, made up by seed, through the diagnosis: how often it names that rank. See
// docs/design/diagnosis.md.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>

#include "diagnose/signatures/signature_set.h"
#include "diagnose/verdict/verdict.h"
#include "diagnosis/cascade.h"

namespace rankscope::simulation {
namespace {

struct Options {
  int64_t runs = 500, seed = 1, only = -1;
  bool report = false, verbose = false, check = false;
  int32_t ranks = 0;
  std::string keep;  // a folder where the logs of `only` stay
};

struct Tally {
  int all = 0, first = 0, among_three = 0;
};

constexpr double kGoalFirst = 0.95, kGoalAmongThree = 0.99;

void Write(const Cascade& cascade, const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  for (const LogText& file : cascade.files) std::ofstream(folder / file.name) << file.text;
}

base::Result<diagnose::Verdict> Judge(const Cascade& cascade) {
  auto folder = std::filesystem::temp_directory_path() / ("cascade_simulation." + std::to_string(getpid()));
  Write(cascade, folder);
  auto read = diagnose::ReadCase({folder.string()}, diagnose::TellingLines());
  std::filesystem::remove_all(folder);
  if (!read.ok()) return read.status();
  return diagnose::Diagnose(*read);
}

void Explain(int64_t run, const Cascade& cascade, const diagnose::Verdict& verdict) {
  std::cout << "run " << run << ": " << cascade.kind << " of rank " << cascade.culprit << " of " << cascade.ranks
            << ", " << cascade.files.size() << " files: " << verdict.failure << " / " << verdict.kind << ", ranks";
  for (size_t i = 0; i < std::min<size_t>(verdict.culprits.size(), 5); ++i) std::cout << ' ' << verdict.culprits[i];
  std::cout << "\n    " << verdict.root_line.substr(0, 160) << '\n';
}

int Run(const Options& options) {
  std::map<std::string, Tally> tallies;
  for (int64_t run = std::max<int64_t>(options.only, 0); run < options.runs; ++run) {
    Random random(static_cast<uint64_t>(options.seed * 1'000'000 + run), options.report ? Half::kReport : Half::kTune);
    const Cascade cascade = MakeCascade(&random, options.ranks);
    if (!options.keep.empty()) Write(cascade, options.keep);
    auto verdict = Judge(cascade);
    if (!verdict.ok()) {
      std::cerr << "cascade_simulation: " << verdict.status().message() << '\n';
      return 1;
    }
    const auto& named = verdict->culprits;
    auto end = named.begin() + static_cast<std::ptrdiff_t>(std::min<size_t>(3, named.size()));
    const bool first = !named.empty() && named.front() == cascade.culprit;
    for (const std::string& of : {cascade.kind, std::string("all")}) {
      Tally& tally = tallies[of];
      ++tally.all;
      tally.first += first ? 1 : 0;
      tally.among_three += std::find(named.begin(), end, cascade.culprit) != end ? 1 : 0;
    }
    if (!first && options.verbose) Explain(run, cascade, *verdict);
    if (options.only >= 0) break;
  }
  for (const auto& [kind, tally] : tallies) {
    std::cout << kind << ": culprit " << tally.first << "/" << tally.all << ", among three " << tally.among_three << "/"
              << tally.all << '\n';
  }
  const Tally& all = tallies["all"];
  bool holds = all.first >= kGoalFirst * all.all && all.among_three >= kGoalAmongThree * all.all;
  return options.check && !holds ? 2 : 0;
}

}  // namespace
}  // namespace rankscope::simulation

int main(int argc, char** argv) {
  rankscope::simulation::Options options;
  CLI::App app("Jobs that one rank ends through the diagnosis");
  app.add_option("--runs", options.runs)->capture_default_str();
  app.add_option("--seed", options.seed, "another one makes other runs")->capture_default_str();
  app.add_option("--ranks", options.ranks, "of each job, a power of two from 8 on; else any size up to 1,024");
  app.add_option("--run", options.only, "only the run of this number");
  app.add_option("--keep", options.keep, "a folder where the logs of the runs stay");
  app.add_flag("--report", options.report, "of the half of seeds and parameters that nothing is tuned on");
  app.add_flag("--verbose", options.verbose, "say what was missed");
  app.add_flag("--check", options.check, "exit with 2 where a goal is missed");
  CLI11_PARSE(app, argc, argv);
  return rankscope::simulation::Run(options);
}
