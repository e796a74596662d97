#include "catalog/incidents.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/sqlite.h"
#include "catalog/findings.h"

namespace rankscope::catalog {
namespace {

IncidentRow Incident(const std::string& id, const std::string& job, const std::string& state = "potential") {
  IncidentRow row;
  row.id = id;
  row.job = job;
  row.state = state;
  row.decision = "potential";
  row.severity = "CRITICAL";
  row.rule = "R";
  row.incident_class = "network";
  row.json = "{\"id\":\"" + id + "\",\"state\":\"" + state + "\"}";
  return row;
}

FindingRow Finding(const std::string& id, const std::string& incident, const std::string& rule = "R") {
  FindingRow row;
  row.id = id;
  row.job = "j";
  row.rule = rule;
  row.severity = "CRITICAL";
  row.json = "{}";
  row.incident = incident;
  return row;
}

class IncidentsTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/rankscope_incidents_test";
    std::filesystem::remove_all(folder_);
    Open();
  }
  void Open() {
    findings_.reset();
    auto findings = Findings::Open(folder_, "default");
    ASSERT_TRUE(findings.ok()) << findings.status().message();
    findings_ = *std::move(findings);
    incidents_ = findings_->incidents();
  }
  // Each is a version, too.
  void Save(const std::vector<IncidentRow>& incidents, const std::vector<FindingRow>& findings = {}) {
    Findings::Changes changes;
    changes.incidents = changes.versions = incidents;
    changes.findings = findings;
    ASSERT_TRUE(findings_->Save(changes).ok());
  }
  std::vector<std::string> Ids(const IncidentFilter& filter = {}) {
    std::vector<std::string> ids;
    auto rows = incidents_->List(filter);
    for (const IncidentRow& row : *rows) ids.push_back(row.id);
    return ids;
  }
  std::string StateOf(const std::string& finding) {
    auto rows = findings_->List({});
    for (const FindingRow& row : *rows) {
      if (row.id == finding) return row.state;
    }
    return "";
  }
  using Names = std::vector<std::string>;
  Names NewsFor(const std::string& listener, int64_t limit) {
    Names jsons;
    auto news = *incidents_->NewsFor(listener, limit);
    for (const auto& version : news.versions) jsons.push_back(version.json);
    return jsons;
  }

  std::string folder_;
  std::unique_ptr<Findings> findings_;
  Incidents* incidents_ = nullptr;
};

TEST_F(IncidentsTest, TheyOutliveARestartAndALaterStateReplacesAnEarlierOne) {
  Save({Incident("a", "j"), Incident("b", "k")});
  Save({Incident("a", "j", "resolved")});
  Open();
  EXPECT_EQ(Ids(), (Names{"b", "a"}));
  EXPECT_EQ(incidents_->Get("a")->state, "resolved");
  EXPECT_EQ(incidents_->Get("none").status().code(), base::Code::kNotFound);
  IncidentFilter open, of_j;
  open.open = true;
  of_j.job = "j";
  EXPECT_EQ(Ids(open), (Names{"b"}));
  EXPECT_EQ(Ids(of_j), (Names{"a"}));
}

TEST_F(IncidentsTest, WhatChangedAfterwardsCanBeAskedFor) {
  Save({Incident("a", "j"), Incident("b", "j")});
  IncidentFilter later;
  later.changed_after = incidents_->last_change();
  EXPECT_EQ(Ids(later), Names());
  Save({Incident("a", "j", "confirmed")});
  EXPECT_EQ(Ids(later), (Names{"a"}));
}

TEST_F(IncidentsTest, WhatChangedAfterwardsComesInPagesNewestFirstWhicheverChangedLast) {
  Save({Incident("a", "j"), Incident("b", "j"), Incident("c", "j"), Incident("d", "j")});
  IncidentFilter later;
  later.changed_after = incidents_->last_change();
  Save({Incident("d", "j", "resolved")});
  Save({Incident("b", "j", "resolved"), Incident("a", "j", "resolved")});
  later.limit = 2;
  EXPECT_EQ(Ids(later), (Names{"d", "b"}));
  later.before = incidents_->Get("b")->place;
  EXPECT_EQ(Ids(later), (Names{"a"}));
}

TEST_F(IncidentsTest, FindingsAreWhatTheirIncidentIsUnlessSomebodyDecidedAboutThem) {
  IncidentRow incident = Incident("a", "j");
  Save({incident}, {Finding("f", "a"), Finding("g", "a")});
  EXPECT_EQ(StateOf("f"), "potential");
  incident.state = "resolved";
  Save({incident});
  EXPECT_EQ(StateOf("f"), "resolved");
  incident.decision = "confirmed";
  Save({incident});
  EXPECT_EQ(StateOf("f"), "confirmed");
  ASSERT_TRUE(findings_->Decide("f", {"dismissed", "ann", "", 5}).ok());
  EXPECT_EQ(StateOf("f"), "dismissed");
  EXPECT_EQ(StateOf("g"), "confirmed");
  auto decided = incidents_->DecidedFindings("a");
  EXPECT_EQ(decided->dismissed, 1);
  EXPECT_EQ(decided->findings, 2);
}

TEST_F(IncidentsTest, FindingsOfASupersededOneAreTheOthers) {
  Save({Incident("a", "j"), Incident("b", "j")}, {Finding("f", "a"), Finding("g", "b")});
  IncidentRow superseded = Incident("b", "j", "resolved");
  superseded.superseded_by = "a";
  Save({superseded});
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(*incidents_->ActiveFindings("j"), (Pairs{{"f", "a"}, {"g", "a"}}));
  FindingRow ended = Finding("g", "");
  ended.active = false;
  Save({}, {ended});
  EXPECT_EQ(*incidents_->ActiveFindings("j"), (Pairs{{"f", "a"}}));
}

TEST_F(IncidentsTest, RulesAnswerForWhatWasDismissed) {
  IncidentRow dismissed = Incident("a", "j", "dismissed"), confirmed = Incident("b", "j", "confirmed");
  dismissed.decision = "dismissed";
  confirmed.decision = "confirmed";
  confirmed.rank_hours = 2.5;
  Save({dismissed, confirmed}, {Finding("f", "a"), Finding("g", "a"), Finding("h", "b"), Finding("i", "b", "S")});
  auto stats = *incidents_->Stats();
  ASSERT_EQ(stats.size(), 2U);
  EXPECT_EQ(stats[0].rule, "R");
  EXPECT_EQ(stats[0].fired, 3);
  EXPECT_EQ(stats[0].dismissed, 2);
  EXPECT_EQ(stats[0].confirmed, 1);
  EXPECT_EQ(stats[0].incidents, 2);
  EXPECT_DOUBLE_EQ(stats[0].rank_hours, 2.5);
  EXPECT_EQ(stats[1].confirmed, 1);
  EXPECT_EQ(stats[1].incidents, 0);
}

TEST_F(IncidentsTest, AListenerHearsWhatItHasNotSaidItHas) {
  Save({Incident("old", "j", "resolved"), Incident("a", "j")});
  ASSERT_TRUE(incidents_->SetListeners({"people"}).ok());
  auto news = *incidents_->NewsFor("people", 10);
  ASSERT_EQ(news.versions.size(), 1U) << "of what is over, who is new hears nothing";
  EXPECT_EQ(news.versions[0].json, Incident("a", "j").json);
  Save({Incident("a", "j", "confirmed"), Incident("b", "j")});
  ASSERT_TRUE(incidents_->NoteTold("people", news.upto).ok());
  Open();
  ASSERT_TRUE(incidents_->SetListeners({"people"}).ok());
  Save({Incident("a", "j", "resolved")});
  news = *incidents_->NewsFor("people", 2);
  EXPECT_EQ(NewsFor("people", 2), (Names{Incident("a", "j", "confirmed").json, Incident("b", "j").json}));
  EXPECT_EQ(NewsFor("people", 2).size(), 2U) << "until it says that it has them";
  ASSERT_TRUE(incidents_->NoteTold("people", news.upto).ok());
  news = *incidents_->NewsFor("people", 2);
  EXPECT_EQ(NewsFor("people", 2), (Names{Incident("a", "j", "resolved").json}));
  ASSERT_TRUE(incidents_->NoteTold("people", news.upto).ok());
  EXPECT_EQ(NewsFor("people", 2), Names());
}

TEST_F(IncidentsTest, VersionsWaitForTheSlowestListener) {
  ASSERT_TRUE(incidents_->SetListeners({"fast", "slow"}).ok());
  for (const char* name : {"fast", "slow"}) {
    ASSERT_TRUE(incidents_->NoteTold(name, incidents_->NewsFor(name, 9)->upto).ok());
  }
  Save({Incident("a", "j")});
  ASSERT_TRUE(incidents_->NoteTold("fast", incidents_->NewsFor("fast", 9)->upto).ok());
  EXPECT_EQ(NewsFor("slow", 9).size(), 1U);
  ASSERT_TRUE(incidents_->SetListeners({"fast"}).ok());
  Save({Incident("a", "j", "resolved")});
  EXPECT_EQ(NewsFor("fast", 9), (Names{Incident("a", "j", "resolved").json}));
}

TEST_F(IncidentsTest, APageGoesOnBeforeThePlaceOfTheLast) {
  Save({Incident("a", "j"), Incident("b", "j"), Incident("c", "j")});
  IncidentFilter page;
  page.limit = 2;
  auto rows = *incidents_->List(page);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1].id, "b");
  page.before = rows[1].place;
  rows = *incidents_->List(page);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].id, "a");
}

TEST_F(IncidentsTest, EvidenceIsKeptBesideThem) {
  Save({Incident("a", "j"), Incident("b", "j")});
  ASSERT_TRUE(incidents_->SaveEvidence("a", "j", "{\"lines\":[]}").ok());
  ASSERT_TRUE(incidents_->SaveEvidence("gone", "j", "{}").ok());
  Save({Incident("a", "j", "resolved")});
  auto without = incidents_->WithoutEvidence(9);
  ASSERT_EQ(without->size(), 1U);
  EXPECT_EQ(without->at(0).id, "b");
  EXPECT_EQ(*incidents_->EvidenceOf("a"), "{\"lines\":[]}");
  EXPECT_EQ(*incidents_->EvidenceOf("gone"), "") << "the incident was deleted meanwhile";
}

TEST_F(IncidentsTest, ADeletedJobsIncidentsGo) {
  Save({Incident("a", "j"), Incident("b", "k")}, {Finding("f", "a")});
  ASSERT_TRUE(incidents_->SaveEvidence("a", "j", "{}").ok());
  ASSERT_TRUE(findings_->DeleteJob("j").ok());
  EXPECT_EQ(Ids(), (Names{"b"}));
  EXPECT_EQ(*incidents_->EvidenceOf("a"), "");
}

TEST_F(IncidentsTest, AcknowledgementsThatAreOverAreFound) {
  IncidentRow soon = Incident("a", "j"), later = Incident("b", "j");
  soon.acknowledged_until = 5;
  later.acknowledged_until = 9;
  Save({soon, later, Incident("c", "j")});
  auto over = incidents_->AcknowledgedUntil(7);
  ASSERT_EQ(over->size(), 1U);
  EXPECT_EQ(over->at(0).first, "a");
}

TEST_F(IncidentsTest, AJobIsMarkedByWhatWasNotDismissed) {
  IncidentRow dismissed = Incident("a", "j", "dismissed"), confirmed = Incident("b", "k", "resolved");
  dismissed.decision = "dismissed";
  confirmed.decision = "confirmed";
  IncidentRow note = Incident("c", "l");
  note.severity = "INFO";
  Save({dismissed, confirmed, note, Incident("d", "m", "resolved")});
  EXPECT_EQ(*findings_->Marks(), (std::map<std::string, std::string>{{"k", "confirmed"}, {"m", "potential"}}));
}

TEST(IncidentsOfAnOlderFile, FindingsFromBeforeThereWereAnyAreKept) {
  std::string folder = testing::TempDir() + "/rankscope_older_findings";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  {
    auto file = *base::Sqlite::Open(folder + "/findings.sqlite", {});
    ASSERT_TRUE(file->Execute("CREATE TABLE finding(place INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, job TEXT NOT "
                              "NULL, rule TEXT NOT NULL, class TEXT NOT NULL, severity TEXT NOT NULL, attempt INTEGER "
                              "NOT NULL, node_rank INTEGER, rank INTEGER, active INTEGER NOT NULL, began INTEGER NOT "
                              "NULL, json TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'potential', by TEXT NOT NULL "
                              "DEFAULT '', note TEXT NOT NULL DEFAULT '', at INTEGER NOT NULL DEFAULT 0)")
                    .ok());
    ASSERT_TRUE(file->Execute("INSERT INTO finding(id, job, rule, class, severity, attempt, active, began, json) "
                              "VALUES('f', 'j', 'R', 'c', 'WARNING', 0, 1, 5, '{}')")
                    .ok());
  }
  for (int opened = 0; opened < 2; ++opened) {
    auto findings = Findings::Open(folder, "default");
    ASSERT_TRUE(findings.ok()) << findings.status().message();
    auto rows = (*findings)->List({});
    ASSERT_EQ(rows->size(), 1U);
    EXPECT_EQ(rows->at(0).incident, "");
    EXPECT_EQ((*findings)->Marks()->at("j"), "potential");
  }
}

}  // namespace
}  // namespace rankscope::catalog
