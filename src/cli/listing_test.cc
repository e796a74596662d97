#include "cli/listing.h"

#include <gtest/gtest.h>

#include <cstdio>

namespace rankscope::cli {
namespace {

TEST(Listing, ThePlaceIsAColumnAsWideAsTheWidest) {
  testing::internal::CaptureStdout();
  PrintAligned(
      {R"({"job":"a"})", "no object", R"({"job":"显存"})"},
      [](const nlohmann::ordered_json& row) { return row["job"].get<std::string>(); },
      [](const nlohmann::ordered_json& row, size_t width) {
        std::printf("%s|", Padded(row["job"].get<std::string>(), width).c_str());
      });
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "a   |显存|");
}

TEST(Listing, TimesAreShownToTheMillisecond) {
  EXPECT_EQ(ShownTime("2026-11-24T10:00:00.123456789Z"), "2026-11-24T10:00:00.123Z");
  for (const char* as_it_is : {"2026-11-24T10:00:00.123Z", "2026-11-24T10:00:00Z", "-", ""}) {
    EXPECT_EQ(ShownTime(as_it_is), as_it_is);
  }
}

}  // namespace
}  // namespace rankscope::cli
