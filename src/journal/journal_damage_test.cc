// Journals whose files were changed behind their back, by seed: nothing crashes, nothing wrong is returned, everything
// untouched is served, and what is not is named. RANKSCOPE_MUTATIONS (500) says how many.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "base/coding.h"
#include "journal/entry_format.h"
#include "journal/journal.h"

namespace rankscope::journal {
namespace {

namespace fs = std::filesystem;

struct Placed {
  std::string payload, file;
  size_t begin, end;  // of the entry in the file
};

class JournalDamageTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/rankscope_journal_damage_test";
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::vector<std::string> Files() const {
    std::vector<std::string> files;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      if (entry.path().extension() == ".journal" && entry.file_size() > kFileHeaderBytes) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
  }

  // A sound journal of a few files; where each entry lies.
  void Write(std::mt19937* random, size_t entries) {
    Recovery recovery;
    auto journal = *Journal::Open(folder_, {.file_bytes = 2000}, &recovery);
    written_.clear();
    uint64_t begin = 0;
    for (size_t i = 0; i < entries; ++i) {
      std::string payload = std::to_string(i) + ":" + std::string((*random)() % 200, static_cast<char>((*random)()));
      uint64_t end = *journal->Append(payload);
      std::string file = Files().back();
      uint64_t first = std::strtoull(fs::path(file).filename().c_str(), nullptr, 10);
      written_.push_back({payload, file, begin - first + kFileHeaderBytes, end - first + kFileHeaderBytes});
      begin = end;
    }
  }

  struct Reading {
    std::vector<std::string> payloads, damage;
  };
  Reading Read() {
    Recovery recovery;
    auto journal = Journal::Open(folder_, {}, &recovery);
    EXPECT_TRUE(journal.ok()) << journal.status().message();
    Reading reading;
    if (!journal.ok()) return reading;
    auto reader = (*journal)->Read(0);
    Journal::Reader::Entry entry;
    for (auto more = reader.Next(&entry); *more; more = reader.Next(&entry)) reading.payloads.push_back(entry.payload);
    reading.damage = recovery.damage;
    reading.damage.insert(reading.damage.end(), reader.damage().begin(), reader.damage().end());
    EXPECT_TRUE((*journal)->Append("goes on").ok());
    return reading;
  }

  // Overwrites a range of the file, never with what was there.
  static void Overwrite(const std::string& file, size_t begin, size_t end, char with, bool flip) {
    std::string bytes = *base::ReadWholeFile(file);
    for (size_t at = begin; at < std::min(end, bytes.size()); ++at) {
      bytes[at] = flip ? static_cast<char>(bytes[at] ^ with) : with;
    }
    std::ofstream(file, std::ios::binary) << bytes;
  }

  // Everything outside [begin, end) of `file` must come back, in order, and nothing but what was written.
  void ExpectTheRest(const Reading& reading, const std::string& file, size_t begin, size_t end) {
    size_t at = 0;
    for (const Placed& entry : written_) {
      bool touched = entry.file == file && entry.begin < end && entry.end > begin;
      bool served = at < reading.payloads.size() && reading.payloads[at] == entry.payload;
      ASSERT_TRUE(served || touched) << "lost: " << entry.payload.substr(0, 8) << " of " << entry.file;
      if (served) ++at;
    }
    EXPECT_EQ(at, reading.payloads.size()) << "something that was never written";
    if (at == written_.size()) return;
    ASSERT_FALSE(reading.damage.empty());
    EXPECT_NE(reading.damage.front().find(folder_), std::string::npos);
    EXPECT_NE(reading.damage.front().find("byte"), std::string::npos) << reading.damage.front();
  }

  std::string folder_;
  std::vector<Placed> written_;
};

TEST_F(JournalDamageTest, ReadersFindDamageBesideWhoeverHasItOpenAndWriteNothing) {
  EXPECT_EQ(Journal::OpenToRead(folder_, nullptr).status().code(), base::Code::kNotFound);
  std::mt19937 random(1);
  Write(&random, 60);
  Recovery ignored;
  auto writer = *Journal::Open(folder_, {}, &ignored);
  auto damage = [&] {
    Recovery recovery;
    auto journal = Journal::OpenToRead(folder_, &recovery);
    EXPECT_TRUE(journal.ok()) << journal.status().message();
    auto reader = (*journal)->Read(0);
    Journal::Reader::Entry entry;
    size_t entries = 0;
    for (auto more = reader.Next(&entry); *more; more = reader.Next(&entry)) ++entries;
    EXPECT_EQ(entries, written_.size() - reader.damage().size());
    return reader.damage();
  };
  EXPECT_TRUE(damage().empty());
  for (const Placed& entry : {written_.front(), written_.back()}) {
    std::string whole = *base::ReadWholeFile(entry.file);
    Overwrite(entry.file, entry.end - 1, entry.end, 1, /*flip=*/true);
    std::string damaged = *base::ReadWholeFile(entry.file);
    ASSERT_EQ(damage().size(), 1u);
    EXPECT_NE(damage()[0].find(entry.file + ": bytes " + std::to_string(entry.begin)), std::string::npos)
        << damage()[0];
    EXPECT_EQ(*base::ReadWholeFile(entry.file), damaged);
    std::ofstream(entry.file, std::ios::binary) << whole;
  }
  EXPECT_TRUE(writer->Append("goes on").ok());
}

TEST_F(JournalDamageTest, EveryMutationLosesOnlyWhatItTouchedAndIsReported) {
  const char* set = std::getenv("RANKSCOPE_MUTATIONS");
  unsigned mutations = set ? static_cast<unsigned>(std::atoi(set)) : 500;
  int damaged = 0;
  for (unsigned seed = 0; seed < mutations; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    fs::remove_all(folder_);
    Write(&random, 1 + random() % 60);
    auto files = Files();
    std::string file = files[random() % files.size()];
    size_t size = fs::file_size(file);
    size_t begin = kFileHeaderBytes + random() % (size - kFileHeaderBytes), end = size;
    switch (random() % 4) {
      case 0:  // one bit, headers included
        begin = random() % size;
        end = begin + 1;
        Overwrite(file, begin, end, static_cast<char>(1 << random() % 8), /*flip=*/true);
        break;
      case 1:
        end = begin + 1 + random() % 300;
        Overwrite(file, begin, end, 0, /*flip=*/false);
        break;
      case 2:  // within an entry: at its end nothing shows that there was more
        while (std::any_of(written_.begin(), written_.end(),
                           [&](const Placed& e) { return e.file == file && e.end == begin; }) ||
               begin == kFileHeaderBytes) {
          ++begin;
        }
        fs::resize_file(file, begin);
        break;
      case 3:
        std::ofstream(file, std::ios::app) << std::string(random() % 500, static_cast<char>(random()));
        begin = end = size;
        break;
    }
    Reading reading = Read();
    ExpectTheRest(reading, file, begin, end);
    damaged += reading.payloads.size() < written_.size();
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(damaged, static_cast<int>(mutations) / 4);
}

TEST_F(JournalDamageTest, MissingFileIsReportedAndWhatFollowsIsServed) {
  std::mt19937 random(1);
  Write(&random, 60);
  std::string gone = Files()[1];
  fs::remove(gone);
  Reading reading = Read();
  ExpectTheRest(reading, gone, 0, SIZE_MAX);
  EXPECT_LT(reading.payloads.size(), written_.size());
}

TEST_F(JournalDamageTest, OnlyHeaderDamagedLosesNothing) {
  std::mt19937 random(1);
  Write(&random, 5);
  ASSERT_EQ(Files().size(), 1u);
  Overwrite(Files()[0], 0, kFileHeaderBytes, 0, /*flip=*/false);
  EXPECT_EQ(Read().payloads.size(), 5u);
}

// As if another program had written it. Gives its bytes.
std::string SetVersion(const std::string& file, uint32_t version) {
  std::string bytes = *base::ReadWholeFile(file);
  bytes[8] = static_cast<char>(version);
  std::string header = bytes.substr(0, kFileHeaderBytes - 8);
  base::PutFixed64(&header, base::Checksum(header));
  bytes.replace(0, kFileHeaderBytes, header);
  std::ofstream(file, std::ios::binary) << bytes;
  return bytes;
}

TEST_F(JournalDamageTest, VersionsNotKnownAreRefusedAndLeftAlone) {
  std::mt19937 random(1);
  Write(&random, 5);
  std::string file = Files()[0];
  for (uint32_t version : {kOldestVersion - 1, kVersion + 1}) {
    std::string bytes = SetVersion(file, version);
    Recovery recovery;
    auto journal = Journal::Open(folder_, {}, &recovery);
    EXPECT_EQ(journal.status().code(), base::Code::kInvalid);
    std::string named = "of version " + std::to_string(version);
    EXPECT_NE(journal.status().message().find(named), std::string::npos) << journal.status().message();
    EXPECT_EQ(*base::ReadWholeFile(file), bytes);
  }
}

TEST_F(JournalDamageTest, OldestVersionIsReadAndWhatFollowsIsOfOurs) {
  std::mt19937 random(1);
  Write(&random, 5);
  std::string old = Files()[0];
  SetVersion(old, kOldestVersion);
  Recovery recovery;
  auto journal = Journal::Open(folder_, {}, &recovery);
  ASSERT_TRUE(journal.ok()) << journal.status().message();
  ASSERT_TRUE((*journal)->Append("of today").ok());
  EXPECT_TRUE(recovery.damage.empty());
  journal->reset();
  EXPECT_EQ(Read().payloads.size(), 6u);
  EXPECT_EQ(DecodeFileHeader(*base::ReadWholeFile(old))->version, kOldestVersion);
  EXPECT_EQ(DecodeFileHeader(*base::ReadWholeFile(Files().back()))->version, kVersion);
}

TEST_F(JournalDamageTest, PositionsThatAReaderKnowsAreNotUsedAgain) {
  Recovery recovery;
  auto journal = *Journal::Open(folder_, {}, &recovery);
  uint64_t end = *journal->Append("one");
  ASSERT_TRUE(journal->AdvanceTo(end + 1000).ok());
  EXPECT_GT(*journal->Append("two"), end + 1000);
  auto reader = journal->Read(0);
  Journal::Reader::Entry entry;
  ASSERT_TRUE(*reader.Next(&entry));
  ASSERT_TRUE(*reader.Next(&entry));
  EXPECT_EQ(entry.payload, "two");
}

}  // namespace
}  // namespace rankscope::journal
