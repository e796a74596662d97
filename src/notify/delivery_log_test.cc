#include "notify/delivery_log.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"

namespace rankscope::notify {
namespace {

Update FullUpdate() {
  Update update;
  update.incident = "i-1";
  update.version = 7;
  update.kind = Kind::kAcknowledged;
  update.subject = "s";
  update.project = "p";
  update.job = "j";
  update.severity = Severity::kCritical;
  update.incident_class = "network";
  update.labels = {{"team", "pretrain"}, {"", ""}};
  update.ranks = "0-7,371";
  update.rank_count = 9;
  update.world_size = 1024;
  update.nodes = {0, 46};
  update.step = -1;
  update.started = 5;
  update.ended = 6;
  update.title = std::string("a\0b损", 6);
  update.text = {"one", "two"};
  update.evidence = "NCCL WARN";
  update.probability = 0.85;
  update.link = "https://h/x";
  update.superseded_by = "i-2";
  update.acknowledgement = Acknowledgement{"ann", "on it", 9, Severity::kWarning, 3, {1}};
  update.not_to = "chat";
  return update;
}

class DeliveryLogTest : public testing::Test {
 protected:
  DeliveryLogTest() {
    path_ = testing::TempDir() + "/" + testing::UnitTest::GetInstance()->current_test_info()->name() + ".db";
    Open();
  }
  void Open() {
    log_.reset();
    auto log = DeliveryLog::Open(path_);
    ASSERT_TRUE(log.ok()) << log.status().message();
    log_ = *std::move(log);
  }
  static Message MessageOf(const Update& update, const std::string& id, uint32_t round = 0) {
    Message message;
    message.id = id;
    message.channel = "chat";
    message.at = 100 + round;
    message.entries.push_back({std::make_shared<const Update>(update), round});
    return message;
  }
  base::Status Record(const Message& message) {
    Delivery delivery{
        message.id, "chat", "{\"bytes\":\"\xE6\x8D\x9F\"}", message.at, {message.entries[0].update->incident}};
    return log_->Record(std::span(&message, 1), std::span(&delivery, 1));
  }
  DeliveryLog::Kept Load() {
    auto kept = log_->Load(0);
    EXPECT_TRUE(kept.ok()) << kept.status().message();
    return kept.ok() ? *std::move(kept) : DeliveryLog::Kept();
  }

  std::string path_;
  std::unique_ptr<DeliveryLog> log_;
};

TEST_F(DeliveryLogTest, SaysWhatWasToldWhereAndWhetherItArrived) {
  Update first = FullUpdate(), second = FullUpdate();
  second.incident = "i-2";
  second.project = "other";
  ASSERT_TRUE(log_->Keep(std::vector<Update>{first, second}, 42).ok());
  ASSERT_TRUE(Record(MessageOf(first, "d-1")).ok());
  ASSERT_TRUE(Record(MessageOf(second, "d-2")).ok());
  ASSERT_TRUE(log_->End("d-1", DeliveryState::kDelivered, "HTTP 200", 150).ok());
  Open();
  auto tellings = log_->Tellings({.project = "p"});
  ASSERT_TRUE(tellings.ok()) << tellings.status().message();
  ASSERT_EQ(tellings->size(), 1U);
  const Telling& telling = tellings->front();
  EXPECT_EQ(telling.incident, "i-1");
  EXPECT_EQ(telling.version, 7U);
  EXPECT_EQ(telling.kind, Kind::kAcknowledged);
  EXPECT_EQ(telling.job, "j");
  EXPECT_EQ(telling.state, DeliveryState::kDelivered);
  EXPECT_EQ(telling.ended, 150);
  EXPECT_EQ(telling.why, "HTTP 200");
  EXPECT_EQ(log_->Tellings({.channel = "nobody"})->size(), 0U);
  EXPECT_EQ(log_->Tellings({})->size(), 2U);
  EXPECT_EQ(log_->Tellings({.limit = 1})->size(), 1U);
}

TEST(Tellings, OneThatArrivedCountsWhateverCameOfTheOthers) {
  std::vector<Telling> tellings(3);
  tellings[0].state = DeliveryState::kPending;
  tellings[1].state = DeliveryState::kDelivered;
  tellings[2].state = DeliveryState::kRefused;
  EXPECT_EQ(FurthestOf(tellings), &tellings[1]);
  tellings[1].state = DeliveryState::kExpired;
  EXPECT_EQ(FurthestOf(tellings), &tellings[0]) << "one may still arrive";
  EXPECT_EQ(FurthestOf({}), nullptr);
}

TEST_F(DeliveryLogTest, FileOfVersion1IsReadOn) {
  Update update = FullUpdate();
  ASSERT_TRUE(log_->Keep(std::span(&update, 1), 42).ok());
  ASSERT_TRUE(Record(MessageOf(update, "d-1")).ok());
  log_.reset();
  {
    auto file = base::Sqlite::Open(path_, {});
    ASSERT_TRUE(file.ok());
    for (const char* sql :
         {"DROP INDEX told_at", "ALTER TABLE told DROP COLUMN kind", "ALTER TABLE told DROP COLUMN project",
          "ALTER TABLE told DROP COLUMN job", "ALTER TABLE told DROP COLUMN title", "DROP TABLE about",
          "DROP TABLE failing", "PRAGMA user_version = 1"}) {
      ASSERT_TRUE((*file)->Execute(sql).ok()) << sql;
    }
  }
  Open();
  auto kept = Load();
  ASSERT_EQ(kept.incidents.size(), 1U);
  EXPECT_EQ(kept.incidents[0].told.at("chat").version, 7U);
  EXPECT_GT(*log_->Began(), 0);
}

TEST_F(DeliveryLogTest, WhatAnOlderFileToldOfAnEndIsNoFiring) {
  Update update = FullUpdate();
  update.kind = Kind::kFiring;
  ASSERT_TRUE(log_->Keep(std::span(&update, 1), 42).ok());
  ASSERT_TRUE(Record(MessageOf(update, "d-1")).ok());
  update.kind = Kind::kSuperseded;
  ++update.version;
  ASSERT_TRUE(Record(MessageOf(update, "d-2", 1)).ok());
  log_.reset();
  auto file = base::Sqlite::Open(path_, {});
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->Execute("UPDATE told SET kind = 0").ok());  // as the upgrade from version 1 left it
  ASSERT_TRUE((*file)->Execute("PRAGMA user_version = 3").ok());
  file->reset();
  Open();
  auto tellings = log_->Tellings({});
  ASSERT_TRUE(tellings.ok());
  ASSERT_EQ(tellings->size(), 2U);
  EXPECT_EQ((*tellings)[0].kind, Kind::kResolved);
  EXPECT_EQ((*tellings)[1].kind, Kind::kFiring);
}

TEST_F(DeliveryLogTest, UpdateComesBackAsItWas) {
  Update update = FullUpdate();
  ASSERT_TRUE(log_->Keep(std::span(&update, 1), 42).ok());
  Open();
  auto kept = Load();
  ASSERT_EQ(kept.incidents.size(), 1U);
  EXPECT_EQ(*kept.incidents[0].update, update);
  EXPECT_EQ(kept.incidents[0].taken, 42);
  EXPECT_EQ(*log_->VersionOf("i-1"), 7U);
  EXPECT_EQ(*log_->VersionOf("i-2"), 0U);
}

TEST_F(DeliveryLogTest, DamagedUpdateIsCorruptAndNeverAnotherOne) {
  std::string bytes = Encode(FullUpdate());
  for (size_t size = 0; size < bytes.size(); ++size) {
    auto update = Decode(std::string_view(bytes).substr(0, size));
    ASSERT_FALSE(update.ok()) << size;
    EXPECT_EQ(update.status().code(), base::Code::kCorrupt);
  }
}

TEST_F(DeliveryLogTest, WhatWasToldAndIsOnItsWayComesBack) {
  Update update = FullUpdate();
  ASSERT_TRUE(log_->Keep(std::span(&update, 1), 42).ok());
  ASSERT_TRUE(Record(MessageOf(update, "d-1")).ok());
  Open();
  auto kept = Load();
  ASSERT_EQ(kept.pending.size(), 1U);
  EXPECT_EQ(kept.pending[0].body, "{\"bytes\":\"\xE6\x8D\x9F\"}");
  EXPECT_EQ(kept.pending[0].incidents, std::vector<std::string>({"i-1"}));
  EXPECT_EQ(kept.incidents.at(0).told.at("chat"), (Told{7, true, 100, 0, false}));
  ASSERT_TRUE(log_->End("d-1", DeliveryState::kDelivered, "HTTP 200", 200).ok());
  EXPECT_TRUE(Load().pending.empty());
}

TEST_F(DeliveryLogTest, VersionIsNeverToldInTwoMessages) {
  Update update = FullUpdate();
  ASSERT_TRUE(log_->Keep(std::span(&update, 1), 42).ok());
  ASSERT_TRUE(Record(MessageOf(update, "d-1")).ok());
  EXPECT_FALSE(Record(MessageOf(update, "d-2")).ok());
  EXPECT_EQ(Load().pending.size(), 1U) << "nothing of a message that could not be recorded stays";
  EXPECT_TRUE(Record(MessageOf(update, "d-3", 1)).ok()) << "a repetition says that it is one";
  EXPECT_FALSE(Record(MessageOf(update, "d-4", 1)).ok());
  EXPECT_EQ(Load().incidents.at(0).told.at("chat").round, 1U);
}

TEST_F(DeliveryLogTest, ClosedIncidentIsKnownByItsVersionForAWhile) {
  Update update = FullUpdate();
  ASSERT_TRUE(log_->Keep(std::span(&update, 1), 42).ok());
  std::string id = "i-1";
  ASSERT_TRUE(log_->Close(std::span(&id, 1), 50).ok());
  EXPECT_TRUE(Load().incidents.empty());
  EXPECT_EQ(*log_->VersionOf("i-1"), 7U);
  ASSERT_TRUE(log_->Prune(51).ok());
  EXPECT_EQ(*log_->VersionOf("i-1"), 0U);
}

TEST_F(DeliveryLogTest, SilenceOutlivesARestart) {
  Silence silence{"s-1", {"job=\"j\"", "severity!=critical"}, 1, 2, "ann", "maintenance"};
  ASSERT_TRUE(log_->Put(silence).ok());
  Open();
  EXPECT_EQ(Load().silences, std::vector<Silence>({silence}));
  ASSERT_TRUE(log_->RemoveSilence("s-1").ok());
  EXPECT_TRUE(Load().silences.empty());
}

TEST_F(DeliveryLogTest, FileThatIsNoneIsNamed) {
  std::string path = testing::TempDir() + "/no-log.db";
  ASSERT_TRUE(base::WriteFileAtomically(path, std::string(8192, 'x')).ok());
  auto log = DeliveryLog::Open(path);
  ASSERT_FALSE(log.ok());
  EXPECT_EQ(log.status().code(), base::Code::kCorrupt);
  EXPECT_NE(log.status().message().find(path), std::string::npos);
}

}  // namespace
}  // namespace rankscope::notify
