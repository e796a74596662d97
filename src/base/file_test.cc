#include "base/file.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace rankscope::base {
namespace {

TEST(File, AtomicWriteReplacesTheWholeContent) {
  std::string folder = testing::TempDir() + "/rankscope_file_test/a/b";
  std::filesystem::remove_all(testing::TempDir() + "/rankscope_file_test");
  ASSERT_TRUE(MakeDirectories(folder).ok());
  ASSERT_TRUE(WriteFileAtomically(folder + "/f", "a longer first content").ok());
  ASSERT_TRUE(WriteFileAtomically(folder + "/f", "second").ok());
  EXPECT_EQ(*ReadWholeFile(folder + "/f"), "second");
  EXPECT_EQ(*ListDirectory(folder), std::vector<std::string>{"f"});
}

TEST(File, ErrorNamesThePath) {
  auto result = ReadWholeFile("/nonexistent/file");
  EXPECT_EQ(result.status().code(), Code::kNotFound);
  EXPECT_NE(result.status().message().find("/nonexistent/file"), std::string::npos);
}

TEST(File, SecondLockIsRefused) {
  std::string path = testing::TempDir() + "/rankscope_lock_test";
  auto first = LockFile(path);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(LockFile(path).status().code(), Code::kUnavailable);
}

}  // namespace
}  // namespace rankscope::base
