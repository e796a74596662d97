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

TEST(Alerts, NoLineSteersTheTerminalOrEndsWithinACharacter) {
  std::string folder = testing::TempDir() + "/rankscope_alerts_bytes_test";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  AlertReader reader(folder);
  AppendAlert(folder, "title \u009b2J raw \x9b[2J \x7f显存");
  EXPECT_EQ(reader.Next(), Lines{"title  2J raw \ufffd[2J  显存\n"});
  AppendAlert(folder, std::string(499, 'x') + "显存");
  EXPECT_EQ(reader.Next(), Lines{std::string(499, 'x') + "\n"});
}

}  // namespace
}  // namespace rankscope::agent
