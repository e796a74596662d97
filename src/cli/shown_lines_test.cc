#include "cli/shown_lines.h"

#include <gtest/gtest.h>

#include "model/record_json.h"

namespace rankscope::cli {
namespace {

constexpr base::TimeNs kSecond = base::kNsPerSecond, kBegun = 1'000'000 * kSecond, kLater = 2 * kBegun;

std::string Line(base::TimeNs time, const std::string& text) {
  return "{\"timestamp\":\"" + model::FormatTime(time) + "\",\"msg\":\"" + text + "\"}";
}

std::string From(base::TimeNs time) {
  return " _time:[" + model::FormatTime(time) + ",2096-10-02T07:06:40.000000000Z]";
}

TEST(ShownLines, PassesEachShownLineOverOnceInEachReading) {
  ShownLines shown(10, kBegun);
  shown.Note(Line(kBegun, "a"), kLater);
  shown.Note(Line(kBegun, "a"), kLater);  // alike in all that JSON says
  for (int reading = 0; reading < 2; ++reading) {
    shown.BeginAgain();
    EXPECT_FALSE(shown.IsNew(Line(kBegun, "a")));
    EXPECT_FALSE(shown.IsNew(Line(kBegun, "a")));
    EXPECT_TRUE(shown.IsNew(Line(kBegun, "a")));
    EXPECT_TRUE(shown.IsNew(Line(kBegun, "b")));
  }
}

TEST(ShownLines, WantsAllWhileTheHistoryWasNotFull) {
  ShownLines shown(2, kBegun);
  EXPECT_EQ(shown.Wanted(), "");
  shown.Note(Line(kBegun - 9 * kSecond, "a"), kLater);
  shown.Note(R"({"stream":"event","event":"tail_dropped","msg":"no record"})", kLater);
  EXPECT_EQ(shown.Wanted(), "");
  shown.Note(Line(kBegun - 8 * kSecond, "b"), kLater);
  EXPECT_EQ(shown.Wanted(), From(kBegun - 9 * kSecond + 1));
}

TEST(ShownLines, WantsNothingFromBeforeTheBeginningWhereNoHistoryWasAskedFor) {
  EXPECT_EQ(ShownLines(0, kBegun).Wanted(), From(kBegun));
}

TEST(ShownLines, OfLinesThatAreForgottenNothingIsWantedAgain) {
  ShownLines shown(1, kBegun, /*remembered=*/2);
  for (int i = 0; i < 4; ++i) shown.Note(Line(kBegun + i * kSecond, std::to_string(i)), kLater);
  EXPECT_EQ(shown.Wanted(), From(kBegun + kSecond + 1));
  shown.BeginAgain();
  EXPECT_FALSE(shown.IsNew(Line(kBegun + 2 * kSecond, "2")));
  EXPECT_FALSE(shown.IsNew(Line(kBegun + 3 * kSecond, "3")));
}

TEST(ShownLines, AClockThatIsAheadDoesNotHideWhatOthersSay) {
  ShownLines shown(1, kBegun, /*remembered=*/1);
  shown.Note(Line(kLater, "ahead"), kBegun + kSecond);
  shown.Note(Line(kBegun + kSecond, "right"), kBegun + 2 * kSecond);
  EXPECT_EQ(shown.Wanted(), From(kBegun + kSecond + 1));
}

}  // namespace
}  // namespace rankscope::cli
