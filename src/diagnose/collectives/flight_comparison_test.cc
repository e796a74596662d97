#include "diagnose/collectives/flight_comparison.h"

#include <gtest/gtest.h>

#include "diagnose/collectives/flight_verdict.h"

namespace rankscope::diagnose {
namespace {

using Kind = FlightDisagreement::Kind;
using State = FlightEntry::State;

FlightEntry Collective(int64_t sequence, State state, const std::string& operation = "nccl:all_reduce",
                       int64_t size = 4096) {
  FlightEntry entry;
  entry.collective_seq = sequence;
  entry.operation = operation;
  entry.input_sizes = {{size}};
  entry.input_dtypes = {"Float"};
  entry.state = state;
  entry.where = "train.py:61 main";
  return entry;
}

// One group of all ranks, in which each rank completed what is before `from` and issued what is up to `last`.
FlightDump Dump(int32_t rank, int64_t completed, int64_t enqueued) {
  FlightDump dump;
  dump.path = "dump_" + std::to_string(rank);
  dump.rank = rank;
  dump.groups = {{"0", "default_pg", {0, 1, 2, 3}, enqueued, enqueued, completed}};
  for (int64_t i = completed - 1; i <= enqueued; ++i) {
    dump.entries.push_back(Collective(i, i <= completed ? State::kCompleted : State::kStarted));
  }
  return dump;
}

TEST(CompareDumps, RankThatNeverCameIsTheOddOne) {
  auto found = CompareDumps({Dump(0, 77, 78), Dump(1, 77, 78), Dump(2, 77, 77), Dump(3, 77, 78)});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->kind, Kind::kMissing);
  EXPECT_EQ(found->ranks, std::vector<int32_t>{2});
  EXPECT_EQ(found->operation, "nccl:all_reduce of [4096] Float (collective 78)");
  EXPECT_EQ(found->where, "train.py:61 main");
}

TEST(CompareDumps, FirstOtherOperationCountsNotTheLast) {
  std::vector<FlightDump> dumps = {Dump(0, 77, 79), Dump(1, 77, 79), Dump(2, 77, 79), Dump(3, 77, 79)};
  dumps[1].entries[2] = Collective(78, State::kStarted, "nccl:broadcast");
  dumps[3].entries[3] = Collective(79, State::kStarted, "nccl:barrier");
  auto found = CompareDumps(dumps);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->kind, Kind::kOther);
  EXPECT_EQ(found->ranks, std::vector<int32_t>{1});
  EXPECT_NE(found->why.find("in collective 78 it issued nccl:broadcast of [4096] Float"), std::string::npos)
      << found->why;
}

TEST(CompareDumps, OtherSizesAndTypesAreOtherCollectivesButNotOfUnevenOnes) {
  std::vector<FlightDump> dumps = {Dump(0, 77, 78), Dump(1, 77, 78), Dump(2, 77, 78), Dump(3, 77, 78)};
  dumps[3].entries[2] = Collective(78, State::kStarted, "nccl:all_reduce", 1);
  EXPECT_EQ(CompareDumps(dumps)->ranks, std::vector<int32_t>{3});
  for (size_t i = 0; i < dumps.size(); ++i) {
    dumps[i].entries[2] = Collective(78, State::kStarted, "nccl:all_to_all", static_cast<int64_t>(i));
  }
  EXPECT_FALSE(CompareDumps(dumps));
  dumps[0].entries[2].input_dtypes = {"Half"};
  EXPECT_EQ(CompareDumps(dumps)->ranks, std::vector<int32_t>{0});
}

TEST(CompareDumps, DeviceThatDoesNotEndWhatOthersCompletedIsStuck) {
  auto found = CompareDumps({Dump(0, 78, 79), Dump(1, 78, 79), Dump(2, 77, 79), Dump(3, 78, 79)});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->kind, Kind::kStuck);
  EXPECT_EQ(found->ranks, std::vector<int32_t>{2});
}

// As torch writes them: gloo's collectives have no other state than "scheduled", and are retired when they end.
FlightDump DumpOfGloo(int32_t rank, int64_t completed, int64_t enqueued) {
  FlightDump dump = Dump(rank, completed, enqueued);
  for (FlightEntry& entry : dump.entries) {
    entry.retired = entry.state == State::kCompleted;
    entry.state = State::kScheduled;
    entry.operation = "gloo:all_reduce";
  }
  return dump;
}

TEST(CompareDumps, RankOfGlooThatIsAboutToEndWhatOthersCompletedIsNotStuck) {
  EXPECT_FALSE(CompareDumps({DumpOfGloo(0, 5, 5), DumpOfGloo(1, 5, 5), DumpOfGloo(2, 4, 5), DumpOfGloo(3, 5, 5)}));
}

TEST(JudgeDumps, OfGlooNameTheRankThatDidNotCome) {
  Case read;
  for (int32_t rank : {0, 1, 2, 3}) read.dumps.push_back(DumpOfGloo(rank, 77, rank == 3 ? 77 : 78));
  Verdict verdict = Diagnose(read);
  EXPECT_EQ(verdict.failure, "gloo_error");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{3});
  ASSERT_FALSE(verdict.figures.empty());
  EXPECT_EQ(verdict.figures[0], "the others were in gloo:all_reduce of [4096] Float (collective 78)");
}

// Counters of two groups that happen to be equal, as of tensor and data parallelism, say nothing of each other.
TEST(CompareDumps, CollectivesOfDifferentGroupsAreNotCompared) {
  std::vector<FlightDump> dumps;
  for (int32_t rank = 0; rank < 4; ++rank) {
    FlightDump dump = Dump(rank, 5, 6);
    dump.groups[0] = {"1", "tp", rank < 2 ? std::vector<int32_t>{0, 1} : std::vector<int32_t>{2, 3}, 6, 6, 5};
    if (rank >= 2) dump.entries[2] = Collective(6, State::kStarted, "nccl:all_gather");
    dumps.push_back(dump);
  }
  EXPECT_FALSE(CompareDumps(dumps));
}

TEST(CompareDumps, RanksThatAgreeSayNothing) {
  EXPECT_FALSE(CompareDumps({}));
  EXPECT_FALSE(CompareDumps({Dump(0, 77, 78)}));
  EXPECT_FALSE(CompareDumps({Dump(0, 77, 78), Dump(1, 77, 78)}));
}

FlightEntry Peer(const std::string& operation, State state) {
  FlightEntry entry = Collective(0, state, operation);
  entry.is_p2p = true;
  return entry;
}

// Four stages of a pipeline, each of which waits to receive from the one before it but the first two: the second has
// received its part and sends nothing on.
std::vector<FlightDump> Pipeline() {
  std::vector<FlightDump> dumps = {Dump(0, 5, 5), Dump(1, 5, 5), Dump(2, 5, 5), Dump(3, 5, 5)};
  dumps[0].entries.push_back(Peer("nccl:send 0->1", State::kCompleted));
  dumps[0].entries.push_back(Peer("nccl:recv 0<-1", State::kScheduled));
  dumps[1].entries.push_back(Peer("nccl:recv 1<-0", State::kCompleted));
  dumps[2].entries.push_back(Peer("nccl:recv 2<-1", State::kStarted));
  dumps[3].entries.push_back(Peer("nccl:recv 3<-2", State::kStarted));
  return dumps;
}

TEST(CompareDumps, StageOfAPipelineForWhichTheOthersWaitIsTheOddOne) {
  std::vector<FlightDump> dumps = Pipeline();
  auto found = CompareDumps(dumps);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->kind, Kind::kPeer);
  EXPECT_EQ(found->ranks, std::vector<int32_t>{1});
  EXPECT_EQ(found->why, "it sends nothing of what rank 0 is to receive from it, and waits for nothing");
  EXPECT_EQ(found->operation, "nccl:recv 0<-1");
  dumps[1].entries.push_back(Peer("nccl:send 1->2", State::kStarted));
  EXPECT_FALSE(CompareDumps(dumps)) << "both sides are there";
  dumps = Pipeline();
  dumps.erase(dumps.begin() + 1);
  EXPECT_FALSE(CompareDumps(dumps));
  found = FindAbsent(dumps);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->ranks, std::vector<int32_t>{1});
}

TEST(CompareDumps, PlacesOfPeersAreThoseInTheirGroup) {
  std::vector<FlightDump> dumps = Pipeline();
  for (FlightDump& dump : dumps) {
    dump.groups[0].ranks = {4, 5, 6, 7};
    dump.rank = *dump.rank + 4;
  }
  EXPECT_EQ(CompareDumps(dumps)->ranks, std::vector<int32_t>{5});
}

TEST(CompareDumps, OneOfTwoThatWaitsForTheOtherMayDoSoAtAnyMoment) {
  std::vector<FlightDump> dumps = {Dump(0, 5, 5), Dump(1, 5, 5)};
  dumps[1].entries.push_back(Peer("nccl:recv 1<-0", State::kStarted));
  EXPECT_FALSE(CompareDumps(dumps));
}

TEST(CompareDumps, WhoWaitsForAPeerIsNotWhatACollectiveWaitsFor) {
  std::vector<FlightDump> dumps = {Dump(0, 5, 5), Dump(1, 5, 5), Dump(2, 5, 6), Dump(3, 5, 6)};
  dumps[1].entries.push_back(Peer("nccl:recv 1<-0", State::kStarted));
  EXPECT_EQ(CompareDumps(dumps)->ranks, std::vector<int32_t>{0});
}

TEST(JudgeDumps, RankThatLeftNoneWhileAllOthersWaitIsNamedWithLittleConfidence) {
  Case read;
  for (int32_t rank : {0, 1, 3}) read.dumps.push_back(Dump(rank, 77, 78));
  const Verdict verdict = Diagnose(read);
  EXPECT_EQ(verdict.failure, "nccl_timeout");
  EXPECT_EQ(verdict.kind, "missing dump");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{2});
  EXPECT_LT(verdict.confidence, 0.5);
  for (FlightDump& dump : read.dumps) dump = Dump(*dump.rank, 77, 77);
  EXPECT_TRUE(Diagnose(read).healthy) << "nobody waits";
  read.dumps = {Dump(0, 77, 78), Dump(1, 77, 78)};
  EXPECT_TRUE(Diagnose(read).healthy) << "half of them were not gathered";
}

TEST(JudgeDumps, DumpsAloneGiveAVerdict) {
  Case read;
  for (int32_t rank : {0, 1, 2, 3}) read.dumps.push_back(Dump(rank, 77, rank == 3 ? 77 : 78));
  Verdict verdict = Diagnose(read);
  EXPECT_FALSE(verdict.healthy);
  EXPECT_EQ(verdict.failure, "nccl_timeout");
  EXPECT_EQ(verdict.kind, "missing rank");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{3});
  ASSERT_EQ(verdict.evidence.size(), 1u);
  EXPECT_EQ(verdict.evidence[0].file, "dump_3");
  read.dumps[1].entries[2].operation = "nccl:broadcast";
  verdict = Diagnose(read);
  EXPECT_EQ(verdict.failure, "collective_mismatch_hang");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

}  // namespace
}  // namespace rankscope::diagnose
