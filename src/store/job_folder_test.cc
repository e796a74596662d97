#include "store/job_folder.h"

#include <gtest/gtest.h>

#include <set>

namespace rankscope::store {
namespace {

TEST(JobFolder, NamesThatFitSayTheirJob) {
  for (const std::string& job : {std::string("j-1"), std::string("a/b"), std::string(".."), std::string(),
                                 std::string("50%~x"), std::string(255, 'x')}) {
    EXPECT_EQ(JobOfFile(FolderOfJob(job) + "/7.segment"), job);
  }
  EXPECT_EQ(FolderOfJob("a/b"), "jobs/a%2Fb");  // as stores have it on disk
}

TEST(JobFolder, LongIdsHaveShortFoldersOfTheirOwn) {
  std::set<std::string> folders;
  for (const std::string& end : {std::string(), std::string("一"), std::string("二"), std::string(5000, 'y')}) {
    std::string job = std::string(117, 'x') + std::string(140, ' ') + end;
    std::string folder = FolderOfJob(job);
    EXPECT_LE(folder.size(), 200u);
    EXPECT_TRUE(folder.starts_with("jobs/" + std::string(117, 'x') + "%20%~")) << folder;
    EXPECT_EQ(JobOfFile(folder + "/7.segment"), std::nullopt);
    folders.insert(folder);
  }
  EXPECT_EQ(folders.size(), 4u);
  // No cut through an escape.
  EXPECT_TRUE(
      FolderOfJob(std::string(118, 'x') + std::string(140, ' ')).starts_with("jobs/" + std::string(118, 'x') + "%~"));
}

}  // namespace
}  // namespace rankscope::store
