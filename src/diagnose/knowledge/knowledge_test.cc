#include <gtest/gtest.h>

#include <limits>

#include "detect/rule_tests/rule_test.h"
#include "detect/rules/rule_file.h"
#include "diagnose/knowledge/fix_check.h"
#include "diagnose/knowledge/insights_book.h"
#include "diagnose/knowledge/job_diff.h"
#include "diagnose/knowledge/job_facts.h"
#include "diagnose/knowledge/oom_settings.h"
#include "diagnose/knowledge/progress_meter.h"
#include "diagnose/knowledge/rule_suggestion.h"

namespace rankscope::diagnose {
namespace {

constexpr int64_t kHour = 3600 * base::kNsPerSecond;

JobFacts Job(const std::string& name, const std::string& failure, int64_t hours = 1, int32_t ranks = 8) {
  JobFacts facts;
  facts.job = name;
  facts.failure = failure;
  facts.healthy = failure == "none";
  facts.state = facts.healthy ? "finished" : "failed";
  facts.ended = hours * kHour;
  facts.ranks = ranks;
  return facts;
}

InsightsBook BookOf(const std::vector<JobFacts>& jobs) {
  InsightsBook book;
  for (const JobFacts& facts : jobs) book.Add(facts);
  return book;
}

Insights Summarize(const std::vector<JobFacts>& jobs) { return BookOf(jobs).Summarize(); }

Curve Flat(double value, int64_t steps) {
  Curve curve;
  for (int64_t step = 1; step <= steps; ++step) curve.Add(step, value);
  return curve;
}

TEST(CurveTest, ManyReportsBecomeAtMost128MeansOfTheSameNumberOfThem) {
  Curve curve;
  for (int64_t step = 0; step < 100'000; ++step) curve.Add(step, static_cast<double>(step));
  EXPECT_LE(curve.points().size(), Curve::kMostPoints);
  EXPECT_GE(curve.points().size(), Curve::kMostPoints / 2);
  EXPECT_NEAR(*curve.Median(), 50'000, 2'000);
  EXPECT_NEAR(*curve.LateMedian(), 87'500, 2'000);
}

TEST(CurveTest, NumbersThatAreNotFiniteAreLeftOut) {
  Curve curve;
  curve.Add(1, std::numeric_limits<double>::quiet_NaN());
  EXPECT_FALSE(curve.Median());
  curve.Add(2, 5);
  EXPECT_EQ(curve.points(), (std::vector<Curve::Point>{{2, 5}}));
}

TEST(ProgressMeterTest, StepsMadeAgainAfterARestartDoNotCount) {
  ProgressMeter meter;
  int64_t time = 0;
  for (int64_t step = 1; step <= 10; ++step) meter.Add(time += base::kNsPerSecond, step);
  for (int64_t step = 6; step <= 20; ++step) meter.Add(time += base::kNsPerSecond, step);
  EXPECT_DOUBLE_EQ(meter.ProductiveSeconds(std::nullopt), 20);
  EXPECT_DOUBLE_EQ(meter.ProductiveSeconds(15), 15);
}

TEST(ProgressMeterTest, ALongPauseCountsAsOneStep) {
  ProgressMeter meter;
  int64_t time = 0;
  for (int64_t step = 1; step <= 10; ++step) meter.Add(time += base::kNsPerSecond, step);
  meter.Add(time + 1000 * base::kNsPerSecond, 11);
  EXPECT_DOUBLE_EQ(meter.ProductiveSeconds(std::nullopt), 11);
}

TEST(JobFactsTest, AreReadBackAsTheyWereWritten) {
  JobFacts facts = Job("j", "cuda_oom");
  facts.culprit = Culprit{0, 3, 1198};
  facts.culprit_host = "n1";
  facts.hosts = {"n0", "n1"};
  facts.templates = {1, 18446744073709551615ULL};
  facts.last_step = 1198;
  facts.curves["loss"] = Flat(2.5, 3);
  facts.inflections = {{100, "throughput_drop"}};
  TakeConfiguration({{"arguments", R"({"model_name_or_path":"qwen","learning_rate":1e-4})"},
                     {"tensor_parallel", "8"},
                     {"label.cluster", "east"},
                     {"packages", R"({"transformers":"4.57"})"}},
                    &facts);
  EXPECT_EQ(facts.labels,
            (std::map<std::string, std::string>{
                {"model", "qwen"}, {"framework", "transformers"}, {"parallelism", "tp8"}, {"cluster", "east"}}));
  EXPECT_EQ(facts.settings["arguments.learning_rate"], "0.0001");
  auto read = FactsFromJson(ToJson(facts));
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(ToJson(*read), ToJson(facts));
  EXPECT_EQ(CurvesFromJson(CurvesToJson(facts.curves))["loss"].points(), facts.curves["loss"].points());
  EXPECT_TRUE(CurvesFromJson("[1").empty());
  EXPECT_FALSE(FactsFromJson("{}").ok());
  EXPECT_FALSE(FactsFromJson(R"({"job_id": "j", "ranks": "many"})").ok());
}

TEST(JobFactsTest, AFrameworkThatIsMerelyInstalledIsNotTheJobs) {
  const std::string packages = R"({"torch":"2.9","lightning":"2.6","transformers":"5.0"})";
  auto framework = [&](std::map<std::string, std::string> configuration) {
    JobFacts facts;
    configuration["packages"] = packages;
    configuration["torch"] = "2.9";
    TakeConfiguration(configuration, &facts);
    return facts.labels["framework"];
  };
  EXPECT_EQ(framework({{"command", "torchrun train.py"}}), "torch");
  EXPECT_EQ(framework({{"framework", "lightning"}}), "lightning");
  EXPECT_EQ(framework({{"arguments", R"({"learning_rate":1e-4})"}}), "transformers");
  EXPECT_EQ(framework({{"command", "deepspeed train.py"}}), "deepspeed");
}

TEST(JobFactsTest, WhatDiffersWithEveryLaunchIsNoSetting) {
  JobFacts facts;
  TakeConfiguration({{"pid", "77"},
                     {"imported_from", "/logs/j"},
                     {"directory", "/home/a"},
                     {"environment", R"({"RANKSCOPE_RINGS":"/dev/shm/x","SHLVL":"2","NCCL_DEBUG":"INFO"})"}},
                    &facts);
  EXPECT_EQ(facts.settings,
            (std::map<std::string, std::string>{{"directory", "/home/a"}, {"environment.NCCL_DEBUG", "INFO"}}));
}

TEST(JobFactsTest, AJobThatFailedWithoutAWordIsNotHealthy) {
  JobFacts failed = Job("a", "none"), again = Job("b", "none");
  failed.state = again.state = "failed";
  TakeVerdict(Verdict(), &failed);
  TakeVerdict(Verdict(), &again);
  EXPECT_FALSE(failed.healthy);
  EXPECT_EQ(failed.failure, "unknown");
  EXPECT_TRUE(BookOf({failed}).FindSimilar(again).empty());
  EXPECT_EQ(CheckFix(failed, again).state, FixCheck::State::kNotReached);
}

TEST(InsightsTest, CountByClassAndNodeAndTimeBetweenFailures) {
  std::vector<JobFacts> jobs = {Job("a", "none", 10), Job("b", "cuda_oom", 2), Job("c", "cuda_oom", 4),
                                Job("d", "nccl_timeout", 4, 16)};
  jobs[1].hosts = {"n0", "n1"};
  jobs[1].culprit_host = "n1";
  Insights insights = Summarize(jobs);
  EXPECT_EQ(insights.failed, 3U);
  ASSERT_EQ(insights.classes.size(), 2U);
  EXPECT_EQ(insights.classes[0].value, "cuda_oom");
  EXPECT_EQ(insights.classes[0].failed, 2U);
  EXPECT_DOUBLE_EQ(*insights.hours_between_failures, 20.0 / 3);
  EXPECT_DOUBLE_EQ(*insights.rank_hours_between_failures, (80 + 16 + 32 + 64) / 3.0);
  const auto& nodes = insights.groups["node"];
  ASSERT_EQ(nodes.size(), 2U);
  EXPECT_EQ(nodes[0].value, "n1");
  EXPECT_EQ(nodes[0].failed, 1U);
  EXPECT_DOUBLE_EQ(nodes[1].rank_hours, 8);
}

TEST(InsightsTest, EffectiveTrainingTimeIsOfTheJobsThatReportedSteps) {
  std::vector<JobFacts> jobs = {Job("a", "none", 1), Job("b", "cuda_oom", 1), Job("no steps", "none", 100)};
  jobs[0].last_step = jobs[1].last_step = 10;
  jobs[0].productive_s = 3600;
  jobs[1].productive_s = 1800;
  EXPECT_DOUBLE_EQ(*Summarize(jobs).effective_training_time_ratio, 0.75);
}

TEST(InsightsTest, JobsThatLeaveTheirCourseAtTheSameStepAreOneTurn) {
  std::vector<JobFacts> jobs = {Job("a", "none"), Job("b", "none"), Job("c", "none")};
  jobs[0].inflections = {{10'000, "throughput_drop"}};
  jobs[1].inflections = {{10'100, "throughput_drop"}};
  jobs[2].inflections = {{20'000, "throughput_drop"}, {10'050, "loss_spike"}};
  auto turns = Summarize(jobs).turns;
  ASSERT_EQ(turns.size(), 1U);
  EXPECT_EQ(turns[0].jobs, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(turns[0].to_step, 10'100);
}

TEST(InsightsTest, AJobThatIsTakenOutLeavesNothingBehind) {
  JobFacts gone = Job("gone", "cuda_oom", 3);
  gone.hosts = {"n0"};
  gone.culprit_host = "n0";
  gone.labels = {{"model", "qwen"}};
  gone.settings = {{"batch", "16"}};
  gone.inflections = {{100, "throughput_drop"}};
  gone.last_step = 10;
  JobFacts stays = Job("stays", "none");
  stays.settings = {{"batch", "8"}};
  InsightsBook book = BookOf({stays, gone});
  book.Remove(gone);
  EXPECT_EQ(ToJson(book.Summarize()), ToJson(Summarize({stays})));
}

TEST(OomSettingsTest, ASettingOfItsOwnInEachJobIsGivenUp) {
  InsightsBook book;
  for (int i = 0; i < 3000; ++i) {
    JobFacts facts = Job("j" + std::to_string(i), i >= 2700 ? "cuda_oom" : "none");
    facts.settings = {{"started_at", std::to_string(i)}, {"batch", i >= 2700 ? "16" : "8"}};
    book.Add(facts);
  }
  auto settings = book.Summarize().oom_settings;
  ASSERT_EQ(settings.size(), 1U);
  EXPECT_EQ(settings[0].name, "batch");
  EXPECT_EQ(settings[0].ooms, 300U);
}

TEST(OomSettingsTest, TheSettingThatGoesWithOomsIsNamedAndNoOther) {
  std::vector<JobFacts> jobs;
  for (int i = 0; i < 40; ++i) {
    jobs.push_back(Job("j" + std::to_string(i), i % 4 == 0 ? "cuda_oom" : "none"));
    jobs.back().settings = {{"micro_batch_size", i % 4 == 0   ? "32"
                                                 : i % 4 == 1 ? "8"
                                                              : "16"},
                            {"seed", std::to_string(i % 3)},
                            {"environment.HOSTNAME", i % 4 == 0 ? "x" : "y"}};
  }
  auto settings = Summarize(jobs).oom_settings;
  ASSERT_EQ(settings.size(), 1U);
  EXPECT_EQ(settings[0].name + " " + settings[0].value, "micro_batch_size >= 32");
  EXPECT_EQ(settings[0].ooms, 10U);
  EXPECT_LT(settings[0].chance, 1e-6);
}

TEST(OomSettingsTest, TheChanceIsThatOfFishersExactTest) {
  EXPECT_NEAR(ChanceOfAtLeast(3, 4, 4, 8), 17.0 / 70, 1e-9);
  EXPECT_NEAR(ChanceOfAtLeast(0, 4, 4, 8), 1, 1e-9);
}

TEST(SimilarityTest, TheSameClassAndLinesAndLabelsComeFirstAndHealthyJobsNever) {
  JobFacts now = Job("now", "cuda_oom"), twin = Job("twin", "cuda_oom"), cousin = Job("cousin", "cuda_oom");
  now.templates = twin.templates = {1, 2};
  now.labels = twin.labels = {{"model", "qwen"}};
  now.kind = twin.kind = "one_extreme_sample";
  InsightsBook book = BookOf({cousin, Job("ok", "none"), twin, now, Job("other", "nccl_timeout")});
  auto similar = book.FindSimilar(now);
  ASSERT_EQ(similar.size(), 2U);
  EXPECT_EQ(similar[0].job, "twin");
  EXPECT_DOUBLE_EQ(similar[0].score, 1);
  EXPECT_EQ(similar[1].job, "cousin");
  book.Remove(twin);
  EXPECT_EQ(book.FindSimilar(now).size(), 1U);
}

TEST(JobDiffTest, SaysWhatChangedAndFromWhichStepOnTheCurvesDiffer) {
  JobFacts before = Job("a", "none"), now = Job("b", "none");
  before.settings = {{"lr", "1"}, {"seed", "7"}};
  now.settings = {{"lr", "2"}, {"seed", "7"}, {"new", "x"}};
  before.hosts = {"n0", "n1"};
  now.hosts = {"n0", "n2"};
  before.curves["loss"] = Flat(2, 100);
  for (int64_t step = 1; step <= 120; ++step) now.curves["loss"].Add(step, step < 50 ? 2 : 4);
  JobDiff diff = Compare(before, now);
  ASSERT_EQ(diff.settings.size(), 2U);
  EXPECT_EQ(diff.settings[0].name + diff.settings[0].before + diff.settings[0].now, "lr12");
  EXPECT_EQ(diff.nodes_left, std::vector<std::string>{"n1"});
  EXPECT_EQ(diff.nodes_new, std::vector<std::string>{"n2"});
  ASSERT_EQ(diff.metrics.size(), 1U);
  EXPECT_EQ(diff.metrics[0].apart_from, 50);
}

TEST(JobDiffTest, TellsTheOptionsOfTheCommandThatChanged) {
  JobFacts old = Job("old", "none"), now = Job("new", "none");
  TakeConfiguration({{"command", "python train.py data --lr 1e-4 --fp16 --seed -1 optim.beta=0.9"}}, &old);
  TakeConfiguration({{"command", "python train.py data --lr=2e-4 --seed -1 optim.beta=0.95"}}, &now);
  JobDiff diff = Compare(old, now);
  std::vector<std::string> told;
  for (const auto& one : diff.settings) told.push_back(one.name + ": " + one.before + " -> " + one.now);
  EXPECT_EQ(told, (std::vector<std::string>{"option.fp16: true -> ", "option.lr: 1e-4 -> 2e-4",
                                            "option.optim.beta: 0.9 -> 0.95"}));
  TakeConfiguration({{"command", "python other.py data --lr=2e-4 --seed -1 optim.beta=0.95"}}, &now);
  EXPECT_EQ(Compare(old, now).settings[0].name, "command");
}

TEST(FixCheckTest, AShorterJobThatEndedWellDidNotReachTheFailure) {
  JobFacts old = Job("old", "cuda_oom"), now = Job("new", "none");
  old.culprit = Culprit{0, 3, 1000};
  now.last_step = 500;
  EXPECT_EQ(CheckFix(old, now).state, FixCheck::State::kNotReached) << CheckFix(old, now).why;
  now.last_step = 1000;
  EXPECT_EQ(CheckFix(old, now).state, FixCheck::State::kGone);
  old.culprit.reset();  // before its first step
  now.last_step = 500;
  EXPECT_EQ(CheckFix(old, now).state, FixCheck::State::kGone);
}

TEST(FixCheckTest, TellsGoneFromBackFromNotReached) {
  JobFacts old = Job("old", "cuda_oom"), now = Job("new", "none");
  old.culprit = Culprit{0, 3, 1000};
  now.state = "running";
  now.last_step = 900;
  EXPECT_EQ(CheckFix(old, now).state, FixCheck::State::kNotReached);
  now.last_step = 1200;
  EXPECT_EQ(CheckFix(old, now).state, FixCheck::State::kGone);
  now = Job("new", "cuda_oom");
  EXPECT_EQ(CheckFix(old, now).state, FixCheck::State::kBack);
  now = Job("new", "port in use");
  EXPECT_EQ(CheckFix(old, now).state, FixCheck::State::kNotReached);
}

TEST(FixCheckTest, ASlowJobIsMendedOnceTheNewOneIsAsFastAsItWas) {
  JobFacts old = Job("old", "network_degraded"), now = Job("new", "none");
  for (int64_t step = 1; step <= 1000; ++step) {
    old.curves["throughput_tokens_per_sec"].Add(step, step < 500 ? 80'000 : 30'000);
  }
  old.culprit = Culprit{{}, {}, 500};
  now.state = "running";
  now.last_step = 1000;
  now.curves["throughput_tokens_per_sec"] = Flat(75'000, 1000);
  FixCheck check = CheckFix(old, now);
  EXPECT_EQ(check.state, FixCheck::State::kGone) << check.why;
  EXPECT_DOUBLE_EQ(*check.usual, 80'000);
  EXPECT_DOUBLE_EQ(*check.last, 30'000);
  EXPECT_DOUBLE_EQ(*check.now, 75'000);
  now.curves["throughput_tokens_per_sec"] = Flat(40'000, 1000);
  EXPECT_EQ(CheckFix(old, now).state, FixCheck::State::kBack);
  old.culprit.reset();  // all ranks slowed alike
  old.last_step = 1000;
  old.inflections = {{500, "throughput_drop"}};
  EXPECT_EQ(CheckFix(old, now).failed_at, 500);
}

TEST(FixCheckTest, JobsThatTellNoTokensAreComparedByTheirSteps) {
  JobFacts old = Job("old", "cuda_oom"), now = Job("new", "none");
  old.culprit = Culprit{0, 3, 500};
  old.curves["step_time_s"] = Flat(0.5, 500);
  now.curves["step_time_s"] = Flat(0.4, 1000);
  now.curves["throughput_tokens_per_sec"] = Flat(75'000, 1000);
  FixCheck check = CheckFix(old, now);
  EXPECT_EQ(check.unit, "steps/s");
  EXPECT_DOUBLE_EQ(*check.usual, 2);
  EXPECT_DOUBLE_EQ(*check.now, 2.5);
}

TEST(RuleSuggestionTest, PatternsKeepTheWordsAndLetNumbersAddressesAndPathsVary) {
  EXPECT_EQ(PatternOf("Tried 4.2 GiB at 0xff in /a/b.py"),
            R"(Tried\ \d+(?:[.:,]\d+)*\ GiB\ at\ 0x[0-9a-fA-F]+\ in\ \S+)");
}

// The rule passes its own tests, as `rankscope rules test` runs them.
void ExpectThatTestsPass(const JobFacts& facts) {
  auto made = SuggestRule(facts, "suggested.yaml");
  ASSERT_TRUE(made.ok()) << made.status().message();
  auto rules = detect::ParseRuleFile("suggested.yaml", made->rules);
  ASSERT_TRUE(rules.ok()) << rules.status().message() << "\n" << made->rules;
  auto tests = detect::ParseRuleTests("tests.yaml", made->tests);
  ASSERT_TRUE(tests.ok()) << tests.status().message() << "\n" << made->tests;
  auto set = detect::RuleSet::Make(*rules);
  ASSERT_TRUE(set.ok()) << set.status().message();
  ASSERT_EQ(tests->tests.size(), 2U);
  for (const detect::RuleTest& test : tests->tests) {
    auto findings = detect::FindingsOf(*set, detect::RecordsOf(test, 1));
    EXPECT_EQ(detect::Differences(test, **set, findings, 1), std::vector<std::string>()) << test.name;
  }
}

TEST(RuleSuggestionTest, TheRuleOfALineFiresOnItAndIsSilentOnOthers) {
  JobFacts facts = Job("j-17", "cuda_oom");
  facts.culprit = Culprit{0, 3, 1198};
  facts.root_line = "[rank3]: RuntimeError: 'x': CUDA out of memory. Tried to allocate 4.20 GiB (GPU 3; 79.2 GiB)";
  ExpectThatTestsPass(facts);
}

TEST(RuleSuggestionTest, AHangIsFoundByItsSilenceAndNotByTheFrameWhereItStood) {
  for (double step_s : {0.05, 30.0}) {
    JobFacts facts = Job("stuck", "process_hung");
    facts.root_line = "  File \"/app/train.py\", line 12 in step";
    facts.last_step = 40;
    facts.productive_s = 40 * step_s;
    ExpectThatTestsPass(facts);
    EXPECT_NE(SuggestRule(facts, "x.yaml")->rules.find(step_s > 1 ? "at_least: 600s" : "at_least: 10s"),
              std::string::npos);
  }
}

TEST(RuleSuggestionTest, AHangBeforeTheFirstStepIsRefusedAndSaysWhy) {
  JobFacts facts = Job("stuck", "process_hung");
  facts.root_line = "Initializing distributed: GLOBAL_RANK: 0, MEMBER: 1/2";
  auto made = SuggestRule(facts, "x.yaml");
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.status().message().find("hung before it had made a step"), std::string::npos);
}

TEST(RuleSuggestionTest, ALossThatLeftItsCourseIsFoundByHowFarItRose) {
  JobFacts facts = Job("up", "loss_spike_or_divergence");
  for (int64_t step = 1; step <= 200; ++step) facts.curves["loss"].Add(step, step < 150 ? 2.5 : 10);
  for (const char* report : {R"({"stream":"metric","rank":0,"step":150,"loss":10})", "step: 150 loss: 10.0"}) {
    facts.root_line = report;
    ExpectThatTestsPass(facts);
    EXPECT_NE(SuggestRule(facts, "x.yaml")->rules.find("metric: loss\n    when: value > 2 * baseline(50steps)"),
              std::string::npos);
  }
  facts.root_line = "step: 140 loss: 2.5";
  EXPECT_FALSE(SuggestRule(facts, "x.yaml").ok());
}

TEST(RuleSuggestionTest, AMetricThatIsNoNumberIsFoundWhateverReportsIt) {
  JobFacts facts = Job("nan", "nan_or_inf_loss");
  for (const auto& [report, metric] : {std::pair("{'loss': nan, 'step': 151}", "loss"),
                                       {R"({"stream":"metric","rank":0,"step":80,"loss":"NaN"})", "loss"},
                                       {"step: 9 loss: 0.0 grad_norm: nan", "gradient_norm"}}) {
    facts.root_line = report;
    ExpectThatTestsPass(facts);
    EXPECT_NE(SuggestRule(facts, "x.yaml")->rules.find(std::string("metric: ") + metric + "\n    when: nonfinite > 0"),
              std::string::npos);
  }
}

TEST(RuleSuggestionTest, StacksInDifferentCollectivesAreAHangToo) {
  JobFacts facts = Job("stuck", "collective_mismatch_hang");
  facts.kind = "stack";
  facts.root_line = "  File \"/app/train.py\", line 12 in step";
  facts.last_step = 40;
  facts.productive_s = 40;
  EXPECT_NE(SuggestRule(facts, "x.yaml")->rules.find("silence: {of: steps"), std::string::npos);
}

TEST(RuleSuggestionTest, AFailureWithoutWordsIsFoundByTheThroughputThatWasLost) {
  JobFacts facts = Job("slow", "throughput_decay");
  facts.root_line = R"({"stream":"metric","rank":0,"step":600,"throughput_tokens_per_sec":30000})";
  EXPECT_FALSE(SuggestRule(facts, "x.yaml").ok());
  for (int64_t step = 1; step <= 1000; ++step) {
    facts.curves["throughput_tokens_per_sec"].Add(step, step < 600 ? 80'000 : 30'000);
  }
  ExpectThatTestsPass(facts);
  EXPECT_FALSE(SuggestRule(Job("fine", "none"), "x.yaml").ok());
}

TEST(RuleSuggestionTest, APrintedReportOfNumbersIsWhatAnyHealthyJobPrints) {
  JobFacts facts = Job("slow", "throughput_decay");
  facts.root_line = "{'loss': 1.0132, 'step': 151, 'tokens_per_sec': 400.0}";
  for (int64_t step = 1; step <= 200; ++step) facts.curves["step_time_s"].Add(step, step < 100 ? 0.2 : 0.5);
  auto made = SuggestRule(facts, "x.yaml");
  ASSERT_TRUE(made.ok());
  EXPECT_NE(made->rules.find("metric: step_time_s\n    when: value > 0.316"), std::string::npos) << made->rules;
  ExpectThatTestsPass(facts);
  facts.curves.clear();
  EXPECT_FALSE(SuggestRule(facts, "x.yaml").ok());
}

}  // namespace
}  // namespace rankscope::diagnose
