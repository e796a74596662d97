#include "detect/engine.h"

#include <gtest/gtest.h>

#include <cmath>

#include "detect/findings_list.h"
#include "detect/rule_tests/rule_test.h"
#include "detect/rules/rule_file.h"
#include "model/event.h"
#include "model/record_batch.h"

namespace rankscope::detect {
namespace {

std::shared_ptr<const RuleSet> Rules(const std::string& rules) {
  auto parsed = ParseRuleFile("r.yaml", "groups:\n- name: g\n  rules:\n" + rules);
  EXPECT_TRUE(parsed.ok()) << parsed.status().message();
  auto set = RuleSet::Make(*std::move(parsed));
  EXPECT_TRUE(set.ok()) << set.status().message();
  return *set;
}

const char* const kLossHigh = "  - {alert: High, metric: loss, when: value > 1e3, for: 5steps}\n";
const char* const kOom = "  - {alert: Oom, match: '.*CUDA out of memory.*', per: rank, action: pause_job}\n";

model::Record Step(int64_t step, double loss, int32_t rank = 0) {
  model::Record record;
  record.origin.job = "j";
  record.origin.rank = rank;
  record.stream = model::Stream::kMetric;
  record.time = step * base::kNsPerSecond;
  record.step = step;
  record.fields = {{"loss", loss}};
  return record;
}

// An engine that is given records one by one, as they come live.
class Live {
 public:
  explicit Live(std::shared_ptr<const RuleSet> rules)
      : engine_(std::move(rules), [this](const Finding& finding) {
          ++told_;
          findings_.Take(finding);
        }) {}

  void Take(const model::Record& record) {
    std::string bytes;
    model::EncodeRecords({record}, &bytes);
    auto batch = model::RecordBatch::Decode(std::move(bytes));
    model::RecordBatch::Cursor cursor(**batch);
    model::RecordView view;
    while (cursor.Next(&view)) engine_.Take(view);
  }

  Engine& engine() { return engine_; }
  const std::vector<Finding>& findings() const { return findings_.all(); }
  int told() const { return told_; }

 private:
  FindingsList findings_;
  int told_ = 0;
  Engine engine_;
};

TEST(Engine, AReplayMakesTheSameFindings) {
  std::vector<model::Record> records;
  for (int64_t step = 1; step <= 300; ++step) records.push_back(Step(step, step > 100 && step < 150 ? 5000 : 2));
  auto rules = Rules(kLossHigh);
  Live live(rules);
  for (const model::Record& record : records) live.Take(record);
  std::vector<Finding> replayed = FindingsOf(rules, records);
  ASSERT_EQ(replayed.size(), 1U);
  EXPECT_EQ(replayed, live.findings());
  EXPECT_EQ(replayed[0].step, 105);
  EXPECT_FALSE(replayed[0].active);
}

TEST(Engine, JobsAndAttemptsAreApart) {
  Live live(Rules(kLossHigh));
  for (int64_t step = 1; step <= 4; ++step) {
    for (int32_t attempt : {0, 1}) {
      model::Record record = Step(step, 5000);
      record.origin.attempt = attempt;
      live.Take(record);
    }
  }
  EXPECT_EQ(live.findings().size(), 0U);  // four steps each are not five
}

TEST(Engine, ARankThatFollowsAnotherAwayFromItsPeersSaysSo) {
  Live live(Rules("  - alert: Odd\n    peers: {metric: loss, when: rel_dev > 0.5, for: 3steps, max_fraction: 0.5}\n"));
  for (int64_t step = 1; step <= 20; ++step) {
    for (int32_t rank = 0; rank < 8; ++rank) {
      bool odd = (rank == 5 && step >= 10) || (rank == 2 && step >= 14);
      live.Take(Step(step, odd ? 9 : 1, rank));
    }
  }
  ASSERT_EQ(live.findings().size(), 2U);
  EXPECT_EQ(live.findings()[0].scope.rank, 5);
  EXPECT_NE(live.findings()[0].message.find("odd since step 10"), std::string::npos) << live.findings()[0].message;
  EXPECT_NE(live.findings()[1].message.find("odd since step 14, after rank 5 (step 10)"), std::string::npos)
      << live.findings()[1].message;
  EXPECT_FALSE(live.findings()[0].evidence.empty());
}

TEST(Engine, ARuleOfTheJobCountsItsRanksAsOne) {
  Live live(Rules("  - {alert: Spike, detector: {kind: spike, metric: loss}}\n"));
  auto loss = [](int64_t step, int32_t rank) {
    if (rank == 3 && step == 100) return 50.0;  // one rank's mini-batch
    return step >= 150 ? 5.0 : 2 + 0.01 * static_cast<double>((step + rank) % 7);
  };
  for (int64_t step = 1; step <= 160; ++step) {
    for (int32_t rank = 0; rank < 8; ++rank) live.Take(Step(step, loss(step, rank), rank));
  }
  ASSERT_EQ(live.findings().size(), 1U);
  EXPECT_EQ(live.findings()[0].step, 151);
  EXPECT_FALSE(live.findings()[0].scope.rank);
}

TEST(Engine, AReloadKeepsAnOpenFindingOne) {
  Live live(Rules(kLossHigh));
  for (int64_t step = 1; step <= 10; ++step) live.Take(Step(step, 5000));
  ASSERT_EQ(live.findings().size(), 1U);
  live.engine().Use(Rules(std::string(kOom) + kLossHigh));
  for (int64_t step = 11; step <= 30; ++step) live.Take(Step(step, 5000));
  for (int64_t step = 31; step <= 50; ++step) live.Take(Step(step, 2));
  ASSERT_EQ(live.findings().size(), 1U);
  EXPECT_FALSE(live.findings()[0].active);
  EXPECT_EQ(live.told(), 2);  // that it began, and that it is over
}

TEST(Engine, AReloadBringsNewRules) {
  Live live(Rules(kLossHigh));
  model::Record line = Step(1, 2);
  line.text = "CUDA out of memory. Tried to allocate 2.00 GiB";
  live.Take(line);
  EXPECT_EQ(live.findings().size(), 0U);
  live.engine().Use(Rules(kOom));
  live.Take(line);
  ASSERT_EQ(live.findings().size(), 1U);
  const Finding& finding = live.findings()[0];
  EXPECT_EQ(finding.action, "pause_job");
  EXPECT_EQ(finding.scope.rank, 0);
  ASSERT_EQ(finding.evidence.size(), 1U);
  EXPECT_EQ(finding.evidence[0], line);
}

TEST(Engine, ASecondEngineGoesOnWithTheFindingThatTheFirstOneTold) {
  Live first(Rules(kLossHigh));
  for (int64_t step = 1; step <= 10; ++step) first.Take(Step(step, 5000));
  ASSERT_EQ(first.findings().size(), 1U);
  Live second(Rules(kLossHigh));
  for (int64_t step = 4; step <= 10; ++step) second.Take(Step(step, 5000));  // it sees less, and another beginning
  ASSERT_EQ(second.told(), 1);
  second.engine().Resume("default", "j", 0, {first.findings()[0]});
  for (int64_t step = 11; step <= 20; ++step) second.Take(Step(step, 5000));
  EXPECT_EQ(second.told(), 1);
  for (int64_t step = 21; step <= 30; ++step) second.Take(Step(step, 2));
  ASSERT_EQ(second.told(), 2);
  EXPECT_EQ(second.findings().back().id, first.findings()[0].id);
  EXPECT_FALSE(second.findings().back().active);
}

TEST(Engine, WhatNobodyWasToldIsToldWhenItHoldsOn) {
  Live live(Rules(kLossHigh));
  for (int64_t step = 1; step <= 10; ++step) live.Take(Step(step, 5000));
  live.engine().Resume("default", "j", 0, {});
  live.Take(Step(11, 5000));
  EXPECT_EQ(live.told(), 2);
}

const char* const kHang = "  - {alert: Hang, silence: {of: steps, times: 10, at_least: 60s}}\n";

const char* const kHeartbeat = "  - {alert: Lost, silence: {of: records, times: 10, at_least: 60s}}\n";
constexpr int64_t kYears = 70 * 365 * 86400LL * base::kNsPerSecond;

TEST(Engine, ARecordFromTheFutureSilencesNobody) {
  Live live(Rules(std::string(kHeartbeat) + kHang));
  auto all_but = [&](int64_t step, int32_t silent) {
    for (int32_t rank = 0; rank < 4; ++rank) {
      if (rank != silent) live.Take(Step(step, 2, rank));
    }
  };
  for (int64_t step = 1; step <= 30; ++step) all_but(step, -1);
  model::Record wrong = Step(30, 2, 3);
  wrong.time += kYears;
  live.Take(wrong);
  EXPECT_EQ(live.findings().size(), 0U);
  for (int64_t step = 31; step <= 200; ++step) all_but(step, 2);
  ASSERT_EQ(live.findings().size(), 1U) << "and time goes on";
  EXPECT_EQ(live.findings()[0].scope.rank, 2);
}

TEST(Engine, AFirstRecordFromTheFutureHoldsUpNoTime) {
  Live live(Rules(kHeartbeat));
  model::Record wrong = Step(0, 2, 3);
  wrong.time += kYears;
  live.Take(wrong);
  for (int64_t step = 1; step <= 300; ++step) {
    for (int32_t rank = 0; rank < (step < 150 ? 2 : 1); ++rank) live.Take(Step(step, 2, rank));
  }
  ASSERT_EQ(live.findings().size(), 1U);
  EXPECT_EQ(live.findings()[0].scope.rank, 1);
}

TEST(Engine, AJobThatGoesOnAfterHoursIsBelieved) {
  Live live(Rules(kHeartbeat));
  constexpr int64_t kHours = 7200;
  for (int64_t step = 1; step <= 30; ++step) live.Take(Step(step, 2));
  for (int64_t step = 31; step <= 120; ++step) {
    model::Record late = Step(step, 2);
    late.time += kHours * base::kNsPerSecond;
    live.Take(late);
  }
  ASSERT_EQ(live.findings().size(), 1U) << "that it said nothing meanwhile";
  EXPECT_EQ(live.findings()[0].time, 90 * base::kNsPerSecond) << "as if ticks had come";
  EXPECT_FALSE(live.findings()[0].active);
}

model::Record PauseEvent(int64_t second, const char* outcome, const std::string& action_id = "a1",
                         int64_t limit_s = 3600) {
  model::Record event = model::MakeEvent("action", second * base::kNsPerSecond, "");
  event.origin.job = "j";
  event.step = 31;
  event.fields.emplace_back("action", "pause_job");
  event.fields.emplace_back("outcome", outcome);
  if (!action_id.empty()) event.fields.emplace_back("action_id", action_id);
  event.fields.emplace_back("limit_s", limit_s);
  return event;
}

// 30 steps of a second, then a pause until `resumed`; seconds as steps.
class PausedJob : public testing::Test {
 protected:
  void Train(int64_t from, int64_t to, int64_t began) {
    for (int64_t step = from; step <= to; ++step) {
      model::Record record = Step(step, 2);
      record.time = (began + step - from) * base::kNsPerSecond;
      live_.Take(record);
    }
  }
  void Advance(int64_t second) { live_.engine().Advance("default", "j", second * base::kNsPerSecond); }

  Live live_{Rules(std::string(kHang) + kHeartbeat)};
};

TEST_F(PausedJob, IsNeitherHungNorSilent) {
  Train(1, 30, 1);
  live_.Take(PauseEvent(31, "held"));
  Advance(3500);
  EXPECT_EQ(live_.findings().size(), 0U);
  live_.Take(PauseEvent(3500, "resumed"));
  Advance(3550);
  Train(31, 60, 3550);
  EXPECT_EQ(live_.findings().size(), 0U) << live_.findings()[0].message;
}

TEST_F(PausedJob, ThatNeverGoesOnAfterItsLimitIsHung) {
  Train(1, 30, 1);
  live_.Take(PauseEvent(31, "held"));
  Advance(31 + 3600 + 1900);
  EXPECT_EQ(live_.findings().size(), 2U);
}

TEST_F(PausedJob, ThatWentOnWithoutAWordIsWatchedAgain) {
  Train(1, 30, 1);
  live_.Take(PauseEvent(31, "held"));
  Train(31, 60, 100);
  Advance(130 + 1900);
  EXPECT_EQ(live_.findings().size(), 2U);
}

TEST_F(PausedJob, StaysSoWhereASecondPauseIsRefused) {
  Train(1, 30, 1);
  live_.Take(PauseEvent(31, "held"));
  live_.Take(PauseEvent(100, "refused", "a-f2"));
  live_.Take(PauseEvent(101, "refused", ""));
  Advance(3500);
  EXPECT_EQ(live_.findings().size(), 0U) << live_.findings()[0].message;
}

TEST_F(PausedJob, OfAServerThatIsGoneIsWatchedAgainOnceItIsResumed) {
  Train(1, 30, 1);
  live_.Take(PauseEvent(31, "held"));
  model::Record resume = PauseEvent(100, "resumed", "a2");
  for (auto& [name, value] : resume.fields) {
    if (name == "action") value = "resume_job";
  }
  live_.Take(resume);
  Advance(100 + 1900);
  EXPECT_EQ(live_.findings().size(), 2U);
}

TEST_F(PausedJob, IsHungAfterAWeekWhateverItsLimitIsSaidToBe) {
  Train(1, 30, 1);
  live_.Take(PauseEvent(31, "held", "a1", INT64_MAX));
  Advance(31 + 7 * 86400);
  EXPECT_EQ(live_.findings().size(), 0U);
  Advance(31 + 8 * 86400);
  EXPECT_EQ(live_.findings().size(), 2U);
}

model::Record RankExit(int64_t second, int32_t rank) {
  model::Record event = model::MakeEvent("rank_exit", second * base::kNsPerSecond, "");
  event.origin.job = "j";
  event.origin.rank = rank;
  return event;
}

// A run of one rank that makes that many steps, each of so many seconds; what is found so long after the last.
size_t HangsAfter(int64_t steps, int64_t step_s, int64_t silent_s, const char* metric = "loss") {
  Live live(Rules("  - {alert: Hang, silence: {of: steps, times: 10, at_least: 60s, unspoken: 5m}}\n"));
  for (int64_t step = 1; step <= steps; ++step) {
    model::Record record = Step(step, 2);
    record.time *= step_s;
    record.fields[0].first = metric;
    live.Take(record);
  }
  live.engine().Advance("default", "j", (steps * step_s + silent_s) * base::kNsPerSecond);
  return live.findings().size();
}

// `ranks` make that many steps of a second, and those of `ended` end then; what is found by that second.
size_t HangsOf(int64_t steps, int32_t ranks, const std::vector<int32_t>& ended, int64_t second) {
  Live live(Rules(kHang));
  for (int64_t step = 1; step <= steps; ++step) {
    for (int32_t rank = 0; rank < ranks; ++rank) live.Take(Step(step, 2, rank));
  }
  for (int32_t rank : ended) live.Take(RankExit(steps, rank));
  live.engine().Advance("default", "j", second * base::kNsPerSecond);
  return live.findings().size();
}

TEST(Engine, RanksThatGoOnAfterOneHasEndedHangUnlessOneAloneIsLeft) {
  EXPECT_EQ(HangsOf(20, 4, {1}, 400), 1U);
  EXPECT_EQ(HangsOf(20, 4, {0, 1, 2}, 4000), 0U);
  EXPECT_EQ(HangsOf(20, 2, {1}, 4000), 0U);
  EXPECT_EQ(HangsOf(20, 2, {0, 1}, 4000), 0U);
}

TEST(Engine, AJobThatMadeFewStepsHangsAfterAHundredTimesTheLongestGap) {
  EXPECT_EQ(HangsAfter(8, 2, 295), 0U);
  EXPECT_EQ(HangsAfter(8, 2, 305), 1U) << "as long as a run that speaks of no pause is given";
  EXPECT_EQ(HangsAfter(3, 2, 305), 1U);
  EXPECT_EQ(HangsAfter(8, 10, 990), 0U);
  EXPECT_EQ(HangsAfter(8, 10, 1010), 1U);
}

TEST(Engine, AJobThatMayNotTrainYetHangsAfterAnHour) {
  EXPECT_EQ(HangsAfter(2, 2, 3590), 0U);
  EXPECT_EQ(HangsAfter(2, 2, 3610), 1U);
  EXPECT_EQ(HangsAfter(8, 2, 3590, "step_time_s"), 0U) << "as weights are loaded under a bar";
  EXPECT_EQ(HangsAfter(8, 60, 3590), 0U);
  EXPECT_EQ(HangsAfter(8, 60, 3610), 1U);
  EXPECT_EQ(HangsAfter(0, 2, 9000), 0U);
}

TEST(Engine, ASilenceThatEndsIsSeenWithoutTicks) {
  Live live(Rules(kHang));
  for (int64_t step = 1; step <= 20; ++step) live.Take(Step(step, 2));
  model::Record later = Step(21, 2);
  later.time += 300 * base::kNsPerSecond;
  live.Take(later);
  ASSERT_EQ(live.findings().size(), 1U);
  EXPECT_FALSE(live.findings()[0].active);
}

TEST(Engine, AnAttemptThatAnotherHasFollowedIsNotSilent) {
  Live live(Rules(std::string(kHang) + "  - {alert: Lost, silence: {of: records, times: 10, at_least: 60s}}\n"));
  for (int64_t step = 1; step <= 20; ++step) live.Take(Step(step, 1));
  for (int64_t step = 21; step <= 400; ++step) {
    model::Record record = Step(step, 1);
    record.origin.attempt = 1;
    live.Take(record);
  }
  live.engine().Advance("default", "j", 403 * base::kNsPerSecond);
  EXPECT_TRUE(live.findings().empty()) << live.findings()[0].message;
  live.engine().Advance("default", "j", 500 * base::kNsPerSecond);
  ASSERT_EQ(live.findings().size(), 2U);
  for (const Finding& finding : live.findings()) EXPECT_EQ(finding.attempt, 1) << finding.rule;
}

TEST(Engine, AFindingOfTheServerSaysInAStoredJobThatTimeHadCome) {
  Live live(Rules(kHang)), replay(Rules(kHang));
  for (int64_t step = 1; step <= 20; ++step) {
    live.Take(Step(step, 2));
    replay.Take(Step(step, 2));
  }
  live.engine().Advance("default", "j", 200 * base::kNsPerSecond);
  ASSERT_EQ(live.findings().size(), 1U);
  EXPECT_EQ(replay.findings().size(), 0U);
  model::Record event = Step(20, 2);
  event.stream = model::Stream::kEvent;
  event.time = live.findings()[0].time;
  event.fields = {{"event", "finding"}};
  replay.Take(event);
  EXPECT_EQ(replay.findings(), live.findings());
}

TEST(Engine, WhatAPersonDecidesLaterEndsNoFinding) {
  Live live(Rules(kOom));
  model::Record line = Step(1, 2);
  line.text = "CUDA out of memory";
  live.Take(line);
  model::Record decision = Step(100'000, 2);
  decision.stream = model::Stream::kEvent;
  decision.fields = {{"event", "finding_confirmed"}};
  live.Take(decision);
  ASSERT_EQ(live.findings().size(), 1U);
  EXPECT_TRUE(live.findings()[0].active);
}

TEST(Engine, APrintedLineAndItsMetricRecordAreOnePoint) {
  Live live(Rules(kLossHigh));
  for (int64_t step = 1; step <= 4; ++step) {
    live.Take(Step(step, 5000));
    model::Record printed = Step(step, 5000);
    printed.stream = model::Stream::kStdout;
    printed.text = "{'loss': 5000}";
    live.Take(printed);
  }
  EXPECT_EQ(live.findings().size(), 0U);
}

TEST(Engine, CountsThatAreNonsenseCountAsOne) {
  Live live(Rules(kLossHigh));
  for (int64_t step = 1; step <= 4; ++step) {
    model::Record record = Step(step, 5000);
    double nonsense[] = {std::nan(""), -7, 1e300, HUGE_VAL};
    record.fields.emplace_back("window_steps", nonsense[step - 1]);
    record.fields.emplace_back("loss_nonfinite", nonsense[step - 1]);
    live.Take(record);
  }
  EXPECT_EQ(live.findings().size(), 0U);  // four steps are not five
}

TEST(Engine, CumulativeSpeedOfSwiftIsNoStepTime) {
  Live live(Rules("  - {alert: Slow, metric: step_time_s, when: value > 5}\n"));
  for (int64_t step = 1; step <= 20; ++step) {
    model::Record record = Step(step, 2);
    record.stream = model::Stream::kStdout;
    record.fields.emplace_back("step_time_s", 9.0);
    record.fields.emplace_back("train_speed(s/it)", 9.0);
    live.Take(record);
  }
  EXPECT_EQ(live.findings().size(), 0U);
}

TEST(Engine, AFindingHasItsJsonForm) {
  Live live(Rules(kLossHigh));
  for (int64_t step = 1; step <= 5; ++step) live.Take(Step(step, 5000, 3));
  ASSERT_EQ(live.findings().size(), 1U);
  std::string json;
  AppendJson(live.findings()[0], &json);
  std::string id = live.findings()[0].id;
  EXPECT_EQ(
      json.substr(0, json.find(",\"evidence\"")),
      "{\"id\":\"" + id + "\",\"incident_id\":\"" + id +
          "\",\"rule\":\"High\",\"class\":\"log_pattern\",\"likely\":[],\"active\":true,\"severity\":\"WARNING\","
          "\"action\":\"notify_only\",\"job_id\":\"j\",\"attempt\":0,\"node_rank\":null,\"rank\":null,\"step\":5,"
          "\"timestamp\":\"1970-01-01T00:00:05.000000000Z\",\"state\":\"potential\",\"value\":5000,\"threshold\":1000");
}

}  // namespace
}  // namespace rankscope::detect
