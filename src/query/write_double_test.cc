#include "query/write_double.h"

#include <gtest/gtest.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <random>
#include <string>

namespace rankscope::query {
namespace {

std::string Written(double value) {
  char text[kMostDoubleBytes];
  return {text, WriteDouble(value, text)};
}

std::string Standard(double value) {
  char text[kMostDoubleBytes];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

void Check(double value) {
  ASSERT_EQ(Written(value), Standard(value));
  if (value != 0) ASSERT_EQ(Written(-value), Standard(-value));
}

TEST(WriteDouble, GivesTheBytesOfTheStandard) {
  EXPECT_EQ(Written(78412.3), "78412.3");
  EXPECT_EQ(Written(-0.1), "-0.1");
  EXPECT_EQ(Written(0.0), "0");
  EXPECT_EQ(Written(-0.0), "-0.0");  // not "-0", which is read as the integer 0
  for (double value : {0.1, 0.5, 1.0, 2.5, 1e5, 123456.0, 1e15, 1e22, 1e300, 5e-324, 0.3, 2.0 / 3, 1e15 - 0.125}) {
    Check(value);
  }
  Check(std::numeric_limits<double>::max());
  for (int exponent = -10; exponent < 60; ++exponent) {
    double power = std::ldexp(1.0, exponent);
    for (double value = std::nextafter(std::nextafter(power, 0), 0); value < power * (1 + 1e-15);
         value = std::nextafter(value, 2 * power)) {
      Check(value);
    }
  }
  std::mt19937_64 random(23);
  std::uniform_real_distribution<double> exponents(-3, 17);
  for (int i = 0; i < 300'000; ++i) {
    double value = std::pow(10, exponents(random));
    Check(value);
    int64_t scale = 1;
    for (auto digits = random() % 8; digits > 0; --digits) scale *= 10;
    Check(std::round(value * static_cast<double>(scale)) / static_cast<double>(scale));
    Check(static_cast<double>(random() % 100'000'000) / 28);
  }
}

}  // namespace
}  // namespace rankscope::query
