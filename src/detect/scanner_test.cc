#include "detect/scanner.h"

#include <gtest/gtest.h>

namespace rankscope::detect {
namespace {

constexpr int64_t kSecond = base::kNsPerSecond;

TEST(Scanner, ADurationIsWhatItIsElsewhere) {
  EXPECT_EQ(ParseSpan("10m")->ns, 600 * kSecond);
  EXPECT_EQ(ParseSpan("2h30m")->ns, 9000 * kSecond);
  EXPECT_EQ(ParseSpan(" 250 ms ")->ns, kSecond / 4);
  EXPECT_EQ(ParseSpan("1.5h")->ns, 5400 * kSecond);
  EXPECT_EQ(ParseSpan("5steps")->steps, 5);
  EXPECT_EQ(ParseSpan("1 step")->steps, 1);
}

TEST(Scanner, WhatIsNoDurationIsNamed) {
  constexpr const char* kWant = "expected a positive duration (whole steps, or up to 365d), found ";
  for (const char* text : {"0s", "1.5steps", "400d", "0steps"}) {
    EXPECT_EQ(ParseSpan(text).status().message(), std::string("column 1: ") + kWant + "\"" + text + "\"");
  }
  EXPECT_EQ(ParseSpan("5weeks").status().message(), "column 2: expected one of steps, ms, s, m, h, d, found \"weeks\"");
  EXPECT_FALSE(ParseSpan("1.5m5s").ok()) << "a fraction of what?";
  EXPECT_FALSE(ParseSpan("5").ok());
}

}  // namespace
}  // namespace rankscope::detect
