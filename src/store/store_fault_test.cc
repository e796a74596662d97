#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "base/file.h"
#include "store/inspect.h"
#include "store/store.h"

namespace rankscope::store {
namespace {

namespace fs = std::filesystem;

struct Delivery {
  uint64_t end_position;
  std::shared_ptr<const model::RecordBatch> batch;
};

Delivery Make(uint64_t number, size_t count) {
  model::RecordBatchBuilder builder;
  for (size_t i = 0; i < count; ++i) {
    model::Record record;
    record.origin.job = i % 5 == 0 ? "other" : "job";
    record.origin.rank = static_cast<int32_t>(i % 4);
    record.time = static_cast<int64_t>(number * 1000 + i);
    record.text =
        "batch " + std::to_string(number) + " line " + std::to_string(i) + (i % 7 == 0 ? " only once " : " ok");
    if (i % 7 == 0) record.text += std::string(1 + i % 50, static_cast<char>('a' + number));
    if (i % 3 == 0) record.fields = {{"loss", 0.5 + static_cast<double>(i)}};
    builder.Add(record);
  }
  return {number, *model::RecordBatch::Decode(builder.Take())};
}

class StoreFaultTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/rankscope_store_fault_test_" + std::to_string(getpid());
    for (uint64_t number = 1; number <= 4; ++number) deliveries_.push_back(Make(number, 60));
    Fresh();
    for (const Delivery& delivery : deliveries_) Deliver(delivery);
    expected_ = Everything();
  }
  void TearDown() override {
    store_.reset();  // its thread asks for faults
    base::SetFileFaults(nullptr);
    fs::remove_all(folder_);
  }
  void Fresh() {
    store_.reset();
    fs::remove_all(folder_);
    Open();
  }
  void Open() {
    store_.reset();
    damage_.clear();
    // Nothing on its own: every operation is the test's.
    auto store = Store::Open(folder_, {.idle_ms = 3'600'000, .merge_at = 1000}, &damage_);
    ASSERT_TRUE(store.ok()) << store.status().message();
    store_ = *std::move(store);
  }
  void Deliver(const Delivery& delivery) { ASSERT_TRUE(store_->Append(delivery.end_position, delivery.batch).ok()); }
  std::vector<std::string> Everything() {
    std::vector<std::string> seen;
    base::Budget budget;
    auto take = [&](const model::Record& record) {
      seen.push_back(record.origin.job + std::to_string(record.time) + record.text +
                     std::to_string(record.fields.size()));
      return true;
    };
    EXPECT_TRUE(store_->Read({}, &budget, take).ok());
    return seen;
  }
  void SealAndMerge() {
    for (const Delivery& delivery : deliveries_) {
      Deliver(delivery);
      (void)store_->Flush().ok();
    }
    (void)store_->Compact().ok();
  }

  std::string folder_;
  std::vector<std::string> damage_;
  std::unique_ptr<Store> store_;
  std::vector<Delivery> deliveries_;
  std::vector<std::string> expected_;
};

TEST_F(StoreFaultTest, EveryFileOperationOfSealingAndMergingMayFail) {
  int operations = 0;
  for (int failing = 1;; ++failing) {
    Fresh();
    std::atomic<int> count{0};
    base::SetFileFaults(
        [&](std::string_view) { return ++count == failing ? base::Status::Unavailable("injected") : base::Status(); });
    SealAndMerge();
    EXPECT_EQ(Everything(), expected_) << "while operation " << failing << " failed";
    store_.reset();
    base::SetFileFaults(nullptr);
    operations = count;
    // As after a crash: what was not durable comes again.
    Open();
    EXPECT_TRUE(damage_.empty()) << damage_[0];
    uint64_t durable = store_->durable_position();
    for (const Delivery& delivery : deliveries_) {
      if (delivery.end_position > durable) Deliver(delivery);
    }
    ASSERT_EQ(Everything(), expected_) << "after operation " << failing << " failed";
    ASSERT_TRUE(store_->Compact().ok());
    ASSERT_EQ(Everything(), expected_);
    EXPECT_TRUE(VerifyStore(folder_)->damage.empty());
    if (operations < failing) break;
  }
  EXPECT_GT(operations, 40);
}

TEST_F(StoreFaultTest, AJobThatCannotBeWrittenIsNamedAndNothingIsLost) {
  std::vector<std::string> said;
  store_.reset();
  fs::remove_all(folder_);
  fs::create_directories(folder_ + "/jobs");
  const std::string in_the_way = folder_ + "/jobs/other";  // where that job's folder is to be
  std::ofstream(in_the_way) << "a file";
  auto say = [&](const std::string& sentence) { said.push_back(sentence); };
  auto store = Store::Open(folder_, {.idle_ms = 3'600'000, .merge_at = 1000, .say = say}, &damage_);
  ASSERT_TRUE(store.ok()) << store.status().message();
  store_ = *std::move(store);
  for (const Delivery& delivery : deliveries_) Deliver(delivery);
  auto status = store_->Flush();
  EXPECT_NE(status.message().find("job \"other\""), std::string::npos) << status.message();
  EXPECT_EQ(store_->durable_position(), 0u);
  EXPECT_EQ(Everything(), expected_);
  fs::remove(in_the_way);
  EXPECT_FALSE(store_->LastSealing().ok());
  EXPECT_TRUE(store_->Flush().ok());
  EXPECT_TRUE(store_->LastSealing().ok());
  EXPECT_EQ(store_->durable_position(), 4u);
  EXPECT_EQ(Everything(), expected_);
  store_.reset();
  ASSERT_EQ(said.size(), 2u);
  EXPECT_NE(said[0].find("records cannot be written and stay in memory and in the journal: job \"other\""),
            std::string::npos)
      << said[0];
  EXPECT_NE(said[1].find("records are written again"), std::string::npos) << said[1];
}

TEST_F(StoreFaultTest, EachJobThatCannotBeWrittenIsNamedOnce) {
  std::vector<std::string> said;
  store_.reset();
  fs::remove_all(folder_);
  fs::create_directories(folder_ + "/jobs");
  for (const char* job : {"job", "other"})
    std::ofstream(folder_ + "/jobs/" + job) << "a file where its folder is to be";
  auto say = [&](const std::string& sentence) { said.push_back(sentence); };
  auto store = Store::Open(folder_, {.idle_ms = 3'600'000, .merge_at = 1000, .say = say}, &damage_);
  ASSERT_TRUE(store.ok()) << store.status().message();
  store_ = *std::move(store);
  Deliver(deliveries_[0]);
  for (int attempt = 0; attempt < 2; ++attempt) EXPECT_FALSE(store_->Flush().ok());
  fs::remove(folder_ + "/jobs/other");  // whose records come first
  for (int attempt = 0; attempt < 2; ++attempt) EXPECT_FALSE(store_->Flush().ok());
  fs::remove(folder_ + "/jobs/job");
  EXPECT_TRUE(store_->Flush().ok());
  store_.reset();
  ASSERT_EQ(said.size(), 3u);
  EXPECT_NE(said[0].find("job \"other\""), std::string::npos) << said[0];
  EXPECT_NE(said[1].find("job \"job\""), std::string::npos) << said[1];
  EXPECT_NE(said[2].find("records are written again"), std::string::npos) << said[2];
}

TEST_F(StoreFaultTest, AJobThatCannotBeWrittenCanBeDeleted) {
  Fresh();
  fs::create_directories(folder_ + "/jobs");
  std::ofstream(folder_ + "/jobs/other") << "a file where that job's folder is to be";
  for (const Delivery& delivery : deliveries_) Deliver(delivery);
  EXPECT_FALSE(store_->Flush().ok());
  EXPECT_FALSE(store_->DeleteJob("job").ok()) << "the other one's records hinder";
  ASSERT_TRUE(store_->DeleteJob("other").ok());
  EXPECT_EQ(store_->durable_position(), 4u);
  EXPECT_FALSE(store_->Holds("other"));
  std::vector<std::string> others;
  std::copy_if(expected_.begin(), expected_.end(), std::back_inserter(others),
               [](const std::string& seen) { return !seen.starts_with("other"); });
  EXPECT_EQ(Everything(), others);
  Open();
  EXPECT_EQ(Everything(), others);
}

// One that waited for an attempt that failed may hear of it only when the next one has gone well, for what came before.
TEST_F(StoreFaultTest, AFlushThatSaysOkIsDurableThoughOtherAttemptsFail) {
  Fresh();
  auto writes = std::make_shared<std::atomic<int>>(0);
  base::SetFileFaults([writes](std::string_view operation) {
    return operation == "write" && ++*writes % 16 == 0 ? base::Status::Unavailable("injected") : base::Status();
  });
  std::mutex appending;
  uint64_t last = 0;
  std::atomic<int> early = 0, failed = 0;
  auto append_and_flush = [&] {
    for (int round = 0; round < 10; ++round) {
      std::unique_lock lock(appending);
      const Delivery delivery = Make(++last, 1);
      EXPECT_TRUE(store_->Append(delivery.end_position, delivery.batch).ok());
      lock.unlock();
      const bool ok = store_->Flush().ok();
      failed += !ok;
      early += ok && store_->durable_position() < delivery.end_position;
    }
  };
  constexpr int kThreads = 300;  // so that some wake late
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(append_and_flush);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(early, 0);
  EXPECT_GT(failed, 0);
}

// Whoever waits for a place would wait for as long as the disk is full.
TEST_F(StoreFaultTest, AFullMemoryRefusesRecordsAndHangsNobody) {
  store_.reset();
  fs::remove_all(folder_);
  base::SetFileFaults([](std::string_view operation) {
    return operation == "write" ? base::Status::Unavailable("no space") : base::Status();
  });
  auto store = Store::Open(folder_, {.memtable_bytes = 1, .idle_ms = 3'600'000, .merge_at = 1000}, &damage_);
  ASSERT_TRUE(store.ok());
  store_ = *std::move(store);
  EXPECT_TRUE(store_->Ready().ok());
  for (const Delivery& delivery : deliveries_) Deliver(delivery);
  EXPECT_EQ(store_->Ready().code(), base::Code::kUnavailable);
  EXPECT_NE(store_->Ready().message().find("no space"), std::string::npos);
  EXPECT_EQ(Everything(), expected_);
}

TEST_F(StoreFaultTest, EveryFileOperationOfDeletingMayFail) {
  std::vector<std::string> others;
  for (const std::string& seen : expected_) {
    if (seen.starts_with("other")) others.push_back(seen);
  }
  for (int failing = 1;; ++failing) {
    Fresh();
    for (const Delivery& delivery : deliveries_) Deliver(delivery);
    std::atomic<int> count{0};
    base::SetFileFaults(
        [&](std::string_view) { return ++count == failing ? base::Status::Unavailable("injected") : base::Status(); });
    bool deleted = store_->DeleteJob("job").ok();
    store_.reset();
    base::SetFileFaults(nullptr);
    Open();
    for (const Delivery& delivery : deliveries_) {
      if (delivery.end_position > store_->durable_position()) Deliver(delivery);
    }
    EXPECT_TRUE(damage_.empty());
    if (deleted) {
      EXPECT_EQ(Everything(), others) << "after operation " << failing << " failed";
    }
    ASSERT_TRUE(store_->DeleteJob("job").ok());
    ASSERT_EQ(Everything(), others) << "deleted again after operation " << failing << " failed";
    EXPECT_TRUE(VerifyStore(folder_)->damage.empty());
    if (count < failing) {
      EXPECT_TRUE(deleted);
      break;
    }
  }
}

// What a disk has no room for must not take the little that is left.
TEST_F(StoreFaultTest, AttemptsOnAFullDiskLeaveNoFiles) {
  Fresh();
  auto segments = [&] {
    size_t found = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder_)) found += entry.path().extension() == ".segment";
    return found;
  };
  for (std::string_view failing : {"sync", "rename"}) {
    base::SetFileFaults([failing](std::string_view operation) {
      return operation == failing ? base::Status::Unavailable("no space") : base::Status();
    });
    Deliver(deliveries_[0]);
    for (int attempt = 0; attempt < 3; ++attempt) EXPECT_FALSE(store_->Flush().ok());
    EXPECT_LE(segments(), 2u) << failing;  // of the one attempt whose manifest may have been written
    store_.reset();
    base::SetFileFaults(nullptr);
    Fresh();
  }
}

TEST_F(StoreFaultTest, DiskThatStaysFullIsServedFromMemoryAndSealedLater) {
  auto full = std::make_shared<std::atomic<bool>>(true);
  store_.reset();
  base::SetFileFaults([full](std::string_view operation) {
    return *full && operation == "write" ? base::Status::Unavailable("no space") : base::Status();
  });
  Fresh();
  Deliver(deliveries_[0]);
  EXPECT_FALSE(store_->Flush().ok());
  Deliver(deliveries_[1]);
  EXPECT_EQ(Everything().size(), 120u);
  EXPECT_EQ(store_->durable_position(), 0u);
  *full = false;
  while (store_->durable_position() < 1) usleep(10'000);
  EXPECT_TRUE(store_->Flush().ok());
  EXPECT_EQ(store_->durable_position(), 2u);
  EXPECT_EQ(Everything().size(), 120u);
}

TEST_F(StoreFaultTest, WhatABrokenFooterTakesIsNamed) {
  Fresh();
  SealAndMerge();
  store_.reset();
  for (const auto& entry : fs::recursive_directory_iterator(folder_ + "/jobs/other")) {
    if (entry.path().extension() != ".segment") continue;
    std::string bytes = *base::ReadWholeFile(entry.path());
    std::ofstream(entry.path(), std::ios::binary) << bytes.substr(0, bytes.size() - 1);
    std::string lost = std::to_string(bytes.size() - 1) + " bytes of records of job \"other\" cannot be read";
    EXPECT_NE(VerifyStore(folder_)->damage.at(0).find(lost), std::string::npos) << VerifyStore(folder_)->damage[0];
    Open();
    EXPECT_NE(damage_.at(0).find(lost), std::string::npos) << damage_[0];
  }
}

TEST_F(StoreFaultTest, BytesBehindTheManifestAreDamage) {
  Fresh();
  SealAndMerge();
  store_.reset();
  std::ofstream(folder_ + "/MANIFEST", std::ios::binary | std::ios::app) << 'x';
  EXPECT_EQ(VerifyStore(folder_)->damage.size(), 1u);
}

TEST_F(StoreFaultTest, FlippedBitsAreFoundNamedAndNeverServed) {
  Fresh();
  SealAndMerge();
  store_.reset();
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  EXPECT_GE(files.size(), 5u);  // manifest, two jobs' templates and segments
  std::set<std::string> whole(expected_.begin(), expected_.end());
  std::mt19937 random(1);
  for (const fs::path& file : files) {
    std::string bytes = *base::ReadWholeFile(file);
    for (int flips = 0; flips < 60; ++flips) {
      std::string damaged = bytes;
      size_t at = random() % bytes.size();
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << random() % 8));
      std::ofstream(file, std::ios::binary) << damaged;
      EXPECT_FALSE(VerifyStore(folder_)->damage.empty()) << file << " at " << at;
      damage_.clear();
      auto store = Store::Open(folder_, {.idle_ms = 3'600'000, .merge_at = 1000}, &damage_);
      // Without its manifest a store does not open, and removes nothing.
      if (!store.ok()) {
        EXPECT_EQ(file.filename(), "MANIFEST");
        continue;
      }
      store_ = *std::move(store);
      for (const std::string& seen : Everything()) EXPECT_TRUE(whole.contains(seen)) << file << " at " << at;
      store_.reset();
    }
    std::ofstream(file, std::ios::binary) << bytes;
  }
  Open();
  EXPECT_EQ(Everything(), expected_);
}

}  // namespace
}  // namespace rankscope::store
