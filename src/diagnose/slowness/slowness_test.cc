#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "diagnose/case/record_case.h"
#include "diagnose/signatures/signature_set.h"
#include "diagnose/slowness/chance.h"
#include "diagnose/slowness/link_counters.h"
#include "diagnose/slowness/topology.h"
#include "diagnose/verdict/verdict.h"

namespace rankscope::diagnose {
namespace {

TEST(Chance, HypergeometricTail) {
  // Four of four marked ones among the first four of eight: one of 70 draws.
  EXPECT_NEAR(LogChanceOfHits(8, 4, 4, 4), std::log10(1.0 / 70), 1e-9);
  EXPECT_NEAR(LogChanceOfHits(8, 4, 4, 3), std::log10(17.0 / 70), 1e-9);
  EXPECT_EQ(LogChanceOfHits(8, 4, 4, 0), 0);
  EXPECT_EQ(LogChanceOfHits(8, 6, 4, 2), 0) << "two of four cannot be missed";
}

TEST(Chance, CrowdingIsAtTheBeginningThatChanceExplainsLeast) {
  std::vector<bool> marked = {true, true, false, true, false, false, false, false};
  Crowding found = FindCrowding({1, 2, 3, 4, 5, 6, 7, 8}, marked, 8, 3);
  EXPECT_EQ(found.draws, 4u) << "3 of 4: one of 14; 2 of 2: one of 9";
  EXPECT_EQ(found.hits, 3u);
  found = FindCrowding({1, 1, 1, 1, 1, 1, 1, 1}, marked, 8, 3);
  EXPECT_EQ(found.log_chance, 0) << "who comes at once with all is not first";
}

TEST(Topology, ElementsAreWhatRanksShare) {
  auto topology = ReadTopology("t.yaml",
                               "a: {switch: s1, port: 1, rail: [r0, r1], rack: k}\n"
                               "b: {switch: s1, port: 2, rail: [r0, r1], rack: k}\n"
                               "c: {switch: [s2, s3], port: 1, rail: [r0, r1], rack: l}\n");
  ASSERT_TRUE(topology.ok()) << topology.status().message();
  std::map<int32_t, RankPlace> ranks;
  for (int32_t rank = 0; rank < 6; ++rank) ranks[rank] = {};
  std::map<std::string, std::vector<int32_t>> found;
  for (const Element& element : ElementsOf(*topology, ranks)) {
    found[std::string(KindName(element.kind)) + " " + element.name] = element.ranks;
  }
  std::map<std::string, std::vector<int32_t>> expected = {
      {"node a", {0, 1}},       {"node b", {2, 3}}, {"node c", {4, 5}},     {"port s1/1", {0, 1}},
      {"port s1/2", {2, 3}},    {"port s2/1", {4}}, {"port s3/1", {5}},     {"switch s1", {0, 1, 2, 3}},
      {"switch s2", {4}},       {"switch s3", {5}}, {"rail r0", {0, 2, 4}}, {"rail r1", {1, 3, 5}},
      {"rack k", {0, 1, 2, 3}}, {"rack l", {4, 5}}};
  EXPECT_EQ(found, expected);
}

TEST(Topology, HostsAndNodeRanksFindTheirNode) {
  auto topology = ReadTopology("t.yaml", "a: {switch: s1}\nb: {switch: s2, node_rank: 7}\n");
  ASSERT_TRUE(topology.ok());
  std::map<int32_t, RankPlace> ranks = {{0, {0, 0, "b"}}, {1, {7, 0, ""}}, {2, {3, 0, ""}}, {3, {0, 0, ""}}};
  for (const Element& element : ElementsOf(*topology, ranks)) {
    std::vector<int32_t> expected = element.name == "s1" ? std::vector<int32_t>{3} : std::vector<int32_t>{0, 1};
    bool is_switch = element.name == "s1" || element.name == "s2";
    EXPECT_TRUE(!is_switch || element.ranks == expected) << element.name;
  }
}

TEST(Topology, WhatIsWrongIsNamedWithItsPlace) {
  for (const auto& [yaml, wrong] :
       std::vector<std::pair<std::string, std::string>>{{"a: {swich: s1}\n", "t.yaml:1:"},
                                                        {"- a\n", "t.yaml:1:"},
                                                        {"a: 3\n", "t.yaml:1:"},
                                                        {"a: {switch: s}\na: {switch: s}\n", "t.yaml:2:"},
                                                        {"", "t.yaml"}}) {
    auto read = ReadTopology("t.yaml", yaml);
    ASSERT_FALSE(read.ok()) << yaml;
    EXPECT_NE(read.status().message().find(wrong), std::string::npos) << read.status().message();
  }
}

// Records of ranks 0 to `ranks` - 1, four a node, whose speed is told by the caller.
class SlowJobTest : public testing::Test {
 protected:
  void Report(int32_t rank, int report, double speed, double data = 0.1, double compute = 2) {
    char text[320];
    std::snprintf(text, sizeof text,
                  R"({"timestamp":"2026-04-01T%02d:%02d:00Z","job_id":"j","host":"n%d","node_rank":%d,"rank":%d,)"
                  R"("local_rank":%d,"stream":"metric","step":%d,"loss":2.0,"throughput_tokens_per_sec":%.0f,)"
                  R"("step_time_s":%.3f,"data_time_s":%.3f,"compute_time_s":%.3f})",
                  report / 60, report % 60, rank / 4, rank / 4, rank, rank % 4, report * 10, speed, 240'000 / speed,
                  data, compute);
    records_.Add(text);
  }
  // All slow from report `onset` of each rank on, by half.
  void Job(int32_t ranks, const std::function<int(int32_t)>& onset) {
    for (int report = 0; report < 60; ++report) {
      for (int32_t rank = 0; rank < ranks; ++rank) {
        double noise = 1 + 0.004 * ((report * 7 + rank * 13) % 5 - 2);
        Report(rank, report, (report >= onset(rank) ? 40'000 : 80'000) * noise);
      }
    }
  }
  Verdict Judge(const Topology& topology = {}) {
    read_ = records_.End();
    return Diagnose(read_, topology);
  }

  RecordCase records_{"job j", TellingLines()};
  Case read_;
};

TEST_F(SlowJobTest, NodeThatSlowedFirstIsAStraggler) {
  Job(32, [](int32_t rank) { return rank / 4 == 5 ? 20 : 30 + rank % 3; });
  Verdict verdict = Judge();
  EXPECT_EQ(verdict.failure, "straggler");
  EXPECT_EQ(verdict.culprits, (std::vector<int32_t>{20, 21, 22, 23}));
  ASSERT_TRUE(verdict.slowdown && verdict.slowdown->element);
  EXPECT_EQ(verdict.slowdown->element->element.name, "n5");
  EXPECT_EQ(verdict.culprit->step, 200);
  EXPECT_EQ(verdict.slowdown->order.size(), 32u);
  EXPECT_EQ(verdict.restart, std::vector<std::string>{"leave out node n5, that of ranks 20-23"});
}

TEST_F(SlowJobTest, CountersTellAPortFromItsNode) {
  Topology topology;
  for (int i = 0; i < 8; ++i) {
    topology.nodes.push_back({"n" + std::to_string(i), {}, {"leaf"}, {std::to_string(i)}, {}, ""});
  }
  Job(32, [](int32_t rank) { return rank / 4 == 5 ? 20 : 30 + rank % 3; });
  for (int port = 0; port < 8; ++port) {
    for (int time = 0; time < 4; ++time) {
      int errors = port == 5 ? 4000 * time : time;
      records_.Add(R"({"timestamp":"2026-04-01T00:0)" + std::to_string(time) + R"(:00Z","switch":"leaf","port":)" +
                   std::to_string(port) + R"(,"symbol_errors":)" + std::to_string(errors) + "}");
    }
  }
  Verdict verdict = Judge(topology);
  EXPECT_EQ(verdict.failure, "network_degraded");
  ASSERT_TRUE(verdict.slowdown && verdict.slowdown->element);
  EXPECT_EQ(verdict.slowdown->element->element.name, "leaf/5");
  ASSERT_EQ(verdict.slowdown->links.size(), 1u);
  EXPECT_EQ(verdict.slowdown->links[0].rise, 12'000);
  EXPECT_EQ(verdict.restart, std::vector<std::string>{"leave out the nodes of ranks 20-23, which hang on port leaf/5"});
}

TEST_F(SlowJobTest, LongerWaitsForDataAreTheBottleneck) {
  for (int report = 0; report < 60; ++report) {
    for (int32_t rank = 0; rank < 8; ++rank) {
      bool slow = report >= 25;
      Report(rank, report, slow ? 40'000 : 80'000, slow ? 2.8 : 0.1);
    }
  }
  Verdict verdict = Judge();
  EXPECT_EQ(verdict.failure, "data_loading_bottleneck");
  EXPECT_FALSE(verdict.culprit) << "all ranks at once";
  EXPECT_FALSE(verdict.would_settle.empty());
}

TEST_F(SlowJobTest, LongerComputationOnOneNodeIsNoNetworkTrouble) {
  Topology topology;
  for (int i = 0; i < 8; ++i) {
    topology.nodes.push_back({"n" + std::to_string(i), {}, {"leaf" + std::to_string(i)}, {"1"}, {}, ""});
  }
  for (int report = 0; report < 60; ++report) {
    for (int32_t rank = 0; rank < 32; ++rank) {
      bool slow = report >= (rank / 4 == 2 ? 20 : 26);
      Report(rank, report, slow ? 40'000 : 80'000, 0.1, slow && rank / 4 == 2 ? 5 : 2);
    }
  }
  Verdict verdict = Judge(topology);
  EXPECT_EQ(verdict.failure, "straggler");
  EXPECT_EQ(verdict.culprits, (std::vector<int32_t>{8, 9, 10, 11}));
}

TEST_F(SlowJobTest, ADipThatPassesIsHealthy) {
  for (int report = 0; report < 100; ++report) {
    for (int32_t rank = 0; rank < 8; ++rank) Report(rank, report, report >= 50 && report < 55 ? 40'000 : 80'000);
  }
  EXPECT_TRUE(Judge().healthy);
}

TEST_F(SlowJobTest, SteadyJobIsHealthy) {
  Job(32, [](int32_t) { return 1000; });
  EXPECT_TRUE(Judge().healthy);
}

TEST(LinkCounters, RestartedCounterIsNoFallAndAFewErrorsAreNoTrouble) {
  RecordCase records("job j", TellingLines());
  auto add = [&](const std::string& device, int64_t drops) {
    records.Add(R"({"stream":"host","host":"n1","device":")" + device + R"(","rx_dropped":)" + std::to_string(drops) +
                R"(,"rx_bytes":99999999})");
  };
  for (const auto& [device, drops] : std::vector<std::pair<std::string, int64_t>>{
           {"eth0", 5000}, {"eth1", 10}, {"eth2", 0}, {"eth0", 5400}, {"eth1", 40}, {"eth2", 0}, {"eth0", 300}}) {
    add(device, drops);
  }
  Case read = records.End();
  std::vector<HotLink> hot = FindHotLinks(read);
  ASSERT_EQ(hot.size(), 1u);
  EXPECT_EQ(hot[0].port, "eth0");
  EXPECT_EQ(hot[0].counter, "rx_dropped");
  EXPECT_EQ(hot[0].rise, 700);
}

TEST(LinkCounters, HalfOfThePortsMayBeInTrouble) {
  RecordCase records("job j", TellingLines());
  for (int time = 0; time < 3; ++time) {
    for (int port = 0; port < 4; ++port) {
      records.Add(R"({"switch":"leaf-)" + std::to_string(port / 2) + R"(","port":)" + std::to_string(port) +
                  R"(,"port_xmit_discards":)" + std::to_string(port < 2 ? time : 3000 * time) + "}");
    }
  }
  Case read = records.End();
  std::vector<HotLink> hot = FindHotLinks(read);
  ASSERT_EQ(hot.size(), 2u);
  EXPECT_EQ(hot[0].device, "leaf-1");
  EXPECT_EQ(hot[1].device, "leaf-1");
}

}  // namespace
}  // namespace rankscope::diagnose
