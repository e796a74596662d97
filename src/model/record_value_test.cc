#include "model/record_value.h"

#include <gtest/gtest.h>

#include <cmath>

namespace rankscope::model {
namespace {

ValueView Get(const Record& record, std::string_view key) { return ValueOf(record, RecordKey::Of(key)); }

TEST(ValueOf, FollowsTheJsonForm) {
  Record record;
  record.origin.job = "j";
  record.origin.rank = 3;
  record.fields = {{"loss", 2.5}, {"tokens", int64_t{1} << 60}, {"node_rank", 7.0}};
  EXPECT_EQ(Get(record, "job_id"), ValueView("j"));
  EXPECT_EQ(Get(record, "rank"), ValueView(int64_t{3}));
  EXPECT_EQ(Get(record, "loss"), ValueView(2.5));
  EXPECT_EQ(Get(record, "tokens"), ValueView(int64_t{1} << 60));
  EXPECT_EQ(Get(record, "node_rank"), ValueView(7.0)) << "a field where the member is not known";
  EXPECT_EQ(Get(record, "host"), ValueView());
  EXPECT_EQ(Get(record, "step"), ValueView());
  EXPECT_EQ(Get(record, "msg"), ValueView()) << "a record of fields has no text";
  record.fields.clear();
  EXPECT_EQ(Get(record, "msg"), ValueView(std::string_view())) << "an empty line has one";
}

TEST(ParseNumber, KeepsIntegersExactly) {
  EXPECT_EQ(ParseWideNumber("9007199254740993"), 9007199254740993.0L);
  EXPECT_EQ(ParseWideNumber("-9223372036854775808"), -9223372036854775808.0L);
  EXPECT_EQ(ParseWideNumber("18446744073709551615"), 18446744073709551616.0L) << "past int64_t: the nearest double";
  EXPECT_EQ(ParseWideNumber("0.1"), static_cast<long double>(0.1)) << "as a reader of JSON has it";
  EXPECT_EQ(ParseWideNumber("+1e3"), 1000.0L);
  EXPECT_TRUE(std::isnan(*ParseWideNumber("NaN")));
  EXPECT_EQ(ParseWideNumber("-Infinity"), -INFINITY);
  EXPECT_EQ(ParseWideNumber("1e999"), INFINITY);
  for (const char* text : {"", "-", "+", "+-1", "0x10", "1 ", " 1", "1e", "infinit", "j1"}) {
    EXPECT_FALSE(ParseWideNumber(text)) << text;
  }
}

}  // namespace
}  // namespace rankscope::model
