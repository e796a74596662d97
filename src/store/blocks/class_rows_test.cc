#include "store/blocks/class_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace rankscope::store {
namespace {

TEST(ClassRows, FindsTheRowsOfAnyClassesInAnyRange) {
  std::mt19937 random(5);
  for (size_t kinds : {1u, 2u, 5u, 300u}) {
    BlockHeader header;
    header.classes.resize(kinds);
    std::vector<uint16_t> classes;
    for (int i = 0; i < 1000; ++i) {
      classes.push_back(static_cast<uint16_t>(random() % kinds));
      ++header.classes[classes.back()].rows;
    }
    for (int round = 0; round < 50; ++round) {
      std::vector<uint16_t> wanted;
      for (size_t number = 0; number < kinds; ++number) {
        if (random() % 2 == 0) wanted.push_back(static_cast<uint16_t>(number));
      }
      auto first = static_cast<uint32_t>(random() % 500), last = static_cast<uint32_t>(random() % 1000);
      std::vector<uint32_t> expected, found;
      for (uint32_t row = first; row < last; ++row) {
        bool in = std::find(wanted.begin(), wanted.end(), classes[row]) != wanted.end();
        if (in) expected.push_back(row);
      }
      ClassRows(header, wanted).Append(classes, first, last, &found);
      EXPECT_EQ(found, expected);
    }
  }
}

}  // namespace
}  // namespace rankscope::store
