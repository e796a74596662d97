#include "model/record_json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace rankscope::model {
namespace {

TEST(RecordJson, WritesOneFlatObjectAndLeavesOutWhatIsNotKnown) {
  Record record;
  record.origin.job = "j";
  record.origin.rank = 7;
  record.time = 1'700'000'000'000'000'001;
  record.seq = 3;
  record.step = 12;
  record.text = "a \"quoted\" line";
  record.fields = {{"step", 12.0}, {"loss", 2.15}, {"gradient_norm", std::nan("")}};
  std::string json;
  AppendJson(record, &json);
  EXPECT_EQ(json,
            R"({"timestamp":"2023-11-14T22:13:20.000000001Z","project":"default","job_id":"j","attempt":0,"rank":7,)"
            R"("stream":"stdout","seq":3,"step":12,"msg":"a \"quoted\" line","loss":2.15,"gradient_norm":"NaN"})");
}

TEST(RecordJson, ZeroKeepsItsSign) {
  std::string json;
  AppendJsonNumber(-0.0, &json);
  EXPECT_EQ(json, "-0.0");
}

TEST(RecordJson, ReplacesBytesThatAreNotUtf8) {
  std::string json;
  AppendJsonString("\xff\xc0\xaf ok \xed\xa0\x80 \xe2\x82\xac \x1b[31m", &json);
  EXPECT_EQ(
      json,
      "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd ok \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd \xe2\x82\xac \\u001b[31m\"");
}

}  // namespace
}  // namespace rankscope::model
