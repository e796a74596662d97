#include "notify/notifier.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace rankscope::notify {
namespace {

// A notifier whose only channel never answers: what it was given stays to be seen.
class NotifierTest : public testing::Test {
 protected:
  NotifierTest() {
    path_ = testing::TempDir() + "/" + testing::UnitTest::GetInstance()->current_test_info()->name() + ".db";
    config_ = *ParseConfig("n.yaml", ".",
                           "receivers: [{name: hook, webhook: {url: 'http://127.0.0.1:1'}}]\n"
                           "route: {receiver: hook, group_wait: 0s, group_interval: 0s}\n");
  }
  std::unique_ptr<Notifier> Start() {
    auto notifier = Notifier::Start({path_, config_, {}, {}});
    EXPECT_TRUE(notifier.ok()) << notifier.status().message();
    return *std::move(notifier);
  }
  DeliveryLog::Kept Kept() {
    auto log = DeliveryLog::Open(path_);
    EXPECT_TRUE(log.ok()) << log.status().message();
    return *(*log)->Load(0);
  }
  static Update Make(const std::string& incident, uint64_t version, Kind kind) {
    Update update;
    update.incident = incident;
    update.version = version;
    update.kind = kind;
    update.project = "p";
    update.job = "j";
    update.severity = Severity::kCritical;
    return update;
  }
  static void AwaitWaiting(const Notifier& notifier, size_t count) {
    while (notifier.Channels()[0].waiting < count) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  std::string path_;
  std::shared_ptr<const Config> config_;
};

TEST_F(NotifierTest, WhatItTookIsKeptBeforeItReturns) {
  { ASSERT_TRUE(Start()->Take(Make("a", 1, Kind::kFiring)).ok()); }
  auto kept = Kept();
  ASSERT_EQ(kept.incidents.size(), 1U);
  EXPECT_EQ(kept.incidents[0].update->incident, "a");
}

TEST_F(NotifierTest, UpdateWithoutIncidentOrVersionIsRefused) {
  auto notifier = Start();
  EXPECT_EQ(notifier->Take(Make("", 1, Kind::kFiring)).code(), base::Code::kInvalid);
  EXPECT_EQ(notifier->Take(Make("a", 0, Kind::kFiring)).code(), base::Code::kInvalid);
}

TEST_F(NotifierTest, WhatIsOnItsWayIsNotMadeAgainAfterARestart) {
  {
    auto notifier = Start();
    ASSERT_TRUE(notifier->Take(Make("a", 1, Kind::kFiring)).ok());
    AwaitWaiting(*notifier, 1);
  }
  auto before = Kept();
  {
    auto notifier = Start();
    ASSERT_TRUE(notifier->Take(Make("a", 1, Kind::kFiring)).ok());
    AwaitWaiting(*notifier, 1);
  }
  auto after = Kept();
  ASSERT_EQ(after.pending.size(), 1U);
  EXPECT_EQ(after.pending[0].id, before.pending[0].id);
  EXPECT_EQ(after.pending[0].body, before.pending[0].body);
}

TEST_F(NotifierTest, IncidentThatBeganAndEndedInOneBatchIsNotTold) {
  std::vector<Update> both = {Make("a", 1, Kind::kFiring), Make("a", 2, Kind::kResolved)};
  {
    auto notifier = Start();
    ASSERT_TRUE(notifier->Take(both).ok());
    while (!notifier->Idle()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_TRUE(notifier->Take(both).ok());
  }
  EXPECT_TRUE(Kept().pending.empty());
}

TEST_F(NotifierTest, KnowsWhatIsOpenInAProjectAndTheLastVersionOfWhatIsOver) {
  auto notifier = Start();
  ASSERT_TRUE(notifier->Take(Make("a", 3, Kind::kFiring)).ok());
  ASSERT_TRUE(notifier->Take(Make("b", 1, Kind::kFinished)).ok());
  auto open = notifier->Open("p");
  ASSERT_EQ(open.size(), 1U);
  EXPECT_EQ(open[0]->incident, "a");
  EXPECT_TRUE(notifier->Open("other").empty());
  EXPECT_EQ(*notifier->VersionOf("b"), 1U);
  EXPECT_EQ(*notifier->VersionOf("c"), 0U);
}

TEST_F(NotifierTest, SilenceOfAProjectSilencesNoOther) {
  auto notifier = Start();
  base::TimeNs now = base::WallNow();
  Silence silence{"", {"job=\"j\""}, now, now + 3600 * base::kNsPerSecond, "ann", "planned", "other"};
  ASSERT_TRUE(notifier->Silence(silence).ok());
  ASSERT_TRUE(notifier->Take(Make("a", 1, Kind::kFiring)).ok());
  AwaitWaiting(*notifier, 1);
  silence.project = "p";
  ASSERT_TRUE(notifier->Silence(silence).ok());
  ASSERT_TRUE(notifier->Take(Make("b", 1, Kind::kFiring)).ok());
  Update loud = Make("c", 1, Kind::kFiring);
  loud.job = "k";
  ASSERT_TRUE(notifier->Take(loud).ok());
  AwaitWaiting(*notifier, 2);  // planned together with what is silenced, or after it
  auto tellings = notifier->Tellings({});
  ASSERT_TRUE(tellings.ok()) << tellings.status().message();
  for (const Telling& telling : *tellings) EXPECT_NE(telling.incident, "b");
  EXPECT_EQ(notifier->SilencesNow().size(), 2U);
}

TEST_F(NotifierTest, IncidentThatEndedIsNotOpenedByAnOldUpdate) {
  auto notifier = Start();
  ASSERT_TRUE(notifier->Take(Make("a", 2, Kind::kStarted)).ok());
  AwaitWaiting(*notifier, 1);
  ASSERT_TRUE(notifier->Take(Make("a", 1, Kind::kFiring)).ok());
  while (!notifier->Idle() && notifier->Channels()[0].failing_since == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(notifier->Channels()[0].waiting, 1U);
}

}  // namespace
}  // namespace rankscope::notify
