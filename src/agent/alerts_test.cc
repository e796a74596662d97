#include "agent/alerts.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace rankscope::agent {
namespace {

using Lines = std::vector<std::string>;

TEST(Alerts, EachLineIsReadOnceAndIsOneLine) {
  std::string folder = testing::TempDir() + "/rankscope_alerts_test";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  AlertReader reader(folder);
  EXPECT_EQ(reader.Next(), Lines());
  AppendAlert(folder, "CRITICAL a");
  AppendAlert(folder, "two\nlines \x1b[31mred");
  EXPECT_EQ(reader.Next(), (Lines{"CRITICAL a\n", "two lines  [31mred\n"}));
  AppendAlert(folder, std::string(2000, 'x'));
  EXPECT_EQ(reader.Next(), (Lines{std::string(500, 'x') + "\n"}));
  std::filesystem::remove_all(folder);
  EXPECT_EQ(reader.Next(), Lines());
  AppendAlert(folder, "nobody hears it");
}

}  // namespace
}  // namespace rankscope::agent
