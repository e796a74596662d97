#include "diagnose/suspects/random_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace rankscope::diagnose {
namespace {

using Places = std::vector<int64_t>;

// The values are those of torch 2.15 on the CPU.
TEST(RandomOrder, IsThatOfTorch) {
  EXPECT_EQ(AtPlaces(10, 42, {0, 1, 2, 3, 4, 5, 7, 8, 9}), (Places{2, 6, 1, 8, 4, 5, 9, 3, 7}));
  EXPECT_EQ(AtPlaces(97, 7, {0, 1, 2, 94, 95, 96}), (Places{52, 5, 73, 17, 53, 24}));
  EXPECT_EQ(AtPlaces(1000, 43, {999, 0, 998, 1}), (Places{439, 588, 174, 148}));
}

TEST(RandomOrder, IsThatOfTorchOverSeveralBlocksOfNumbers) {
  EXPECT_EQ(AtPlaces(1'000'000, 42, {0, 1, 65535, 500000, 999998, 999999}),
            (Places{637542, 129489, 666555, 818853, 907764, 5541}));
}

TEST(RandomOrder, OfASeedTheLower32BitsCount) {
  EXPECT_EQ(AtPlaces(5000, (uint64_t{1} << 33) + 5, {0, 1, 4999}), (Places{3411, 4223, 576}));
}

TEST(RandomOrder, HoldsEachElementOnce) {
  Places places(1000);
  std::iota(places.begin(), places.end(), 0);
  Places order = AtPlaces(1000, 1, places);
  EXPECT_NE(order, places);
  std::sort(order.begin(), order.end());
  EXPECT_EQ(order, places);
}

TEST(RandomOrder, ToldTwiceAPlaceHoldsTheSame) {
  EXPECT_EQ(AtPlaces(10, 42, {9, 0, 9}), (Places{7, 2, 7}));
  EXPECT_EQ(AtPlaces(1, 42, {0}), Places{0});
}

}  // namespace
}  // namespace rankscope::diagnose
