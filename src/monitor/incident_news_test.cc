#include "monitor/incident_news.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "monitor/incident_desk.h"

namespace rankscope::monitor {
namespace {

// Takes what it is told, unless it is out of order.
class Notebook : public diagnose::IncidentListener {
 public:
  std::string name() const override { return "notebook"; }
  base::Status Take(std::span<const diagnose::Incident> incidents) override {
    if (broken) return base::Status::Unavailable("out of order");
    for (const diagnose::Incident& incident : incidents) {
      told.push_back(std::string(NameOf(incident.change)) + " " + std::to_string(incident.version));
    }
    return {};
  }
  bool broken = false;
  std::vector<std::string> told;
};

detect::Finding Finding(const std::string& job, bool active = true) {
  detect::Finding finding;
  finding.job = job;
  finding.rule = "Hot";
  finding.finding_class = "thermal";
  finding.time = 5 * base::kNsPerSecond;
  finding.id = detect::FindingId(finding);
  finding.active = active;
  finding.ended = active ? 0 : 9 * base::kNsPerSecond;
  return finding;
}

class IncidentNewsTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/rankscope_incident_news_test";
    std::filesystem::remove_all(folder_);
    Start();
  }
  // Whatever was not saved is gone.
  void Start() {
    news_.reset();
    desk_.reset();
    findings_.reset();
    findings_ = *catalog::Findings::Open(folder_, "p");
    IncidentDesk::Parts parts;
    parts.project = "p";
    parts.findings = findings_.get();
    parts.world_size = [](const std::string&) { return 8; };
    parts.say = [](const std::string& line) { ADD_FAILURE() << line; };
    desk_ = std::make_unique<IncidentDesk>(parts);
    news_ = std::make_unique<IncidentNews>(findings_->incidents(), std::vector<diagnose::IncidentListener*>{&notebook_},
                                           [this](const std::string& line) { said_.push_back(line); });
    news_->Tell();
  }
  void Take(const detect::Finding& finding) {
    catalog::Findings::Changes changes;
    desk_->Take(finding);
    desk_->Drain(&changes);
    ASSERT_TRUE(findings_->Save(changes).ok());
    news_->Expect();
  }
  using Lines = std::vector<std::string>;

  std::string folder_;
  Notebook notebook_;
  Lines said_;
  std::unique_ptr<catalog::Findings> findings_;
  std::unique_ptr<IncidentDesk> desk_;
  std::unique_ptr<IncidentNews> news_;
};

TEST_F(IncidentNewsTest, EachVersionIsToldOnce) {
  Take(Finding("j"));
  news_->Tell();
  news_->Tell();
  EXPECT_EQ(notebook_.told, (Lines{"opened 1"}));
  Take(Finding("j", /*active=*/false));
  news_->Tell();
  Start();
  EXPECT_EQ(notebook_.told, (Lines{"opened 1", "resolved 2"}));
}

TEST_F(IncidentNewsTest, WhatWasOpenedAndResolvedBeforeACrashIsToldAfterIt) {
  notebook_.broken = true;
  Take(Finding("j"));
  news_->Tell();
  Take(Finding("j", /*active=*/false));
  notebook_.broken = false;
  Start();
  EXPECT_EQ(notebook_.told, (Lines{"opened 1", "resolved 2"}));
}

TEST_F(IncidentNewsTest, AVersionThatCannotBeReadKeepsNobodyFromTheNext) {
  catalog::Findings::Changes damaged;
  catalog::IncidentRow bad;
  bad.id = "i-bad";
  bad.job = "j";
  bad.json = R"({"id":)";
  damaged.versions = {bad, bad};
  ASSERT_TRUE(findings_->Save(damaged).ok());
  Take(Finding("j"));
  notebook_.broken = true;  // who does not take it is asked again, but nothing is said again
  news_->Tell();
  notebook_.broken = false;
  news_ = nullptr;
  Start();
  EXPECT_EQ(notebook_.told, (Lines{"opened 1"}));
  ASSERT_EQ(said_.size(), 4U) << "two of each start";
  EXPECT_NE(said_[1].find("version 2 cannot be read"), std::string::npos) << said_[1];
  EXPECT_NE(said_[1].find("(2 so far)"), std::string::npos) << said_[1];
  Take(Finding("k"));
  news_->Tell();
  EXPECT_EQ(notebook_.told, (Lines{"opened 1", "opened 1"}));
  EXPECT_EQ(said_.size(), 4U);
}

TEST_F(IncidentNewsTest, WhoIsNewHearsOfWhatIsOpen) {
  ASSERT_TRUE(findings_->incidents()->SetListeners({}).ok());
  Take(Finding("j"));
  Take(Finding("k"));
  Take(Finding("k", /*active=*/false));
  notebook_.told.clear();
  Start();
  EXPECT_EQ(notebook_.told, (Lines{"opened 1"}));
}

TEST_F(IncidentNewsTest, ADeletedJobsIncidentIsToldToBeOver) {
  Take(Finding("j"));
  ASSERT_TRUE(desk_->ResolveAll("j", "the job was deleted", 1).ok());
  catalog::Findings::Changes changes;
  desk_->Drain(&changes);
  ASSERT_TRUE(findings_->Save(changes).ok());
  ASSERT_TRUE(findings_->DeleteJob("j").ok());
  news_->Expect();
  news_->Tell();
  EXPECT_EQ(notebook_.told, (Lines{"opened 1", "resolved 2"}));
}

TEST_F(IncidentNewsTest, AWordAboutAnIncidentFromBeforeARestartIsHeard) {
  Take(Finding("j"));
  Start();
  std::string id = findings_->incidents()->List({})->at(0).id;
  auto said = desk_->Say(id, {IncidentWord::Act::kConfirm, "ann", "so", 0}, 7);
  ASSERT_TRUE(said.ok()) << said.status().message();
  EXPECT_EQ(said->version, 2U);
  EXPECT_EQ(desk_->Say("i-none", {}, 7).status().code(), base::Code::kNotFound);
}

TEST_F(IncidentNewsTest, AWordAboutAnIncidentThatTheBookHasLetGoIsHeard) {
  detect::Finding first = Finding("j");
  Take(first);
  Take(Finding("j", /*active=*/false));
  std::string id = findings_->incidents()->List({})->at(0).id;
  for (int hour = 1; hour < 100; ++hour) {
    detect::Finding later = first;
    later.time += hour * 3600 * base::kNsPerSecond;
    later.id = detect::FindingId(later);
    Take(later);
    later.active = false;
    later.ended = later.time + 1;
    Take(later);
  }
  ASSERT_EQ(findings_->incidents()->List({})->size(), 100U);
  auto said = desk_->Say(id, {IncidentWord::Act::kDismiss, "ann", "so", 0}, 7);
  ASSERT_TRUE(said.ok()) << said.status().message();
  EXPECT_EQ(said->decision.state, diagnose::IncidentState::kDismissed);
}

}  // namespace
}  // namespace rankscope::monitor
