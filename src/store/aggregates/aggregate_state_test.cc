#include "store/aggregates/aggregate_state.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "store/aggregates/group_table.h"

namespace rankscope::store {
namespace {

using Function = model::Aggregate::Function;

model::Cell Outcome(Function function, const std::vector<double>& values, double argument = 0) {
  AggregateState state;
  state.Take(function, values.data(), values.size());
  model::Aggregate aggregate;
  aggregate.function = function;
  aggregate.argument = argument;
  return state.Outcome(aggregate);
}

TEST(AggregateState, AQuantileBetweenEqualInfinitiesIsThatInfinity) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(std::get<double>(Outcome(Function::kQuantile, {-kInfinity, -kInfinity}, 0.5)), -kInfinity);
  EXPECT_EQ(std::get<double>(Outcome(Function::kQuantile, {1, 2}, 0.5)), 1.5);
}

TEST(AggregateState, JoinedStatesKnowWhatOneWouldHaveKnown) {
  std::mt19937 random(3);
  for (Function function :
       {Function::kCount, Function::kSum, Function::kAvg, Function::kMin, Function::kMax, Function::kQuantile}) {
    AggregateState first, second, all;
    for (int i = 0; i < 100; ++i) {
      auto value = static_cast<int64_t>(random() % 1000) - 500;
      (i % 3 == 0 ? first : second).Take(function, value);
      all.Take(function, value);
    }
    first.Join(function, second);
    model::Aggregate aggregate;
    aggregate.function = function;
    aggregate.argument = 0.9;
    EXPECT_EQ(first.Outcome(aggregate), all.Outcome(aggregate)) << static_cast<int>(function);
  }
}

TEST(AggregateState, TheFirstAndTheLastValueAreThoseOfTheirMomentsWhoeverTookThem) {
  AggregateState first, other, last, other_last;
  first.TakeAt(Function::kFirst, {20, 1}, model::Cell(2.5));
  first.TakeAt(Function::kFirst, {20, 0}, model::Cell(int64_t{7}));
  first.TakeAt(Function::kFirst, {20, 0}, model::Cell(int64_t{8}));
  other.TakeAt(Function::kFirst, {10, 9}, model::Cell("text"));
  last.TakeAt(Function::kLast, {30, 2}, model::Cell(2.5));
  last.TakeAt(Function::kLast, {30, 2}, model::Cell(3.5));
  other_last.TakeAt(Function::kLast, {30, 1}, model::Cell(4.5));
  model::Aggregate aggregate;
  aggregate.function = Function::kFirst;
  EXPECT_EQ(first.Outcome(aggregate), model::Cell(int64_t{7}));
  first.Join(Function::kFirst, other);
  EXPECT_EQ(first.Outcome(aggregate), model::Cell("text"));
  EXPECT_EQ(AggregateState().Outcome(aggregate), model::Cell());
  aggregate.function = Function::kLast;
  last.Join(Function::kLast, other_last);
  last.Join(Function::kLast, AggregateState());
  EXPECT_EQ(last.Outcome(aggregate), model::Cell(3.5));
}

TEST(GroupTable, NumbersGroupsAsTheyAreMet) {
  GroupTable table(2);
  for (uint32_t round = 0; round < 2; ++round) {
    for (uint32_t i = 0; i < 5000; ++i) {
      const uint32_t ids[] = {i / 50, i % 50};
      EXPECT_EQ(table.Find(ids), i);
    }
  }
  EXPECT_EQ(table.size(), 5000u);
  EXPECT_EQ(table.ids(4321)[0], 86u);
  EXPECT_EQ(table.ids(4321)[1], 21u);
}

}  // namespace
}  // namespace rankscope::store
