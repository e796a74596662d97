#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "store/columns/field_column.h"
#include "store/columns/integer_column.h"
#include "store/columns/text_column.h"

namespace rankscope::store {
namespace {

size_t RoundTrip(const std::vector<int64_t>& values) {
  std::string bytes;
  EncodeIntegers(values, &bytes);
  std::vector<int64_t> back;
  EXPECT_TRUE(DecodeIntegers(bytes, values.size(), &back));
  EXPECT_EQ(back, values);
  return bytes.size();
}

TEST(IntegerColumn, GivesBackAnyIntegersInFewBytes) {
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min(), kMax = std::numeric_limits<int64_t>::max();
  EXPECT_LE(RoundTrip({}), 2u);
  EXPECT_LE(RoundTrip(std::vector<int64_t>(1000, -5)), 3u);
  RoundTrip({kMin, kMax, 0, -1, kMax, kMin});
  std::vector<int64_t> rising, noise, few, wide;
  std::mt19937_64 random(3);
  for (int64_t i = 0; i < 1000; ++i) {
    rising.push_back(1'700'000'000'000 + i * 1500);
    noise.push_back(static_cast<int64_t>(random() % 1000));
    few.push_back(random() % 8 == 0 ? 1'000'000'007 : 5);
    wide.push_back(static_cast<int64_t>(random()));
  }
  EXPECT_LE(RoundTrip(rising), 60u);
  EXPECT_LE(RoundTrip(noise), 1300u);
  EXPECT_LE(RoundTrip(few), 260u);
  EXPECT_LE(RoundTrip(wide), 8100u);
  for (unsigned width = 1; width < 64; ++width) {
    std::vector<int64_t> values;
    for (int i = 0; i < 300; ++i) values.push_back(static_cast<int64_t>(random() >> (64 - width)));
    RoundTrip(values);
  }
}

TEST(IntegerColumn, DamageIsRefusedOrOtherIntegersButNeverMore) {
  std::mt19937 random(5);
  std::vector<int64_t> values;
  for (int i = 0; i < 400; ++i) values.push_back(static_cast<int64_t>(random() % 300));
  std::string bytes;
  EncodeIntegers(values, &bytes);
  std::vector<int64_t> back;
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    EXPECT_FALSE(DecodeIntegers(std::string_view(bytes).substr(0, cut), values.size(), &back)) << cut;
  }
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    (void)DecodeIntegers(damaged, values.size(), &back);
  }
}

TEST(TextColumn, GivesBackTextsWhetherAlikeOrNot) {
  for (int distinct : {1, 3, 1000}) {
    std::vector<std::string> held;
    for (int i = 0; i < 1000; ++i) held.push_back("text " + std::to_string(i % distinct) + std::string(i % 3, 'x'));
    std::vector<std::string_view> texts(held.begin(), held.end());
    std::string bytes;
    EncodeTexts(texts, &bytes);
    Texts back;
    ASSERT_TRUE(DecodeTexts(bytes, texts.size(), &back));
    EXPECT_EQ(back.texts, texts);
  }
}

TEST(FieldColumn, GivesBackMixedValues) {
  std::vector<model::FieldView> values;
  auto number = [&](double value) {
    model::FieldView view;
    view.number = value;
    values.push_back(view);
  };
  for (double value : {0.5, 2.25, 1e-11, 1e300, -0.0, 1.0 / 3, std::numeric_limits<double>::infinity()}) number(value);
  number(std::nan(""));
  model::FieldView integer;
  integer.kind = model::FieldView::Kind::kInteger;
  integer.integer = std::numeric_limits<int64_t>::min();
  values.push_back(integer);
  model::FieldView text;
  text.kind = model::FieldView::Kind::kText;
  text.text = "ok";
  values.push_back(text);
  std::string bytes;
  EncodeFields(values, &bytes);
  FieldColumn column;
  ASSERT_TRUE(DecodeFields(bytes, values.size(), &column));
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(column.values[i].kind, values[i].kind);
    EXPECT_EQ(column.values[i].text, values[i].text);
    if (values[i].kind == model::FieldView::Kind::kInteger) {
      EXPECT_EQ(column.values[i].integer, values[i].integer);
    }
    if (values[i].kind != model::FieldView::Kind::kDouble) continue;
    EXPECT_EQ(std::isnan(column.values[i].number), std::isnan(values[i].number));
    EXPECT_EQ(std::signbit(column.values[i].number), std::signbit(values[i].number));
    if (!std::isnan(values[i].number)) {
      EXPECT_EQ(column.values[i].number, values[i].number);
    }
  }
}

}  // namespace
}  // namespace rankscope::store
