#include "monitor/rule_actions.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "base/sqlite.h"
#include "model/record_value.h"

namespace rankscope::monitor {
namespace {

// Keeps what is begun; a server that is starting takes nothing.
class Port : public diagnose::ActionPort {
 public:
  base::Status CanBegin(const diagnose::ActionRequest&) const override {
    return starting ? base::Status::Unavailable("starting") : base::Status();
  }
  base::Result<diagnose::ActionReport> Begin(const diagnose::ActionRequest& request) override {
    if (!refusal.ok()) return refusal;
    begun.push_back(request);
    return diagnose::ActionReport();
  }
  base::Result<diagnose::ActionReport> Find(const std::string&, const std::string& id) const override {
    if (id != held) return base::Status::NotFound(id);
    diagnose::ActionReport report;
    report.id = id;
    report.state = "held";
    return report;
  }
  std::vector<diagnose::ActionReport> List(const std::string&, const std::string&) const override { return {}; }

  bool starting = false;
  base::Status refusal;
  std::string held;  // the id of the action that holds its job
  std::vector<diagnose::ActionRequest> begun;
};

// While it lives no file of this process grows, as on a disk that is full.
class FullDisk {
 public:
  FullDisk() {
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    EXPECT_EQ(getrlimit(RLIMIT_FSIZE, &before_), 0);
    rlimit none = before_;
    none.rlim_cur = 0;
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &none), 0);
  }
  ~FullDisk() {
    (void)setrlimit(RLIMIT_FSIZE, &before_);
    (void)std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

class RuleActionsTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/rankscope_rule_actions_test";
    std::filesystem::remove_all(folder_);
    Start();
  }
  // As a server does, after whatever happened to the one before.
  void Start() {
    actions_.reset();
    findings_.reset();
    findings_ = *catalog::Findings::Open(folder_, "default");
    port_.begun.clear();
    actions_.emplace("default", findings_.get(), &port_, [this](const std::string& said) { said_ = said; });
  }
  void Want(const std::string& finding, const std::string& job = "j", int64_t further = 0) {
    catalog::WantedAction wanted{job, "pause_job", finding, "Oom", "i-1", 3};
    wanted.further = further;
    catalog::Findings::Changes changes;
    changes.actions.push_back(wanted);
    ASSERT_TRUE(findings_->Save(changes).ok());
    actions_->Look(/*more=*/true);
  }
  void Conclude(const std::string& finding) {
    catalog::Findings::Changes changes;
    changes.concluded = finding;
    ASSERT_TRUE(findings_->Save(changes).ok());
  }
  // As if it had been begun so long ago.
  void MinuteHasPassed() {
    auto all = findings_->wanted_actions()->List();
    for (const catalog::WantedAction& wanted : *all) {
      ASSERT_TRUE(findings_->wanted_actions()->MarkBegun(wanted, wanted.begun - 61 * base::kNsPerSecond).ok());
    }
    actions_->Look(/*more=*/true);
  }
  // Of the findings' file, while no server has it.
  void Execute(const char* sql) {
    actions_.reset();
    findings_.reset();
    auto file = base::Sqlite::Open(folder_ + "/findings.sqlite", {});
    ASSERT_TRUE(file.ok());
    EXPECT_TRUE((*file)->Execute(sql).ok());
    file->reset();
    Start();
  }
  std::vector<std::string> Outcomes() {
    std::vector<std::string> outcomes;
    auto events = findings_->EventsAfter(0, 100);
    for (const model::Record& event : *events) {
      outcomes.push_back(std::get<std::string>(*model::FindField(event.fields, "outcome")));
    }
    return outcomes;
  }

  std::string folder_, said_;
  std::unique_ptr<catalog::Findings> findings_;
  Port port_;
  std::optional<RuleActions> actions_;
};

TEST_F(RuleActionsTest, WhatIsWantedIsBegunOnce) {
  Want("f1");
  actions_->Look(/*more=*/true);
  ASSERT_EQ(port_.begun.size(), 1u);
  EXPECT_EQ(port_.begun[0].finding, "f1");
  EXPECT_EQ(port_.begun[0].incident, "i-1");
  EXPECT_EQ(port_.begun[0].by, "rule Oom");
  EXPECT_EQ(port_.begun[0].rank, 3);
  EXPECT_FALSE(port_.begun[0].again);
}

TEST_F(RuleActionsTest, WhatIsWantedWhileTheServerStartsIsBegunWhenItCanBe) {
  port_.starting = true;
  Want("f1");
  EXPECT_TRUE(port_.begun.empty());
  Start();
  actions_->Look(/*more=*/true);
  EXPECT_TRUE(port_.begun.empty());
  port_.starting = false;
  actions_->Look(/*more=*/true);
  ASSERT_EQ(port_.begun.size(), 1u);
  EXPECT_FALSE(port_.begun[0].again);
}

TEST_F(RuleActionsTest, AServerThatEndedBeforeTheOutcomeIsFollowedByOneThatBeginsAgain) {
  Want("f1");
  Start();
  actions_->Look(/*more=*/false);
  ASSERT_EQ(port_.begun.size(), 1u);
  EXPECT_TRUE(port_.begun[0].again);
  EXPECT_EQ(port_.begun[0].finding, "f1");
}

TEST_F(RuleActionsTest, WhatCameToAnOutcomeIsNotBegunAgainByTheNextServer) {
  Want("f1");
  Conclude("f1");
  Start();
  actions_->Look(/*more=*/false);
  EXPECT_TRUE(port_.begun.empty());
  Want("f2");
  EXPECT_TRUE(port_.begun.empty()) << "nor the same for another finding of that minute";
}

TEST_F(RuleActionsTest, AStormIsDoneOnceAndCounted) {
  Want("f1");
  Want("f2", "j", 99);
  Want("f3", "k");
  ASSERT_EQ(port_.begun.size(), 2u);
  EXPECT_EQ(port_.begun[1].job, "k");
  Conclude("f1");
  Conclude("f3");
  MinuteHasPassed();
  EXPECT_EQ(Outcomes(), std::vector<std::string>{"repeated"});
  auto events = findings_->EventsAfter(0, 1);
  EXPECT_EQ(std::get<int64_t>(*model::FindField(events->at(0).fields, "findings")), 100);
  Want("f4");
  EXPECT_EQ(port_.begun.back().finding, "f4");
}

TEST_F(RuleActionsTest, AJobThatIsStillHeldIsNotHeldAgainForAFurtherFinding) {
  Want("f1");
  Conclude("f1");
  port_.held = "a-f1";
  MinuteHasPassed();
  Want("f2");
  EXPECT_EQ(port_.begun.size(), 1u);
  EXPECT_TRUE(Outcomes().empty());
  port_.held = "";
  actions_->Look(/*more=*/true);
  EXPECT_EQ(Outcomes(), std::vector<std::string>{"repeated"});
  Want("f3");
  EXPECT_EQ(port_.begun.size(), 2u);
}

TEST_F(RuleActionsTest, WhatCannotBeBegunIsSaidOnce) {
  port_.refusal = base::Status::NotFound("no job j");
  Want("f1");
  actions_->Look(/*more=*/true);
  EXPECT_EQ(said_, "project default: finding f1 wants pause_job: no job j");
  EXPECT_EQ(Outcomes(), std::vector<std::string>{"refused"});
}

TEST_F(RuleActionsTest, ADeletedJobWantsNothing) {
  port_.starting = true;
  Want("f1");
  ASSERT_TRUE(findings_->DeleteJob("j").ok());
  port_.starting = false;
  actions_->Look(/*more=*/true);
  EXPECT_TRUE(port_.begun.empty());
}

TEST_F(RuleActionsTest, WhatADeletedJobWantedIsBegunWhereItComesBack) {
  Want("f1");
  ASSERT_TRUE(findings_->DeleteJob("j").ok());
  actions_->Look(/*more=*/true);
  Want("f1");
  EXPECT_EQ(port_.begun.size(), 2u);
}

TEST_F(RuleActionsTest, WhatAFullDiskKeepsFromBeginningIsBegunOnceThereIsRoom) {
  port_.starting = true;
  Want("f1");
  port_.starting = false;
  {
    FullDisk full;
    actions_->Look(/*more=*/true);
  }
  EXPECT_TRUE(port_.begun.empty());
  EXPECT_EQ(said_, "");
  actions_->Look(/*more=*/true);
  EXPECT_EQ(port_.begun.size(), 1u);
  EXPECT_TRUE(Outcomes().empty());
}

TEST_F(RuleActionsTest, ARefusalThatAFullDiskDoesNotTakeIsToldOnceThereIsRoom) {
  port_.refusal = base::Status::Unavailable("not yet");
  Want("f1");
  port_.refusal = base::Status::NotFound("no job j");
  {
    FullDisk full;
    actions_->Look(/*more=*/true);
  }
  EXPECT_TRUE(Outcomes().empty());
  actions_->Look(/*more=*/true);
  EXPECT_EQ(Outcomes(), std::vector<std::string>{"refused"});
}

TEST_F(RuleActionsTest, HowManyMoreWantedItIsToldOnceWhereTheRowCannotGoYet) {
  Want("f1");
  Want("f2");
  Conclude("f1");
  Execute("CREATE TRIGGER stays BEFORE DELETE ON wanted_action BEGIN SELECT RAISE(ABORT, 'no'); END");
  MinuteHasPassed();
  actions_->Look(/*more=*/true);
  EXPECT_TRUE(Outcomes().empty());
  Execute("DROP TRIGGER stays");
  actions_->Look(/*more=*/true);
  actions_->Look(/*more=*/true);
  EXPECT_EQ(Outcomes(), std::vector<std::string>{"repeated"});
}

}  // namespace
}  // namespace rankscope::monitor
