#include "detect/job_rules.h"

#include <gtest/gtest.h>

#include "detect/engine.h"
#include "detect/findings_list.h"
#include "model/event.h"
#include "model/record_batch.h"

namespace rankscope::detect {
namespace {

// An engine without rules of its own.
class JobRulesTest : public testing::Test {
 protected:
  static std::shared_ptr<const RuleSet> NoRules() { return *RuleSet::Make({}); }

  model::Record At(int64_t second, int32_t rank) {
    model::Record record;
    record.origin.job = "j";
    record.origin.rank = rank;
    record.time = second * base::kNsPerSecond;
    return record;
  }
  void Take(const model::Record& record) {
    std::string bytes;
    model::EncodeRecords({record}, &bytes);
    auto batch = model::RecordBatch::Decode(std::move(bytes));
    model::RecordBatch::Cursor cursor(**batch);
    model::RecordView view;
    while (cursor.Next(&view)) engine_.Take(view);
  }
  void Event(const std::string& name, int64_t second, int32_t rank, const model::Fields& fields,
             const std::string& text = "") {
    model::Record record = At(second, rank);
    model::Record event = model::MakeEvent(name, record.time, text);
    event.origin = record.origin;
    event.step = second;
    event.fields.insert(event.fields.end(), fields.begin(), fields.end());
    Take(event);
  }
  void Register(int64_t second, int32_t rank, const std::string& pattern, const std::string& severity = "CRITICAL") {
    Event("detector_rule", second, rank,
          {{"rule", "oom"}, {"detector", "D"}, {"pattern", pattern}, {"severity", severity}, {"action", "pause_job"}},
          "rule oom: " + pattern);
  }
  void Line(int64_t second, int32_t rank, const std::string& text) {
    model::Record record = At(second, rank);
    record.text = text;
    Take(record);
  }

  FindingsList findings_;
  std::vector<RefusedRule> refused_;
  Engine engine_{NoRules(), [this](const Finding& finding) { findings_.Take(finding); },
                 [this](const RefusedRule& rule) { refused_.push_back(rule); }};
};

TEST_F(JobRulesTest, APatternIsSearchedFromItsRegistrationOn) {
  Line(1, 0, "CUDA out of memory");
  for (int32_t rank : {0, 1}) Register(2, rank, ".*CUDA out of memory.*");
  Line(3, 1, "Traceback\nCUDA out of memory. Tried\n");
  ASSERT_EQ(findings_.all().size(), 1U);
  const Finding& finding = findings_.all()[0];
  EXPECT_EQ(finding.rule, "oom");
  EXPECT_EQ(finding.finding_class, "log_pattern");
  EXPECT_EQ(finding.severity, Severity::kCritical);
  EXPECT_EQ(finding.action, "pause_job");
  EXPECT_EQ(finding.scope.rank, 1);
}

TEST_F(JobRulesTest, ADifferentRegistrationReplacesAndKeepsWhatIsOpen) {
  Register(1, 0, "out of memory");
  Line(2, 0, "out of memory");
  Register(3, 0, "out of (memory|luck)", "WARNING");
  Line(4, 0, "out of luck");
  ASSERT_EQ(findings_.all().size(), 1U);
  Line(5, 1, "out of luck");
  ASSERT_EQ(findings_.all().size(), 2U);
  EXPECT_EQ(findings_.all()[1].severity, Severity::kWarning);
}

TEST_F(JobRulesTest, ABadPatternIsRefusedOnceWithItsReason) {
  for (int32_t rank : {0, 1}) Register(1, rank, "(?=ahead)");
  ASSERT_EQ(refused_.size(), 1U);
  EXPECT_EQ(refused_[0].rule, "oom");
  EXPECT_NE(refused_[0].reason.find("(?=ahead)"), std::string::npos) << refused_[0].reason;
  EXPECT_EQ(refused_[0].origin.job, "j");
}

TEST_F(JobRulesTest, AJobThatNeverStopsRegisteringIsToldSoOnce) {
  auto registers = [&](int number, const std::string& pattern) {
    Event("detector_rule", 1, 0,
          {{"rule", "r" + std::to_string(number)}, {"detector", "D"}, {"pattern", pattern}, {"severity", "CRITICAL"}});
  };
  for (int number = 0; number < 1000; ++number) registers(number, "word" + std::to_string(number) + " .*x");
  ASSERT_EQ(refused_.size(), 1u);
  EXPECT_EQ(refused_[0].rule, "r200");
  EXPECT_NE(refused_[0].reason.find("200 patterns"), std::string::npos) << refused_[0].reason;
  registers(7, "(?=changed");
  EXPECT_EQ(refused_.size(), 1u);
  Line(2, 0, "word199 and x");
  Line(2, 0, "word200 and x");
  EXPECT_EQ(findings_.all().size(), 1u);
}

TEST_F(JobRulesTest, AConditionsFindingHasItsEvidenceAndEnds) {
  Event("detector_finding", 10, 2,
        {{"rule", "explode"},
         {"severity", "WARNING"},
         {"active", int64_t{1}},
         {"value", 5000.0},
         {"threshold", 1000.0},
         {"evidence", R"([{"step":9,"loss":4000.0},{"step":10,"loss":5000.0,"note":"x"}])"}},
        "loss explodes");
  ASSERT_EQ(findings_.all().size(), 1U);
  Finding finding = findings_.all()[0];
  EXPECT_EQ(finding.message, "loss explodes");
  EXPECT_EQ(finding.finding_class, "custom");
  EXPECT_EQ(finding.value, 5000);
  EXPECT_EQ(finding.step, 10);
  EXPECT_EQ(finding.scope.rank, 2);
  ASSERT_EQ(finding.evidence.size(), 2U);
  EXPECT_EQ(finding.evidence[0].step, 9);
  EXPECT_EQ(finding.evidence[1].fields.size(), 2U);
  Event("detector_finding", 20, 2, {{"rule", "explode"}, {"active", int64_t{0}}}, "over");
  EXPECT_FALSE(findings_.all()[0].active);
  Event("detector_finding", 30, 2, {{"rule", "explode"}, {"active", int64_t{1}}}, "again");
  EXPECT_EQ(findings_.all().size(), 2U);
}

TEST_F(JobRulesTest, WithoutEvidenceTheEventIsIt) {
  Event("detector_finding", 10, 2, {{"rule", "r"}, {"class", "extreme_sample"}, {"evidence", "no JSON"}}, "too long");
  ASSERT_EQ(findings_.all().size(), 1U);
  EXPECT_EQ(findings_.all()[0].finding_class, "extreme_sample");
  ASSERT_EQ(findings_.all()[0].evidence.size(), 1U);
  EXPECT_EQ(findings_.all()[0].evidence[0].text, "too long");
}

TEST_F(JobRulesTest, WhatTheServerSaidIsNotSearched) {
  Register(1, 0, "out of memory");
  Event("finding", 2, 0, {{"rule", "oom"}}, "rank 0: out of memory");
  EXPECT_EQ(findings_.all().size(), 0U);
}

TEST_F(JobRulesTest, AnOpenFindingOfADetectorIsResumed) {
  Finding told;
  told.id = "f-1";
  told.rule = "explode";
  told.job = "j";
  told.scope.rank = 2;
  Event("detector_finding", 10, 2, {{"rule", "explode"}, {"active", int64_t{1}}}, "it has begun");  // recalled
  engine_.Resume("default", "j", 0, {told});
  size_t known = findings_.all().size();
  Event("detector_finding", 11, 2, {{"rule", "explode"}, {"active", int64_t{1}}}, "it goes on");
  EXPECT_EQ(findings_.all().size(), known);
  Event("detector_finding", 20, 2, {{"rule", "explode"}, {"active", int64_t{0}}}, "over");
  ASSERT_EQ(findings_.all().size(), known + 1);
  EXPECT_EQ(findings_.all().back().id, "f-1");
  EXPECT_FALSE(findings_.all().back().active);
}

TEST_F(JobRulesTest, AFindingWhoseRuleIsGoneIsOver) {
  Finding told;
  told.id = "f-1";
  told.rule = "removed";
  told.job = "j";
  told.time = 5 * base::kNsPerSecond;
  engine_.Resume("default", "j", 0, {told});
  ASSERT_EQ(findings_.all().size(), 1U);
  EXPECT_EQ(findings_.all()[0].id, "f-1");
  EXPECT_FALSE(findings_.all()[0].active);
  EXPECT_NE(findings_.all()[0].headline.find("rule is gone"), std::string::npos);
}

TEST_F(JobRulesTest, AJobThatMakesRulesUpWithoutEndIsCutOffWithAWord) {
  for (int i = 0; i < 1010; ++i) {
    Event("detector_finding", i, 0, {{"rule", "r" + std::to_string(i)}, {"active", int64_t{1}}}, "again");
  }
  EXPECT_EQ(findings_.all().size(), 1000U);
  ASSERT_EQ(refused_.size(), 1U) << "told once";
  EXPECT_EQ(refused_[0].rule, "r1000");
}

}  // namespace
}  // namespace rankscope::detect
