#include "model/record_batch.h"

#include <gtest/gtest.h>

#include <cmath>

namespace rankscope::model {
namespace {

std::vector<Record> Example() {
  Record line;
  line.origin.job = "j";
  line.origin.rank = 7;
  line.time = 1'000'000'000;
  line.seq = 41;
  line.text = "step 3\nof 4";
  Record metric = line;
  metric.origin.rank.reset();
  metric.origin.host = "node-0";
  metric.stream = Stream::kMetric;
  metric.time -= 5;
  metric.seq = 42;
  metric.step = -3;
  metric.level = "error";
  metric.fields = {{"loss", 2.5}, {"tokens", int64_t{1} << 62}, {"state", std::string("ok")}};
  return {line, metric, line};
}

TEST(RecordBatch, RoundTrips) {
  std::string bytes;
  EncodeRecords(Example(), &bytes);
  auto decoded = DecodeRecords(bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status().message();
  EXPECT_EQ(*decoded, Example());
}

TEST(RecordBatch, RefusesEveryPrefix) {
  std::string bytes;
  EncodeRecords(Example(), &bytes);
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    EXPECT_FALSE(DecodeRecords(std::string_view(bytes).substr(0, cut)).ok()) << cut;
  }
}

TEST(RecordBatch, FlippedBytesNeverCrash) {
  std::string bytes;
  EncodeRecords(Example(), &bytes);
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      (void)DecodeRecords(damaged).ok();
    }
  }
}

}  // namespace
}  // namespace rankscope::model
