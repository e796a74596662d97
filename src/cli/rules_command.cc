#include "cli/rules_command.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>

#include "base/counted.h"
#include "base/file.h"
#include "cli/record_files.h"
#include "cli/rule_files.h"
#include "cli/stored_job.h"
#include "detect/rule_tests/rule_test.h"
#include "detect/rules/foreign_rules.h"
#include "detect/rules/lint.h"

namespace rankscope::cli {
namespace {

namespace fs = std::filesystem;

using Records = std::vector<model::Record>;

std::string Beside(const std::string& file, const std::string& path) {
  return fs::path(path).is_absolute() ? path : (fs::path(file).parent_path() / path).string();
}

// Runs the tests of one file and counts those that differ.
class TestRun {
 public:
  // `job`: the records that all tests are of; null: each has its own.
  TestRun(std::string file, std::string shipped, const Records* job)
      : file_(std::move(file)), shipped_(std::move(shipped)), job_(job) {}

  base::Status Run() {
    ASSIGN_OR_RETURN(std::string yaml, ReadNamedFile(file_));
    ASSIGN_OR_RETURN(detect::RuleTestFile tests, detect::ParseRuleTests(file_, yaml));
    RuleSources sources;
    if (tests.rule_files.empty()) sources.shipped = shipped_;
    for (const std::string& path : tests.rule_files) sources.files.push_back(Beside(file_, path));
    ASSIGN_OR_RETURN(rules_, LoadRules(sources));
    for (const detect::RuleTest& test : tests.tests) RETURN_IF_ERROR(RunTest(test));
    return {};
  }

  size_t tests() const { return tests_; }
  size_t failed() const { return failed_; }

 private:
  base::Status RunTest(const detect::RuleTest& test) {
    for (const detect::TestExpectation& expectation : test.expectations) {
      RETURN_IF_ERROR(CheckRule(test, expectation.rule));
    }
    if (job_) {
      Judge(test, *job_, 1);
      return {};
    }
    for (int64_t interval : test.world.intervals) {
      ASSIGN_OR_RETURN(Records records, RecordsOf(test, interval));
      Judge(test, records, interval);
    }
    return {};
  }

  void Judge(const detect::RuleTest& test, const Records& records, int64_t interval) {
    auto findings = detect::FindingsOf(rules_, records);
    Report(test, interval, findings, detect::Differences(test, *rules_, findings, interval));
  }

  // An expectation of a rule that there is not would hold for ever.
  base::Status CheckRule(const detect::RuleTest& test, const std::string& name) const {
    if (name.empty() || name == "*") return {};
    for (const detect::Rule& rule : rules_->rules()) {
      if (rule.name == name) return {};
    }
    return base::Status::Invalid(test.place + ": expected the name of a rule, found " + name);
  }

  base::Result<Records> RecordsOf(const detect::RuleTest& test, int64_t interval) const {
    if (test.from.empty()) return detect::RecordsOf(test, interval);
    Records records;
    RETURN_IF_ERROR(ReadRecordFiles({Beside(file_, test.from)},
                                    [&](const model::RecordView& record) { record.CopyTo(&records.emplace_back()); }));
    return records;
  }

  void Report(const detect::RuleTest& test, int64_t interval, const std::vector<detect::Finding>& findings,
              const std::vector<std::string>& differences) {
    ++tests_;
    std::printf("%s %s (interval %lld)\n", differences.empty() ? "ok  " : "FAIL", test.name.c_str(),
                static_cast<long long>(interval));
    for (const std::string& difference : differences)
      std::printf("       %s: %s\n", test.place.c_str(), difference.c_str());
    failed_ += differences.empty() ? 0 : 1;
    for (const detect::Finding& finding : findings) {
      std::string step = finding.step ? "at step " + std::to_string(*finding.step) : "";
      std::printf("       %s fired %s%s\n", finding.rule.c_str(), step.c_str(), finding.active ? "" : ", resolved");
    }
  }

  const std::string file_, shipped_;
  const Records* job_;
  std::shared_ptr<const detect::RuleSet> rules_;
  size_t tests_ = 0, failed_ = 0;
};

// Whether one of the files is in the folder.
bool AreOf(const std::string& folder, const std::vector<std::string>& files) {
  return std::any_of(files.begin(), files.end(), [&](const std::string& file) {
    std::error_code error;
    return fs::equivalent(fs::absolute(file, error).parent_path(), folder, error);
  });
}

}  // namespace

base::Status RunRulesLint(const std::vector<std::string>& files, const std::string& shipped,
                          const std::string& notify) {
  std::shared_ptr<const notify::Config> config;
  if (!notify.empty()) {
    ASSIGN_OR_RETURN(config, notify::ReadConfig(notify));
  }
  RuleSources own, others;
  own.files = files;
  if (!AreOf(shipped, files)) others.shipped = shipped;
  ASSIGN_OR_RETURN(auto rules, ReadRules(own));
  ASSIGN_OR_RETURN(auto beside, ReadRules(others));
  detect::LintReport report = detect::Lint(rules, beside);
  for (std::string& error : config ? UnknownChannels(rules, config.get()) : std::vector<std::string>()) {
    report.errors.push_back(std::move(error));
  }
  for (const std::string& error : report.errors) std::printf("error: %s\n", error.c_str());
  for (const std::string& warning : report.warnings) std::printf("warning: %s\n", warning.c_str());
  std::string errors = base::Counted(report.errors.size(), "error");
  std::printf("%s, %s, %s\n", base::Counted(rules.size(), "rule").c_str(), errors.c_str(),
              base::Counted(report.warnings.size(), "warning").c_str());
  if (report.errors.empty()) return {};
  return base::Status::Invalid(errors + " in the rules");
}

base::Status RunRulesTest(const RulesTestOptions& options) {
  Records job;
  if (!options.job.empty()) {
    auto keep = [&](const model::RecordView& record) { record.CopyTo(&job.emplace_back()); };
    RETURN_IF_ERROR(ReadStoredJob(options.server, options.job, keep));
  }
  size_t tests = 0, failed = 0;
  for (const std::string& file : options.files) {
    TestRun run(file, options.shipped, options.job.empty() ? nullptr : &job);
    RETURN_IF_ERROR(run.Run());
    tests += run.tests();
    failed += run.failed();
  }
  std::printf("%s, %zu failed\n", base::Counted(tests, "test").c_str(), failed);
  return failed == 0 ? base::Status() : base::Status::Invalid(base::Counted(failed, "test") + " of the rules failed");
}

base::Status RunRulesImport(const std::string& file) {
  ASSIGN_OR_RETURN(std::string yaml, ReadNamedFile(file));
  ASSIGN_OR_RETURN(detect::ForeignRules rules, detect::TranslateRules(file, yaml));
  std::fputs(rules.yaml.c_str(), stdout);
  for (const std::string& left : rules.left_out) std::fprintf(stderr, "%s\n", left.c_str());
  return {};
}

}  // namespace rankscope::cli
