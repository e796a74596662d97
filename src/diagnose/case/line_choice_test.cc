#include "diagnose/case/line_choice.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace rankscope::diagnose {
namespace {

constexpr size_t kMost = 32'000;

Choice Of(uint64_t number, Reason reason) {
  Choice choice;
  choice.number = number;
  choice.reasons = reason;
  return choice;
}

size_t CountOf(const std::vector<Choice>& choices, Reason reason) {
  return static_cast<size_t>(
      std::count_if(choices.begin(), choices.end(), [&](const Choice& choice) { return choice.reasons & reason; }));
}

TEST(LineChoice, OfShapesWithoutEndThoseOfFewLinesGo) {
  constexpr uint32_t kOften = 1, kEvery = 100;
  std::vector<Choice> choices;
  for (uint32_t i = 0; i < 3 * kMost; ++i) {
    choices.push_back(Of(i, kSample));
    choices.back().shape = i % kEvery == 0 ? kOften : i + 2;
  }
  ThinChoices(1, &choices);
  EXPECT_LE(CountOf(choices, kSample), kMost);
  EXPECT_GT(std::count_if(choices.begin(), choices.end(),
                          [](const Choice& choice) { return choice.shape == kOften && choice.reasons != 0; }),
            0);
}

// Each of them says a thing often, with lines around it.
TEST(LineChoice, OfManyRanksEachKeepsTheFirstAndTheLastOfWhatItSaysAndWhatStandsAround) {
  constexpr uint32_t kRanks = 1500;
  constexpr uint64_t kTimes = 100;
  std::vector<Choice> choices;
  for (uint64_t i = 0; i < kRanks * kTimes; ++i) {
    for (Reason reason : {kTelling, kContext}) {
      choices.push_back(Of(2 * i + (reason == kContext ? 1 : 0), reason));
      choices.back().anchor = 2 * i;
      choices.back().writer = static_cast<uint32_t>(i % kRanks);
    }
  }
  ThinChoices(1, &choices);
  EXPECT_LE(CountOf(choices, kTelling), kMost);
  EXPECT_LE(CountOf(choices, kContext), kMost);
  for (Reason reason : {kTelling, kContext}) {
    std::map<uint32_t, std::vector<uint64_t>> kept;  // by rank: of its times
    for (const Choice& choice : choices) {
      if (choice.reasons & reason) kept[choice.writer].push_back(choice.number / 2 / kRanks);
    }
    ASSERT_EQ(kept.size(), kRanks);
    for (const auto& [rank, times] : kept) {
      EXPECT_EQ(times.front(), 0U);
      EXPECT_EQ(times.back(), kTimes - 1);
    }
  }
}

TEST(LineChoice, OfManyFilesEachKeepsLess) {
  constexpr size_t kFiles = 1000;
  std::vector<Choice> choices;
  for (uint32_t i = 0; i < kMost; ++i) {
    choices.push_back(Of(i, kSample));
    choices.back().shape = i;
  }
  ThinChoices(kFiles, &choices);
  EXPECT_LE(CountOf(choices, kSample), 256U);
}

}  // namespace
}  // namespace rankscope::diagnose
