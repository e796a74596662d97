#include "parse/padded_lines.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace rankscope::parse {
namespace {

constexpr size_t kPadding = 8;

// Each piece in memory of its own size, so that a sanitizer sees a read past it.
std::vector<std::string> LinesOf(const std::string& text, size_t piece_bytes) {
  std::vector<std::string> lines;
  PaddedLines cutter(kPadding);
  auto take = [&](std::string_view line) {
    EXPECT_EQ(std::string(line.data(), line.size() + kPadding).size(), line.size() + kPadding);
    lines.emplace_back(line);
    return base::Status();
  };
  for (size_t at = 0; at < text.size(); at += piece_bytes) {
    std::string_view from = std::string_view(text).substr(at, piece_bytes);
    auto piece = std::make_unique<char[]>(from.size());
    from.copy(piece.get(), from.size());
    EXPECT_TRUE(cutter.Add({piece.get(), from.size()}, take).ok());
  }
  EXPECT_TRUE(cutter.End(take).ok());
  EXPECT_FALSE(text.ends_with('\n') && cutter.unfinished_bytes() > 0);
  return lines;
}

TEST(PaddedLines, AreTheSameHoweverTheTextIsCut) {
  const std::vector<std::string> lines = {"one", "", "a longer line of some bytes", "x", "", "", "the last of them"};
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  for (size_t piece = 1; piece <= text.size(); ++piece) EXPECT_EQ(LinesOf(text, piece), lines) << piece;
  text.pop_back();
  for (size_t piece = 1; piece <= text.size(); ++piece) EXPECT_EQ(LinesOf(text, piece), lines) << piece;
}

TEST(PaddedLines, LiesWhereItLayWhenEnoughFollows) {
  const std::string piece = "first\nsecond\nthird that is cut";
  std::vector<const char*> places;
  PaddedLines cutter(kPadding);
  auto take = [&](std::string_view line) {
    places.push_back(line.data());
    return base::Status();
  };
  ASSERT_TRUE(cutter.Add(piece, take).ok());
  EXPECT_EQ(places, (std::vector<const char*>{piece.data(), piece.data() + 6}));
  EXPECT_EQ(cutter.unfinished_bytes(), 17u);
}

TEST(PaddedLines, StopAtTheFirstError) {
  int taken = 0;
  PaddedLines cutter(kPadding);
  auto status = cutter.Add("1\n2\n3\n", [&](std::string_view line) {
    ++taken;
    return line == "2" ? base::Status::Invalid("two") : base::Status();
  });
  EXPECT_EQ(status.message(), "two");
  EXPECT_EQ(taken, 2);
}

}  // namespace
}  // namespace rankscope::parse
