#include "cli/line_folder.h"

#include <gtest/gtest.h>

#include <vector>

namespace rankscope::cli {
namespace {

std::string Line(int rank, const std::string& text, int second = 0) {
  char time[64];
  std::snprintf(time, sizeof time, "2026-11-25T10:00:%02d.000000000Z", second);
  return "{\"timestamp\":\"" + std::string(time) + "\",\"node_rank\":" + std::to_string(rank / 2) +
         ",\"rank\":" + std::to_string(rank) + ",\"msg\":\"" + text + "\"}";
}

// What is shown, as "ranks: json" or "json".
class Screen {
 public:
  explicit Screen(bool live)
      : folder(live, [this](const FoldedLine& line) {
          lines.push_back(line.ranks.empty() ? line.json : FormatSet(line.ranks) + ": " + line.json);
          return true;
        }) {}
  std::vector<std::string> lines;
  LineFolder folder;
};

TEST(LineFolder, SetsAreRanges) { EXPECT_EQ(FormatSet({0, 1, 2, 5, 7, 8}), "0-2,5,7-8"); }

TEST(LineFolder, HistoryShowsOneLineWithAllItsRanksAndTheOneThatDiffers) {
  Screen screen(/*live=*/false);
  for (int rank = 0; rank < 4; ++rank) screen.folder.Take(Line(rank, rank == 2 ? "slow" : "ready"));
  screen.folder.Finish();
  EXPECT_EQ(screen.lines, (std::vector<std::string>{"0-1,3: " + Line(0, "ready"), Line(2, "slow")}));
}

TEST(LineFolder, ALaterTimeOrTheSameRankIsAnotherLine) {
  Screen screen(/*live=*/false);
  screen.folder.Take(Line(0, "ready", 0));
  screen.folder.Take(Line(0, "ready", 1));
  screen.folder.Take(Line(1, "ready", 9));
  screen.folder.Finish();
  EXPECT_EQ(screen.lines, (std::vector<std::string>{Line(0, "ready", 0), Line(0, "ready", 1), Line(1, "ready", 9)}));
}

TEST(LineFolder, LinesWithoutARankKeepTheirPlace) {
  Screen screen(/*live=*/false);
  std::string launcher = R"({"timestamp":"2026-11-25T10:00:00Z","msg":"ready"})";
  screen.folder.Take(Line(0, "ready"));
  screen.folder.Take(launcher);
  screen.folder.Take(Line(1, "ready"));
  screen.folder.Finish();
  EXPECT_EQ(screen.lines, (std::vector<std::string>{"0-1: " + Line(0, "ready"), launcher}));
}

TEST(LineFolder, LiveNeverDelaysAFirstLine) {
  Screen screen(/*live=*/true);
  for (int rank = 0; rank < 4; ++rank) screen.folder.Take(Line(rank, "ready"));
  EXPECT_EQ(screen.lines, (std::vector<std::string>{Line(0, "ready")}));
  screen.folder.Take(Line(1, "other"));
  EXPECT_EQ(screen.lines.back(), Line(1, "other"));
  screen.folder.CloseUntil(base::MonotonicNow() + 2 * LineFolder::kWindow);
  EXPECT_EQ(screen.lines.size(), 3u);
  EXPECT_EQ(screen.lines.back(), "1-3: " + Line(1, "ready"));
}

}  // namespace
}  // namespace rankscope::cli
