#include "agent/ranks/rings.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>

#include "agent/testing/ring_case.h"

namespace rankscope::agent {
namespace {

constexpr size_t kPlenty = 1 << 20;

class RingsTest : public RingCase {
 protected:
  void Log(int64_t step, const std::string& name, double value) const {
    auto field = static_cast<uint32_t>(rankscope_field(handle_, name.data(), name.size()));
    rankscope_log(handle_, step, &field, &value, 1);
  }
  static double Number(const model::Record& record, std::string_view name) {
    const auto* value = model::FindField(record.fields, name);
    return value ? model::AsNumber(*value).value_or(-1) : -1;
  }
  std::vector<model::Record> ReadAll(Rings* rings) const {
    while (rings->Pull(kPlenty)) {
    }
    return rings->Drain();
  }
  size_t FilesLeft() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(directory_), {}));
  }
};

TEST_F(RingsTest, OneRecordPerIntervalHoldsLastMinMaxAndMean) {
  Open(4);
  for (int step = 1; step <= 8; ++step) Log(step, "loss", step);
  Rings rings(config_, {});
  auto records = ReadAll(&rings);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[1].step, 8);
  EXPECT_EQ(records[1].origin.rank, 3);
  EXPECT_EQ(records[1].origin.local_rank, 1);
  EXPECT_EQ(records[1].origin.job, "j");
  EXPECT_EQ(records[1].stream, model::Stream::kMetric);
  EXPECT_EQ(Number(records[1], "loss"), 8);
  EXPECT_EQ(Number(records[1], "loss_min"), 5);
  EXPECT_EQ(Number(records[1], "loss_max"), 8);
  EXPECT_EQ(Number(records[1], "loss_mean"), 6.5);
  EXPECT_EQ(Number(records[1], "window_steps"), 4);
}

TEST_F(RingsTest, NonFiniteValuesAndSpikesGoOutAtOnce) {
  Open(1000);
  for (int step = 1; step <= 40; ++step) Log(step, "loss", 2 + 0.01 * (step % 3));
  Log(41, "loss", std::numeric_limits<double>::quiet_NaN());
  Log(42, "loss", 900);
  Rings rings(config_, {});
  auto records = ReadAll(&rings);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_TRUE(std::isnan(Number(records[0], "loss")));
  EXPECT_EQ(Number(records[0], "loss_nonfinite"), 1);
  EXPECT_EQ(Number(records[0], "loss_max"), 2.02);
  EXPECT_EQ(Number(records[1], "loss"), 900);
}

TEST_F(RingsTest, FrameworkNamesAreMappedWithTheirStatistics) {
  Open(2);
  Log(1, "grad_norm", 1);
  Log(2, "grad_norm", 3);
  Rings rings(config_, {});
  auto records = ReadAll(&rings);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(Number(records[0], "gradient_norm"), 3);
  EXPECT_EQ(Number(records[0], "gradient_norm_mean"), 2);
  EXPECT_EQ(Number(records[0], "grad_norm"), 3);
}

TEST_F(RingsTest, JsonRecordsKeepTheirFieldsAndLoseTheirSecrets) {
  Open(10);
  rankscope_set_step(handle_, 5);
  std::string json = R"({"msg":"a batch","ids":[1,2],"note":"hf_abcdefghijklmnopqrstuvwxyz012345","n":2})";
  ASSERT_EQ(rankscope_record(handle_, "batch", RANKSCOPE_NO_STEP, json.data(), json.size()), 0);
  Rings rings(config_, {});
  auto records = ReadAll(&rings);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].stream, model::Stream::kBatch);
  EXPECT_EQ(records[0].text, "a batch");
  EXPECT_EQ(records[0].step, 5);
  EXPECT_EQ(*model::FindField(records[0].fields, "ids"), model::FieldValue(std::string("[1,2]")));
  EXPECT_EQ(Number(records[0], "n"), 2);
  EXPECT_EQ(std::get<std::string>(*model::FindField(records[0].fields, "note")).find("abcdefgh"), std::string::npos);
}

TEST_F(RingsTest, OpenWindowOfAKilledProcessIsRead) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  pid_t child = fork();
  if (child == 0) {
    Open(1000);
    for (int step = 1; step <= 7; ++step) Log(step, "loss", step);
    (void)!write(ready[1], "x", 1);
    pause();
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  Rings rings(config_, {});
  EXPECT_TRUE(ReadAll(&rings).empty());
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  auto records = ReadAll(&rings);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].step, 7);
  EXPECT_EQ(Number(records[0], "loss_mean"), 4);
  rings.Release(rings.positions());
  EXPECT_EQ(FilesLeft(), 0u);
}

TEST_F(RingsTest, AgentKilledAnywhereReadsEachRecordOnce) {
  Open(1);
  SourcePositions durable;
  std::vector<int64_t> steps;
  for (int64_t step = 1; step <= 400;) {
    for (int i = 0; i < 20; ++i, ++step) Log(step, "loss", 1);
    Rings rings(config_, durable);  // a new agent each time
    for (const model::Record& record : ReadAll(&rings)) steps.push_back(*record.step);
    durable = rings.positions();
    if (step % 40 == 1) rings.Release(durable);  // the other half of the agents die before they could
  }
  ASSERT_EQ(steps.size(), 400u);
  for (int64_t i = 0; i < 400; ++i) EXPECT_EQ(steps[static_cast<size_t>(i)], i + 1);
}

TEST_F(RingsTest, FullRingIsToldOnce) {
  Open(1);
  for (int step = 1; step <= 1000; ++step) Log(step, "loss", 1);
  Rings rings(config_, {});
  auto records = ReadAll(&rings);
  ASSERT_FALSE(records.empty());
  EXPECT_EQ(records.back().stream, model::Stream::kEvent);
  EXPECT_EQ(Number(records.back(), "dropped_records") + static_cast<double>(records.size() - 1), 1000);
  EXPECT_TRUE(ReadAll(&rings).empty());
}

TEST_F(RingsTest, IntervalIsChangedInTheRunningProcess) {
  Open(1000);
  Log(1, "loss", 1);
  Rings rings(config_, {});
  EXPECT_TRUE(ReadAll(&rings).empty());
  rings.SetLogIntervalSteps(1);
  Log(2, "loss", 2);
  EXPECT_EQ(ReadAll(&rings).size(), 1u);
  EXPECT_EQ(rankscope_log_interval_steps(handle_), 1u);
}

TEST_F(RingsTest, RubbishIsReportedAndSkipped) {
  std::ofstream(directory_ + "/1-1") << "no ring at all";
  std::ofstream(directory_ + "/1-2") << std::string(100000, 'x');
  Open(1);
  Log(1, "loss", 1);
  Rings rings(config_, {});
  auto records = ReadAll(&rings);
  ASSERT_EQ(records.size(), 3u);
  EXPECT_NE(records[0].text.find("1-1 is not a metric ring"), std::string::npos);
  EXPECT_NE(records[1].text.find("1-2 is not a metric ring"), std::string::npos);
  EXPECT_EQ(Number(records[2], "loss"), 1);
}

}  // namespace
}  // namespace rankscope::agent
