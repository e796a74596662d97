#include "agent/collector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>

namespace rankscope::agent {
namespace {

Channel RankChannel(int rank) {
  Channel channel;
  channel.origin.rank = rank;
  return channel;
}

class CollectorTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = testing::TempDir() + "/rankscope_collector_test";
    std::filesystem::remove_all(directory_);
    auto writer = CaptureWriter::Create(directory_, {.file_bytes = 2000});
    ASSERT_TRUE(writer.ok());
    writer_ = std::make_unique<CaptureWriter>(*std::move(writer));
  }
  // What an agent that starts with `resume` makes of the capture from its beginning, up to `entries` of it.
  std::vector<model::Record> ReadRecords(SourcePositions resume, size_t entries, SourcePositions* after) {
    auto reader = CaptureReader::Open(directory_);
    Collector collector({}, std::move(resume));
    while (entries-- > 0) {
      auto entry = reader->Next();
      if (!entry.ok() || !entry->has_value()) break;
      collector.Take(**entry);
    }
    *after = collector.positions();
    return collector.Drain();
  }
  std::vector<std::string> Read(SourcePositions resume, size_t entries, SourcePositions* after) {
    std::vector<std::string> texts;
    for (const model::Record& record : ReadRecords(std::move(resume), entries, after)) texts.push_back(record.text);
    return texts;
  }

  std::string directory_;
  std::unique_ptr<CaptureWriter> writer_;
};

TEST_F(CollectorTest, AgentKilledAnywhereGoesOnWithoutLossOrDouble) {
  uint32_t first = writer_->OpenChannel(RankChannel(0));
  uint32_t second = writer_->OpenChannel(RankChannel(1));
  for (int i = 0; i < 60; ++i) {
    writer_->Bytes(first, i, "rank 0 line " + std::to_string(i) + "\nrank 0 ha");
    writer_->Bytes(second, i, "rank 1 line " + std::to_string(i) + "\n");
    writer_->Bytes(first, i, "lf " + std::to_string(i) + "\n");
    if (i == 30) writer_->Record(model::Record{});
  }
  writer_->End();
  SourcePositions ignored;
  std::vector<std::string> whole = Read({}, 1'000'000, &ignored);
  EXPECT_EQ(whole.size(), 60u * 3 + 1);
  std::multiset<std::string> all(whole.begin(), whole.end());
  for (size_t cut = 0; cut < 200; ++cut) {
    SourcePositions positions;
    std::vector<std::string> before = Read({}, cut, &positions);
    std::vector<std::string> after = Read(positions, 1'000'000, &ignored);
    std::multiset<std::string> both(before.begin(), before.end());
    both.insert(after.begin(), after.end());
    EXPECT_EQ(both, all) << cut;
  }
}

// On a channel that ranks share, what others print amid a traceback is out before it.
TEST_F(CollectorTest, AgentKilledAmidTracebacksGoesOnWithoutLossOrDouble) {
  const std::string texts[] = {"Traceback (most recent call last):", "  File \"a.py\", line 3, in f", "KeyError: 4",
                               "going on"};
  uint32_t channel = writer_->OpenChannel({});
  for (int round = 0; round < 12; ++round) {
    for (int i = 0; i < 12; ++i) {
      const int rank = i % 3;
      const std::string line = "[default" + std::to_string(rank) + "]:" + texts[(i / 3 + rank) % 4];
      writer_->Bytes(channel, round, line.substr(0, 9));
      writer_->Bytes(channel, round, line.substr(9) + " " + std::string(i % 5, '~') + "\r\n");
      if (i % 4 == 0) writer_->Bytes(channel, round, "\rbar 1\rbar 2\n");
    }
  }
  writer_->End();
  SourcePositions ignored;
  std::vector<std::string> whole = Read({}, 1'000'000, &ignored);
  std::sort(whole.begin(), whole.end());
  size_t with_edges = 0;
  for (size_t cut = 0; cut < 350; ++cut) {
    SourcePositions positions, later;
    std::vector<std::string> all = Read({}, cut, &positions);
    with_edges += positions.contains("edge 0 of channel " + std::to_string(channel));
    for (const std::string& text : Read(positions, cut + 7, &later)) all.push_back(text);
    for (const std::string& text : Read(later, 1'000'000, &ignored)) all.push_back(text);
    std::sort(all.begin(), all.end());
    ASSERT_EQ(all, whole) << cut;
  }
  EXPECT_GT(with_edges, 100u);
}

TEST_F(CollectorTest, PartsOfALongLineAreMarkedWhereverTheAgentWasKilled) {
  uint32_t channel = writer_->OpenChannel(RankChannel(0));
  const std::string block(100'000, 'x');
  for (int i = 0; i < 6; ++i) writer_->Bytes(channel, i, block);  // 2.3 times the longest
  writer_->Bytes(channel, 6, "end\nwhole\n");
  writer_->End();
  for (size_t cut = 0; cut < 30; ++cut) {
    SourcePositions positions, ignored;
    std::vector<model::Record> records = ReadRecords({}, cut, &positions);
    std::vector<model::Record> after = ReadRecords(positions, 100, &ignored);
    records.insert(records.end(), after.begin(), after.end());
    ASSERT_EQ(records.size(), 4u) << cut;
    EXPECT_EQ(records[0].fields, (model::Fields{{"line_part", int64_t{1}}})) << cut;
    EXPECT_EQ(records[1].fields, (model::Fields{{"line_part", int64_t{2}}})) << cut;
    EXPECT_EQ(records[2].fields, (model::Fields{{"line_part", int64_t{3}}, {"line_parts", int64_t{3}}})) << cut;
    EXPECT_TRUE(records[3].fields.empty()) << cut;
  }
}

TEST_F(CollectorTest, ExitEventCarriesTheRanksLastLinesAndItsHalfLineComesFirst) {
  uint32_t channel = writer_->OpenChannel(RankChannel(2));
  writer_->Bytes(channel, 1, "one\nhalf");
  model::Record exit;
  exit.origin.rank = 2;
  exit.text = "rank 2 ended";
  exit.fields = {{"event", std::string("rank_exit")}};
  writer_->Record(exit);
  SourcePositions after;
  EXPECT_EQ(Read({}, 100, &after), (std::vector<std::string>{"one", "half", "rank 2 ended"}));
}

model::Record KeepersEvent(const char* name, model::Fields fields = {}) {
  model::Record record;
  record.text = name;
  record.fields = std::move(fields);
  record.fields.emplace_back("event", std::string(name));
  return record;
}

// An agent that comes again when the capture's first files are gone, with the run's begin in them.
TEST(Collector, KnowsTheCommandWhenItsBeginIsNoLongerCaptured) {
  Collector first({}, {});
  EXPECT_FALSE(first.lone_command().has_value());
  first.Take(CaptureRecord{1, KeepersEvent("job_start", {{"pid", int64_t{42}}})});
  EXPECT_EQ(first.lone_command(), 42);
  first.TakeCommandForARank();
  EXPECT_EQ(first.Drain().size(), 2u);

  Collector second({}, first.positions());
  EXPECT_EQ(second.lone_command(), 42);
  second.TakeCommandForARank();
  EXPECT_TRUE(second.Drain().empty()) << "the rank's start is told once a run";
  second.Take(CaptureRecord{2, KeepersEvent("node_end")});
  std::vector<std::string> events;
  for (const model::Record& record : second.Drain()) {
    events.push_back(std::get<std::string>(*model::FindField(record.fields, "event")));
    EXPECT_EQ(record.origin.rank.has_value(), events.back() == "rank_exit");
  }
  EXPECT_EQ(events, (std::vector<std::string>{"rank_exit", "node_end"}));
}

// Whose lines these are is to be known by what was logged before they were printed.
TEST(Collector, WantsTheRingsBeforeLinesThatMayBeARanksByNow) {
  Collector collector({}, {});
  const CaptureBytes line{0, 100, "a line\n"};
  EXPECT_FALSE(collector.WantsRings(line, 0)) << "the run has not begun";
  collector.Take(CaptureRecord{1, KeepersEvent("job_start", {{"pid", int64_t{42}}})});
  EXPECT_TRUE(collector.WantsRings(line, 99));
  EXPECT_FALSE(collector.WantsRings(line, 101)) << "they were looked at since it was printed";
  EXPECT_TRUE(collector.WantsRings(CaptureRecord{2, KeepersEvent("node_end")}, 101));
  collector.TakeCommandForARank();
  EXPECT_FALSE(collector.WantsRings(line, 99)) << "it is known";
}

TEST(Collector, CommandIsNoRankBesideOthers) {
  Collector collector({}, {});
  collector.Take(CaptureRecord{1, KeepersEvent("job_start", {{"pid", int64_t{42}}})});
  collector.Take(CaptureChannel{1, 0, RankChannel(0)});
  EXPECT_EQ(collector.lone_command(), 0);
  EXPECT_EQ(Collector({}, collector.positions()).lone_command(), 0);
}

// The spool of a version that kept no word of the command.
TEST(Collector, ResumedRunOfAnotherVersionHasNoLoneCommand) {
  EXPECT_EQ(Collector({}, {{"keeper", 3}}).lone_command(), 0);
}

}  // namespace
}  // namespace rankscope::agent
