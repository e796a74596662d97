#include "catalog/findings.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "model/event.h"

namespace rankscope::catalog {
namespace {

FindingRow Row(const std::string& id, const std::string& job, const std::string& severity = "WARNING") {
  FindingRow row;
  row.id = id;
  row.job = job;
  row.rule = "R";
  row.finding_class = "loss_high";
  row.severity = severity;
  row.rank = 3;
  row.json = "{}";
  return row;
}

class FindingsTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/rankscope_findings_test";
    std::filesystem::remove_all(folder_);
    Open();
  }
  void Open() {
    findings_.reset();
    auto findings = Findings::Open(folder_, "default");
    ASSERT_TRUE(findings.ok()) << findings.status().message();
    findings_ = *std::move(findings);
  }
  void Save(std::vector<FindingRow> rows, std::optional<uint64_t> position = {}) {
    Findings::Changes changes;
    for (const FindingRow& row : rows) changes.events.push_back(model::MakeEvent("finding", 1, row.id));
    changes.findings = std::move(rows);
    changes.position = position;
    ASSERT_TRUE(findings_->Save(changes).ok());
  }
  std::vector<std::string> Ids(const FindingFilter& filter = {}) {
    std::vector<std::string> ids;
    auto rows = findings_->List(filter);
    for (const FindingRow& row : *rows) ids.push_back(row.id);
    return ids;
  }
  using Names = std::vector<std::string>;

  std::string folder_;
  std::unique_ptr<Findings> findings_;
};

TEST_F(FindingsTest, FindingsPositionAndEventsOutliveARestart) {
  EXPECT_EQ(findings_->position(), std::nullopt);
  Save({Row("a", "j"), Row("b", "k")}, 77);
  Open();
  EXPECT_EQ(findings_->position(), 77U);
  EXPECT_EQ(Ids(), (Names{"b", "a"}));
  auto events = *findings_->EventsAfter(0, 10);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[1].text, "b");
  EXPECT_EQ(events[1].seq, 2U);
}

TEST_F(FindingsTest, NumbersGoOnWhenTheOutboxIsEmpty) {
  Save({Row("a", "j")});
  Findings::Changes written;
  written.written = 1;
  ASSERT_TRUE(findings_->Save(written).ok());
  Open();
  EXPECT_EQ(findings_->EventsAfter(0, 10)->size(), 0U);
  Save({Row("b", "j")});
  EXPECT_EQ(findings_->EventsAfter(0, 10)->at(0).seq, 2U);
}

TEST_F(FindingsTest, WhatIsToldAgainKeepsTheDecision) {
  Save({Row("a", "j")});
  ASSERT_TRUE(findings_->Decide("a", {"dismissed", "ada", "a drill", 5}).ok());
  FindingRow ended = Row("a", "j");
  ended.active = false;
  ended.json = "{\"more\":1}";
  Save({ended});
  FindingRow row = findings_->List({})->at(0);
  EXPECT_FALSE(row.active);
  EXPECT_EQ(row.json, ended.json);
  EXPECT_EQ(row.rank, 3);
  EXPECT_EQ(row.node_rank, std::nullopt);
  EXPECT_EQ(row.decision.state, "dismissed");
  EXPECT_EQ(row.decision.by, "ada");
  EXPECT_EQ(row.decision.note, "a drill");
  EXPECT_EQ(row.decision.at, 5);
}

TEST_F(FindingsTest, EachDecisionIsToldInTheJobsStream) {
  Save({Row("a", "j")});
  ASSERT_TRUE(findings_->Decide("a", {"confirmed", "ada", "", 5}).ok());
  ASSERT_TRUE(findings_->Decide("a", {"dismissed", "bob", "was me", 6}).ok());
  auto events = *findings_->EventsAfter(1, 10);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[1].text, "finding a (R) was dismissed by bob: was me");
  EXPECT_EQ(events[1].origin.job, "j");
  EXPECT_EQ(std::get<std::string>(*model::FindField(events[1].fields, "event")), "finding_dismissed");
  EXPECT_EQ(findings_->Decide("nobody", {"confirmed", "ada", "", 5}).status().code(), base::Code::kNotFound);
}

TEST_F(FindingsTest, AJobIsMarkedByItsWorstAlarm) {
  Save({Row("a", "note", "INFO"), Row("b", "j"), Row("c", "j"), Row("d", "k"), Row("e", "gone")});
  ASSERT_TRUE(findings_->Decide("c", {"confirmed", "ada", "", 5}).ok());
  ASSERT_TRUE(findings_->Decide("e", {"dismissed", "ada", "", 5}).ok());
  EXPECT_EQ(*findings_->Marks(), (std::map<std::string, std::string>{{"j", "confirmed"}, {"k", "potential"}}));
}

TEST_F(FindingsTest, FiltersAreAllOfThem) {
  Save({Row("a", "j"), Row("b", "j", "CRITICAL"), Row("c", "k", "CRITICAL")});
  ASSERT_TRUE(findings_->Decide("b", {"confirmed", "ada", "", 5}).ok());
  FindingFilter critical_of_j, potential, other_rule, newest;
  critical_of_j.job = "j";
  critical_of_j.severity = "CRITICAL";
  potential.state = "potential";
  other_rule.rule = "S";
  newest.finding_class = "loss_high";
  newest.limit = 2;
  EXPECT_EQ(Ids(critical_of_j), (Names{"b"}));
  EXPECT_EQ(Ids(potential), (Names{"c", "a"}));
  EXPECT_EQ(Ids(other_rule), (Names{}));
  EXPECT_EQ(Ids(newest), (Names{"c", "b"}));
}

TEST_F(FindingsTest, ADeletedJobHasNone) {
  Save({Row("a", "j"), Row("b", "k")});
  ASSERT_TRUE(findings_->DeleteJob("j").ok());
  EXPECT_EQ(Ids(), (Names{"b"}));
}

}  // namespace
}  // namespace rankscope::catalog
