#include "journal/journal.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>

namespace rankscope::journal {
namespace {

namespace fs = std::filesystem;

class JournalTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/rankscope_journal_test";
    fs::remove_all(folder_);
    Open();
  }
  void Open(Journal::Options options = {}) {
    journal_.reset();
    recovery_ = {};
    auto journal = Journal::Open(folder_, options, &recovery_);
    ASSERT_TRUE(journal.ok()) << journal.status().message();
    journal_ = *std::move(journal);
  }
  std::vector<std::string> All(std::vector<std::string>* damage = nullptr) {
    auto reader = journal_->Read(0);
    Journal::Reader::Entry entry;
    std::vector<std::string> payloads;
    while (*reader.Next(&entry)) payloads.push_back(entry.payload);
    if (damage) *damage = reader.damage();
    return payloads;
  }
  std::string OnlyFile() const {
    for (const auto& entry : fs::directory_iterator(folder_)) {
      if (entry.path().extension() == ".journal") return entry.path();
    }
    return "";
  }

  std::string folder_;
  Recovery recovery_;
  std::unique_ptr<Journal> journal_;
};

TEST_F(JournalTest, GivesBackWhatWasAppendedAcrossFilesAndReopenings) {
  Open({.file_bytes = 100});
  std::vector<std::string> written;
  for (int i = 0; i < 50; ++i) {
    written.push_back("entry " + std::to_string(i));
    ASSERT_TRUE(journal_->Append(written.back()).ok());
    if (i % 7 == 0) Open({.file_bytes = 100});
  }
  EXPECT_EQ(All(), written);
  EXPECT_EQ(recovery_.truncated_bytes, 0u);
}

TEST_F(JournalTest, HeadAndBodyAreOneEntry) {
  ASSERT_TRUE(journal_->Append("head ", "and body").ok());
  ASSERT_TRUE(journal_->Append("", "body").ok());
  Open({});
  EXPECT_EQ(All(), (std::vector<std::string>{"head and body", "body"}));
  EXPECT_TRUE(recovery_.damage.empty());
}

TEST_F(JournalTest, TornTailIsCutOffAtEveryByte) {
  ASSERT_TRUE(journal_->Append("first").ok());
  uint64_t keep = fs::file_size(OnlyFile());
  ASSERT_TRUE(journal_->Append("the last entry").ok());
  std::string path = OnlyFile();
  std::string whole = *base::ReadWholeFile(path);
  for (size_t size = keep; size < whole.size(); ++size) {
    journal_.reset();
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    std::ofstream(path, std::ios::binary) << whole.substr(0, size);
    Open();
    EXPECT_EQ(All(), std::vector<std::string>{"first"}) << size;
    EXPECT_EQ(recovery_.truncated_bytes, size - keep);
    ASSERT_TRUE(journal_->Append("next").ok());
    EXPECT_EQ(All(), (std::vector<std::string>{"first", "next"}));
  }
}

TEST_F(JournalTest, FlippedByteLosesItsEntryAloneAndIsReported) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(journal_->Append("payload " + std::to_string(i)).ok());
  std::string path = OnlyFile();
  std::string whole = *base::ReadWholeFile(path);
  size_t entry = (whole.size() - 36) / 5;
  for (size_t at = 36; at < whole.size() - entry; ++at) {
    journal_.reset();
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x20);
    std::ofstream(path, std::ios::binary) << damaged;
    Open();
    std::vector<std::string> damage;
    std::vector<std::string> left = All(&damage);
    ASSERT_EQ(left.size(), 4u) << at;
    EXPECT_EQ(damage.size(), 1u);
    for (const std::string& payload : left) EXPECT_EQ(payload.substr(0, 8), "payload ");
  }
}

TEST_F(JournalTest, TrimRemovesOnlyWholeFilesBefore) {
  Open({.file_bytes = 1});
  uint64_t third = 0;
  for (int i = 0; i < 6; ++i) {
    uint64_t end = *journal_->Append(std::to_string(i));
    if (i == 2) third = end;
  }
  ASSERT_TRUE(journal_->TrimBefore(third).ok());
  EXPECT_EQ(All(), (std::vector<std::string>{"3", "4", "5"}));
  Open();
  EXPECT_EQ(All(), (std::vector<std::string>{"3", "4", "5"}));
}

TEST_F(JournalTest, WhoeverReadsBesideItsOwnerIsNotMisledByTrimming) {
  Open({.file_bytes = 100});
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(journal_->Append("entry " + std::to_string(i)).ok());
  auto beside = Journal::OpenToRead(folder_, &recovery_);
  ASSERT_TRUE(beside.ok()) << beside.status().message();
  auto reader = (*beside)->Read(0);
  Journal::Reader::Entry entry;
  ASSERT_TRUE(*reader.Next(&entry));
  ASSERT_TRUE(journal_->TrimBefore(journal_->end_position()).ok());
  std::string last;
  while (true) {
    auto more = reader.Next(&entry);
    ASSERT_TRUE(more.ok()) << more.status().message();
    if (!*more) break;
    last = entry.payload;
  }
  EXPECT_EQ(last, "entry 49");
  EXPECT_TRUE(reader.damage().empty()) << reader.damage()[0];
  EXPECT_TRUE(recovery_.damage.empty());
}

TEST_F(JournalTest, EntryThatItsOwnerIsWritingIsNoDamage) {
  ASSERT_TRUE(journal_->Append("whole").ok());
  ASSERT_TRUE(journal_->Append("being written").ok());
  const std::string path = OnlyFile();
  const auto size = fs::file_size(path);
  const std::string bytes = *base::ReadWholeFile(path);
  for (uintmax_t missing : {3, 20}) {  // of the payload; of the header, too
    fs::resize_file(path, size - missing);
    auto beside = Journal::OpenToRead(folder_, &recovery_);
    auto reader = (*beside)->Read(0);
    Journal::Reader::Entry entry;
    ASSERT_TRUE(*reader.Next(&entry));
    EXPECT_FALSE(*reader.Next(&entry));
    EXPECT_TRUE(reader.damage().empty());
    std::ofstream(path, std::ios::binary) << bytes;
    EXPECT_TRUE(*reader.Next(&entry));
    EXPECT_EQ(entry.payload, "being written");
  }
  journal_.reset();
  fs::resize_file(path, size - 3);
  auto alone = Journal::OpenToRead(folder_, &recovery_);
  auto reader = (*alone)->Read(0);
  Journal::Reader::Entry entry;
  ASSERT_TRUE(*reader.Next(&entry));
  EXPECT_FALSE(*reader.Next(&entry));
  EXPECT_EQ(reader.damage().size(), 1u) << "nobody will go on with it";
}

TEST_F(JournalTest, FullDiskRefusesAndLaterAppendsSucceed) {
  ASSERT_TRUE(journal_->Append("before").ok());
  signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  rlimit small{4096, old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_FALSE(journal_->Append(std::string(10000, 'x')).ok());
  setrlimit(RLIMIT_FSIZE, &old);
  ASSERT_TRUE(journal_->Append("after").ok());
  EXPECT_EQ(All(), (std::vector<std::string>{"before", "after"}));
  Open();
  EXPECT_EQ(All(), (std::vector<std::string>{"before", "after"}));
}

TEST_F(JournalTest, SecondProcessIsRefused) {
  Recovery recovery;
  EXPECT_EQ(Journal::Open(folder_, {}, &recovery).status().code(), base::Code::kUnavailable);
}

}  // namespace
}  // namespace rankscope::journal
