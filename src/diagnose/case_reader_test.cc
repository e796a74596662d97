#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "diagnose/case.h"

namespace rankscope::diagnose {
namespace {

class CaseReaderTest : public testing::Test {
 protected:
  CaseReaderTest() : folder_(testing::TempDir() + "case") { std::filesystem::create_directories(folder_); }
  ~CaseReaderTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) {
    std::string path = folder_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  Case Read(const std::vector<std::string>& paths) {
    auto read = ReadCase(paths, telling_);
    EXPECT_TRUE(read.ok()) << read.status().message();
    return read.ok() ? *std::move(read) : Case();
  }

  std::string folder_;
  detect::PatternSet telling_;
};

TEST_F(CaseReaderTest, LinesHaveTheirFilesRankAndTheTimeOfTheLineBefore) {
  Write("rank_0.log", "2026-11-01 00:00:00 a\r\nb\n");
  Write("rank_1.log", "\x1b[31mc\x1b[0m\n\nd");
  Case read = Read({folder_});
  ASSERT_EQ(read.lines.size(), 5u);
  EXPECT_EQ(read.lines[1].text, "b");
  EXPECT_EQ(read.lines[1].time, 1'793'491'200 * base::kNsPerSecond);
  EXPECT_EQ(read.lines[2].text, "c");
  EXPECT_EQ(read.lines[2].rank, 1);
  EXPECT_EQ(read.lines[4].number, 3u);
  ASSERT_EQ(read.writers.size(), 2u);
  EXPECT_EQ(read.writers[1].lines, 3u);
  EXPECT_EQ(read.lines[read.writers[1].last_line].text, "d");
}

TEST_F(CaseReaderTest, APathThatIsNotThereIsNamed) {
  auto read = ReadCase({folder_ + "/nope"}, telling_);
  EXPECT_EQ(read.status().code(), base::Code::kNotFound);
  EXPECT_NE(read.status().message().find("nope"), std::string::npos);
}

}  // namespace
}  // namespace rankscope::diagnose
