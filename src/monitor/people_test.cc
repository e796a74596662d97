#include "monitor/people.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "catalog/findings.h"
#include "monitor/incident_rows.h"

namespace rankscope::monitor {
namespace {

// For 300 s at most: a limit for a broken build, never a measure.
bool Await(const std::function<bool()>& is_so) {
  for (int i = 0; i < 30'000 && !is_so(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return is_so();
}

// People who are told over a channel that nobody answers: what they are told stands in the delivery log.
class PeopleTest : public testing::Test {
 protected:
  PeopleTest() {
    folder_ = testing::TempDir() + "/" + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    findings_ = *catalog::Findings::Open(folder_, "p");
    std::ofstream(folder_ + "/notify.yaml") << "receivers: [{name: c, webhook: {url: 'http://127.0.0.1:1'}}]\n"
                                               "route: {receiver: c, group_wait: 0s, group_interval: 0s}\n";
    notifier_ = *notify::LiveNotifier::Start({folder_ + "/notify.yaml", folder_ + "/notify.db", {}});
  }
  static diagnose::Incident Opened(const std::string& id) {
    diagnose::Incident incident;
    incident.id = id;
    incident.version = 1;
    incident.project = "p";
    incident.job = "j";
    incident.severity = detect::Severity::kCritical;
    incident.title = "CUDA out of memory";
    return incident;
  }
  void Save(const diagnose::Incident& incident) {
    catalog::Findings::Changes changes;
    changes.incidents = {RowOf(incident)};
    ASSERT_TRUE(findings_->Save(changes).ok());
  }
  // "firing", then "resolved", …: of the incident.
  std::vector<std::string> Told(const std::string& id) {
    notify::TellingFilter filter;
    filter.incident = id;
    auto tellings = notifier_->Get()->Tellings(filter);
    std::vector<std::string> kinds;
    for (auto telling = tellings->rbegin(); telling != tellings->rend(); ++telling) {
      kinds.emplace_back(NameOf(telling->kind));
    }
    return kinds;
  }
  // They hear that these fire, of a server that then goes.
  void TellThatTheyFire(const std::vector<diagnose::Incident>& incidents) {
    ASSERT_TRUE(People("p", notifier_.get(), findings_->incidents(), [](const std::string&) { return false; })
                    .Take(incidents)
                    .ok());
    for (const auto& incident : incidents) {
      ASSERT_TRUE(Await([&] { return Told(incident.id).size() == 1; })) << incident.id;
    }
  }

  std::string folder_;
  std::unique_ptr<catalog::Findings> findings_;
  std::unique_ptr<notify::LiveNotifier> notifier_;
};

TEST_F(PeopleTest, WhatEndedWhileNobodyWasToBeToldIsClosed) {
  diagnose::Incident dismissed = Opened("i-1"), superseded = Opened("i-2"), open = Opened("i-3");
  TellThatTheyFire({dismissed, superseded, open});
  dismissed.state = diagnose::IncidentState::kDismissed;
  superseded.state = diagnose::IncidentState::kResolved;
  superseded.superseded_by = "i-3";
  dismissed.version = superseded.version = 2;
  for (const auto& incident : {dismissed, superseded, open}) Save(incident);
  People people("p", notifier_.get(), findings_->incidents(), [](const std::string&) { return false; });
  ASSERT_TRUE(people.CloseEnded(1).ok());
  using Words = std::vector<std::string>;
  EXPECT_TRUE(Await([&] { return Told("i-1") == Words({"firing", "resolved"}); }));
  EXPECT_TRUE(Await([&] { return Told("i-2") == Words({"firing", "superseded"}); }));
  EXPECT_EQ(Told("i-3"), Words({"firing"}));
}

TEST_F(PeopleTest, WhatWasDeletedMeanwhileIsClosed) {
  TellThatTheyFire({Opened("i-4")});
  ASSERT_TRUE(People("p", notifier_.get(), findings_->incidents(), [](const std::string&) { return false; })
                  .CloseEnded(1)
                  .ok());
  EXPECT_TRUE(Await([&] { return Told("i-4") == std::vector<std::string>({"firing", "resolved"}); }));
}

}  // namespace
}  // namespace rankscope::monitor
