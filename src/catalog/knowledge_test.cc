#include "catalog/knowledge.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace rankscope::catalog {
namespace {

// A file as it was when the curves were a part of the facts.
void WriteOldFile(const std::string& path) {
  auto file = *base::Sqlite::Open(path, {});
  ASSERT_TRUE(file->Execute("CREATE TABLE job(name TEXT PRIMARY KEY, seen TEXT NOT NULL, facts TEXT NOT NULL)").ok());
  auto add = [&](std::string_view name, std::string_view facts) {
    ASSERT_TRUE(file->Run("INSERT INTO job VALUES(?, 'failed 0 7', ?)", {name, facts}).ok());
  };
  add("measured", R"({"job_id":"measured","curves":{"loss":[[1,2.5],[2,2.25]]}})");
  add("silent", R"({"job_id":"silent"})");
  add("damaged", R"({"job_id":)");
}

TEST(KnowledgeTest, CurvesOfAnOldFileAreKept) {
  std::string folder = testing::TempDir() + "/rankscope_knowledge_test";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  WriteOldFile(folder + "/knowledge.sqlite");
  auto knowledge = Knowledge::Open(folder);
  ASSERT_TRUE(knowledge.ok()) << knowledge.status().message();
  auto curves = [&](const char* job) { return (*(*knowledge)->Find(job))->curves; };
  EXPECT_EQ(curves("measured"), R"({"loss":[[1,2.5],[2,2.25]]})");
  EXPECT_EQ(curves("silent"), "");
  EXPECT_EQ(curves("damaged"), "");
}

}  // namespace
}  // namespace rankscope::catalog
