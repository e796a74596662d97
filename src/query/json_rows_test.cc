#include "query/json_rows.h"

#include <gtest/gtest.h>

#include <cmath>

namespace rankscope::query {
namespace {

// Columns change now and then.
Row TableRow(int64_t number) {
  Row row;
  row.columns = {{"number", number},
                 {number / 700 % 3 == 0 ? "third" : "other", std::to_string(number)},
                 {"half", number % 9 == 0 ? NAN : static_cast<double>(number) / 2},
                 {"seventh", number % 5 == 0 ? model::Cell() : model::Cell(static_cast<double>(number) / 7)},
                 {"when", model::Time{number % 300 * 1'000'000'007}}};
  return row;
}

std::string JsonOf(const Row& row) {
  std::string json;
  RowWriter().Append(row, &json);
  return json;
}

TEST(JsonRows, RowsComeInOrderOnOneThreadWhoeverWritesThem) {
  constexpr int64_t kRows = 50'000;
  std::vector<std::string> got;
  auto self = std::this_thread::get_id();
  TakeLines take = [&](std::string_view lines, size_t count) {
    EXPECT_EQ(std::this_thread::get_id(), self);
    for (; count > 0; --count) {
      got.emplace_back(lines.substr(0, lines.find('\n')));
      lines.remove_prefix(got.back().size() + 1);
    }
    EXPECT_TRUE(lines.empty());
    return true;
  };
  model::Record record;
  record.text = "a record among them";
  JsonRows rows(take);
  for (int64_t i = 0; i < kRows; ++i) {
    ASSERT_TRUE(rows.Take(TableRow(i)));
    if (i % 20'000 == 19'999) {
      ASSERT_TRUE(rows.Take(Row::Of(record)));
    }
  }
  rows.Finish();
  size_t at = 0;
  for (int64_t i = 0; i < kRows; ++i) {
    ASSERT_EQ(got.at(at++), JsonOf(TableRow(i)));
    if (i % 20'000 == 19'999) {
      ASSERT_EQ(got.at(at++), JsonOf(Row::Of(record)));
    }
  }
  EXPECT_EQ(at, got.size());
}

TEST(JsonRows, LongTextsAndNamesAreWrittenWhole) {
  const std::string name(1000, 'n'), text = std::string(100'000, 't') + "\"\n";
  std::string got;
  TakeLines take = [&](std::string_view lines, size_t) {
    got = lines;
    return true;
  };
  JsonRows rows(take);
  Row row;
  row.columns = {
      {"none", model::Cell()}, {name, text}, {"\"q\"", int64_t{INT64_MIN}}, {"points", model::Points{{1, 0.5}}}};
  ASSERT_TRUE(rows.Take(row));
  EXPECT_EQ(got, JsonOf(row) + "\n");
  row.columns = {{"none", model::Cell()}};
  ASSERT_TRUE(rows.Take(row));
  EXPECT_EQ(got, "{}\n");
}

TEST(JsonRows, NothingIsGivenOnceNoMoreIsWanted) {
  for (size_t wanted : {size_t{1}, size_t{1024}, size_t{5000}}) {
    size_t given = 0;
    TakeLines take = [&](std::string_view, size_t count) {
      EXPECT_LT(given, wanted) << "no more were wanted";
      given += count;
      return given < wanted;
    };
    JsonRows rows(take);
    bool more = true;
    for (int64_t i = 0; more && i < 100'000; ++i) more = rows.Take(TableRow(i));
    rows.Finish();
    EXPECT_FALSE(more);
    EXPECT_GE(given, wanted);
  }
}

}  // namespace
}  // namespace rankscope::query
