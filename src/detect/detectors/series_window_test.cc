#include "detect/detectors/series_window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <random>

#include "detect/detectors/sorted_window.h"
#include "detect/detectors/statistics.h"

namespace rankscope::detect {
namespace {

TEST(SeriesWindow, KeepsTheLatestPoints) {
  SeriesWindow window(3);
  for (int i = 1; i <= 5; ++i) window.Add(Point::Of(i, i, i));
  ASSERT_EQ(window.size(), 3U);
  EXPECT_EQ(window.at(0).last, 5);
  EXPECT_EQ(window.at(2).last, 3);
  EXPECT_EQ(window.steps_seen(), 5);
}

TEST(SeriesWindow, CoversSpansOfStepsAndOfTime) {
  SeriesWindow window(8);
  for (int i = 1; i <= 4; ++i) {
    Point point = Point::Of(i, i * 10, i * base::kNsPerSecond);
    point.steps = 10;
    window.Add(point);
  }
  EXPECT_EQ(window.Covering({.steps = 15, .ns = 0}, 0), 2U);
  EXPECT_EQ(window.Covering({.steps = 15, .ns = 0}, 2), 2U);
  EXPECT_EQ(window.Covering({.steps = 41, .ns = 0}, 0), std::nullopt);
  EXPECT_EQ(window.Covering({.steps = 0, .ns = 2 * base::kNsPerSecond}, 0), 3U);
}

TEST(SeriesWindow, ForgetsWhatCameBeforeARestart) {
  SeriesWindow window(8);
  for (int i = 1; i <= 5; ++i) window.Add(Point::Of(i, i, i));
  window.Add(Point::Of(3, 3, 6));
  EXPECT_EQ(window.size(), 1U);
  EXPECT_EQ(window.steps_seen(), 1);
}

TEST(SortedWindow, HasTheMedianAndTheDeviationOfItsValues) {
  std::mt19937 random(11);  // NOLINT(bugprone-random-generator-seed,cert-msc51-cpp): the same in every run
  SortedWindow window(17);
  std::deque<double> values;
  for (int i = 0; i < 500; ++i) {
    values.push_back(static_cast<double>(random() % 50));
    if (values.size() > 17) values.pop_front();
    window.Add(values.back());
    std::vector<double> copy(values.begin(), values.end());
    double median = Median(&copy);
    ASSERT_EQ(window.Median(), median);
    ASSERT_EQ(window.MedianDeviation(), MedianDeviation(median, &copy));
  }
}

}  // namespace
}  // namespace rankscope::detect
