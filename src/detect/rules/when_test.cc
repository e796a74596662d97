#include "detect/rules/when.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

namespace rankscope::detect {
namespace {

// Series by name; the newest point of "value" is the value.
class Numbers : public Surroundings {
 public:
  void Add(const std::string& name, double value) { AddPoint(name, Point::Of(value, std::nullopt, 0)); }
  void AddPoint(const std::string& name, const Point& point) { series_.try_emplace(name, 64).first->second.Add(point); }

  std::optional<double> Variable(Word, std::string_view name, Side side) const override {
    auto found = series_.find(std::string(name));
    if (found == series_.end()) return std::nullopt;
    return ValueOf(found->second.at(0), side);
  }
  const SeriesWindow* Series(std::string_view name, size_t* skip) const override {
    *skip = 1;
    auto found = series_.find(std::string(name));
    return found == series_.end() ? nullptr : &found->second;
  }

 private:
  std::map<std::string, SeriesWindow> series_;
};

bool Holds(const Numbers& numbers, const std::string& text) {
  auto when = When::Parse(text, Vocabulary::kSeries);
  EXPECT_TRUE(when.ok()) << when.status().message();
  return when.ok() && when->Holds(numbers, Side::kLast);
}

std::string Error(const std::string& text, Vocabulary vocabulary = Vocabulary::kSeries) {
  auto when = When::Parse(text, vocabulary);
  return when.ok() ? "" : when.status().message();
}

Numbers Counting() {
  Numbers numbers;
  for (int i = 1; i <= 10; ++i) numbers.Add("value", i);
  numbers.Add("loss", 2);
  return numbers;
}

TEST(When, ComparesAndCombines) {
  Numbers numbers = Counting();
  EXPECT_TRUE(Holds(numbers, "value > 9 and loss < 3"));
  EXPECT_TRUE(Holds(numbers, "value > 1e3 or not loss > 3"));
  EXPECT_FALSE(Holds(numbers, "value == 10 and not (loss == 2)"));
  EXPECT_TRUE(Holds(numbers, "value - 2 * loss == 6"));
  EXPECT_TRUE(Holds(numbers, "abs(2 - value) == 8"));
  EXPECT_TRUE(Holds(numbers, "-value < 0"));
}

TEST(When, LooksBackOverWindows) {
  Numbers numbers = Counting();
  EXPECT_TRUE(Holds(numbers, "all(last(value, 3) > 7)"));
  EXPECT_FALSE(Holds(numbers, "all(last(value, 4) > 7)"));
  EXPECT_TRUE(Holds(numbers, "any(last(value, 4) == 7)"));
  EXPECT_TRUE(Holds(numbers, "mean(value, 3steps) == 9"));
  EXPECT_TRUE(Holds(numbers, "median(last(value, 4)) == 8.5"));
  EXPECT_TRUE(Holds(numbers, "max(value, 5) - min(value, 5) == 4"));
  EXPECT_TRUE(Holds(numbers, "count(last(value, 5) > 8) == 2"));
  EXPECT_TRUE(Holds(numbers, "mad(value, 5) == 1"));
  EXPECT_TRUE(Holds(numbers, "baseline(4) == 7.5"));  // before the newest
}

TEST(When, HoldsNotWhileAWindowIsNotFull) {
  Numbers numbers = Counting();
  EXPECT_FALSE(Holds(numbers, "all(last(value, 11) > 0)"));
  EXPECT_FALSE(Holds(numbers, "value < 0.7 * baseline(200steps)"));
  EXPECT_FALSE(Holds(numbers, "value > 0.7 * baseline(200steps)"));
  EXPECT_FALSE(Holds(numbers, "gradient_norm > 0"));
}

TEST(When, KnowsThatAMetricComesNoMore) {
  Numbers numbers;
  for (int i = 0; i < 30; ++i) {
    numbers.AddPoint("value", Point::Of(1, i, i));
    if (i < 20) numbers.AddPoint("loss", Point::Of(2, i, i));
  }
  EXPECT_TRUE(Holds(numbers, "absent(loss, 10)"));
  EXPECT_FALSE(Holds(numbers, "absent(loss, 11)"));
  EXPECT_FALSE(Holds(numbers, "absent(accuracy, 10)"));  // it was never there
}

TEST(When, NanStandsAboveEveryNumber) {
  Numbers numbers;
  numbers.Add("value", std::nan(""));
  EXPECT_TRUE(Holds(numbers, "value > 1e3"));
  EXPECT_FALSE(Holds(numbers, "value < 1e3"));
  EXPECT_TRUE(Holds(numbers, "isnan(value)"));
}

TEST(When, AllOfAnIntervalMeansItsExtremes) {
  Numbers numbers;
  Point point = Point::Of(5, 10, 0);
  point.steps = 10;
  point.min = 1;
  point.max = 9;
  numbers.AddPoint("value", point);
  EXPECT_TRUE(Holds(numbers, "all(last(value, 10) > 0)"));
  EXPECT_FALSE(Holds(numbers, "all(last(value, 10) > 2)"));
  EXPECT_TRUE(Holds(numbers, "any(last(value, 10) > 8)"));
}

TEST(When, SaysWhereItIsWrong) {
  EXPECT_EQ(Error("value >"), "column 8: expected a number, a metric, a function or (, found the end");
  EXPECT_EQ(Error("medain(value, 5) > 1"),
            "column 1: expected a function (nearest: median), found \"medain(value, 5) > 1\"");
  EXPECT_EQ(Error("(value > 1"), "column 11: expected ), found the end");
  EXPECT_EQ(Error("value > 1 value"), "column 11: expected and, or, an operator or the end, found \"value\"");
  EXPECT_EQ(
      Error("last(loss, 5) > 1"),
      "column 1: expected last(…) inside all, any, mean, median, mad, min, max or count, found \"last(loss, 5) > 1\"");
  EXPECT_EQ(Error("all(value > 1)"), "column 1: expected a window in it, as last(loss, 5), found \"all(value > 1)\"");
  EXPECT_EQ(Error("baseline(5parsecs) > 1"),
            "column 11: expected one of steps, ms, s, m, h, d, found \"parsecs) > 1\"");
  EXPECT_EQ(Error("baseline(5000steps) > value"), "column 1: expected windows of at most 4096 steps, found 5000 steps");
  EXPECT_EQ(Error("robustz > 1", Vocabulary::kPeers),
            "column 1: expected one of value, median, mad, robust_z, rel_dev, peers (nearest: robust_z), found "
            "\"robustz > 1\"");
}

TEST(When, RefusesWhatIsNestedWithoutEnd) {
  EXPECT_NE(Error(std::string(10000, '(')), "");
  EXPECT_EQ(Error(std::string(10000, '-') + "1"), "");
}

}  // namespace
}  // namespace rankscope::detect
