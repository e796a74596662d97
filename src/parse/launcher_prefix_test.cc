#include "parse/launcher_prefix.h"

#include <gtest/gtest.h>

namespace rankscope::parse {
namespace {

struct Peeled {
  std::string text;
  LinePrefix prefix;
};

Peeled Peel(std::string_view line, const PrefixHabits& habits = {}) {
  LinePrefix prefix = ReadLinePrefix(line, habits);
  return {std::string(line.substr(prefix.bytes)), prefix};
}

// The lines of the sample, peeled as its own habits say.
std::vector<Peeled> PeelAll(const std::string& sample) {
  PrefixHabits habits = LearnPrefixHabits(sample);
  std::vector<Peeled> peeled;
  for (size_t at = 0; at < sample.size();) {
    size_t end = sample.find('\n', at);
    peeled.push_back(Peel(std::string_view(sample).substr(at, end - at), habits));
    at = end + 1;
  }
  return peeled;
}

TEST(LauncherPrefix, TorchrunsTeeTellsTheLocalRankAndTorchsHookTheRank) {
  Peeled both = Peel("[default1]:[rank5]: Traceback (most recent call last):");
  EXPECT_EQ(both.text, "Traceback (most recent call last):");
  EXPECT_EQ(both.prefix.local_rank, 1);
  EXPECT_EQ(both.prefix.rank, 5);
  EXPECT_EQ(Peel("[default3]:  File x").text, "  File x") << "the text's own indent stays";
  EXPECT_EQ(Peel("[rank3]:     main()").text, "    main()");
  EXPECT_EQ(Peel("[trainer1|9]:loss").prefix.rank, 9);
  EXPECT_EQ(Peel("[node-2:rank17] hello").prefix.node_rank, 2);
  EXPECT_EQ(Peel("[node-2:rank17] hello").prefix.rank, 17);
}

TEST(LauncherPrefix, OtherLaunchersAndContainers) {
  EXPECT_EQ(Peel("[1,3]<stderr>:  File x").prefix.rank, 3);
  EXPECT_EQ(Peel("[1,3]<stderr>:  File x").text, "  File x");
  EXPECT_EQ(Peel("[prterun-node7-91@1,12]<stdout>: x").prefix.rank, 12);
  EXPECT_EQ(Peel("[1,mpirank:12,algo-2]<stderr>:  File x").prefix.rank, 12);
  EXPECT_EQ(Peel("[1,mpirank:12,algo-2]<stderr>:  File x").text, "  File x");
  EXPECT_FALSE(Peel("[1,mpirank:,algo-2]<stderr>:x").prefix.rank);
  EXPECT_TRUE(Peel("Thu Nov 26 00:10:00 2026[1,0]<stdout>:x").prefix.time);
  Peeled ray = Peel("(Trainer(group_a-3) pid=123, ip=10.0.0.1) step 4");
  EXPECT_EQ(ray.text, "step 4");
  EXPECT_EQ(ray.prefix.pid, 123);
  EXPECT_EQ(Peel("(worker1, rank=1, pid=99) x").prefix.node_rank, 1);
  EXPECT_EQ(Peel("(raylet) died").text, "died");
  EXPECT_EQ(Peel("[pod/llm-worker-3/pytorch] [rank4]: x").prefix.node_rank, 3);
  EXPECT_EQ(Peel("[pod/llm-worker-3/pytorch] [rank4]: x").prefix.rank, 4);
  EXPECT_EQ(Peel("[pod/jobset-workers-0-2-x7kqz/main] x").prefix.node_rank, 2);
  Peeled cri = Peel("2026-11-01T00:00:00.123456789Z stderr F [rank1]: x");
  EXPECT_EQ(cri.text, "x");
  EXPECT_EQ(cri.prefix.time, 1'793'491'200'123'456'789);
  EXPECT_EQ(cri.prefix.rank, 1);
  EXPECT_EQ(Peel("[rank: 2] Seed set to 1").prefix.rank, 2);
  EXPECT_EQ(Peel("[rank: 2] Seed set to 1").text, "[rank: 2] Seed set to 1");
}

TEST(LauncherPrefix, AnAddressBeforeARankIsItsNodes) {
  EXPECT_EQ(Peel("10.2.3.4: [rank9]:   File x").prefix.rank, 9);
  EXPECT_EQ(Peel("10.2.3.4: [rank9]:   File x").text, "  File x");
  for (const char* text : {"10.2.3.4: refused", "10.2.3: [rank9]: x", "10.2.3.4.5: [rank9]: x", "...: [rank9]: x"})
    EXPECT_FALSE(Peel(text).prefix.rank) << text;
}

TEST(LauncherPrefix, OrdinaryTextIsNone) {
  for (const char* text : {"[1, 3] loss 0.5", "[3] one", "3: one", "[step3]: x", "(see pid=3)", "(loss, pid) x",
                           "[2026-11-01 00:00:00,1] x", "2026-11-01T00:00:00Z x", "[INFO] x", "[rank", "[rankA]: x",
                           "worker-1: x", "a | b", "", "[", "(pid="}) {
    EXPECT_EQ(Peel(text).text, text);
    EXPECT_FALSE(Peel(text).prefix.rank) << text;
  }
}

TEST(LauncherPrefix, NumbersAreTasksWhenAWholeFileHasThem) {
  auto srun = PeelAll(
      "0: a\n1: a\n 2: b\n3:\nsrun: error: node7: task 3: Exited\n0: c\n1: c\n2: d\n3: d\n10: e\n9: f\n"
      "8: f\n7: e\n6: e\n5: e\n4: e\n");
  EXPECT_EQ(srun[2].prefix.rank, 2);
  EXPECT_EQ(srun[2].text, "b");
  EXPECT_EQ(srun[3].text, "");
  EXPECT_FALSE(srun[4].prefix.rank);
  EXPECT_EQ(srun[9].prefix.rank, 10);
  EXPECT_EQ(PeelAll("[0] a\n[1] a\n[0] b\n[1] b\n")[3].prefix.rank, 1);
  EXPECT_EQ(PeelAll("[0]: a\n[1]: a\n[0]: b\n[1]:   b\n")[3].text, "  b");
}

TEST(LauncherPrefix, TheLinesOfAFewTasksMayHaveBeenKept) {
  auto one = PeelAll("5: a\n5: b\n5: c\n5: d\n");
  EXPECT_EQ(one[1].prefix.rank, 5);
  EXPECT_EQ(one[1].text, "b");
  EXPECT_FALSE(PeelAll("4711: a\n4711: b\n4711: c\n4711: d\n")[1].prefix.rank);
}

TEST(LauncherPrefix, ANameThatSaysRankTellsTheRank) {
  for (const char* form : {"rank%: ", "rank-%: ", "RANK_%: ", "R%: ", "gpu01:%: "}) {
    std::string log;
    for (const char* rank : {"0", "2", "0", "2"})
      log += std::string(form).replace(std::string(form).find('%'), 1, rank) + "a\n";
    EXPECT_EQ(PeelAll(log)[3].prefix.rank, 2) << form;
    EXPECT_EQ(PeelAll(log)[3].text, "a") << form;
  }
  EXPECT_EQ(Peel("(VllmWorker rank=3 pid=71) x").prefix.rank, 3);
  for (const char* name : {"Worker_TP3", "VllmWorker TP3", "Worker_PP0_TP3_EP3", "Worker_DP3", "Worker_DP0_PP3"})
    EXPECT_EQ(Peel("(" + std::string(name) + " pid=71) x").prefix.rank, 3) << name;
  // How many each group has is not told; who drives the workers is none.
  for (const char* name : {"Worker_PP1_TP0", "Worker_DP1_TP2", "EngineCore_DP1", "WorkerDict", "Worker_EP2"})
    EXPECT_FALSE(Peel("(" + std::string(name) + " pid=71) x").prefix.rank) << name;
  std::string endless = "rank" + std::string(40, '9') + ": a\n";
  EXPECT_FALSE(PeelAll(endless + endless + endless + endless)[0].prefix.rank);
}

TEST(LauncherPrefix, SternNamesThePodAndTheContainer) {
  auto pods =
      PeelAll("llm-master-0 pytorch a\nllm-worker-0 pytorch a\nllm-worker-0 pytorch   b\nllm-master-0 pytorch b\n");
  EXPECT_EQ(pods[2].prefix.node_rank, 1);
  EXPECT_EQ(pods[2].text, "  b");
  std::string dated = "2026-11-26 10:00:00 a";
  EXPECT_EQ(PeelAll(dated + "\n" + dated + "\n" + dated + "\n" + dated + "\n")[2].text, dated);
}

TEST(LauncherPrefix, TwoOfManyTasksThatAlonePrintAreTasks) {
  std::string sample;
  for (int task : {1, 7}) {
    for (int line = 0; line < 9; ++line)
      sample += std::to_string(task) + ":   File \"/app/train.py\", line 5, in main\n";
  }
  for (int task = 0; task < 8; ++task)
    sample += "srun: error: gpu-" + std::to_string(task) + ": task " + std::to_string(task) + ": Terminated\n";
  std::vector<Peeled> peeled = PeelAll(sample);
  EXPECT_EQ(peeled.front().text, "  File \"/app/train.py\", line 5, in main");
  EXPECT_EQ(peeled.front().prefix.rank, 1);
  EXPECT_EQ(peeled[9].prefix.rank, 7);
  EXPECT_EQ(peeled.back().text, "srun: error: gpu-7: task 7: Terminated");
}

TEST(LauncherPrefix, AListOrGrepsLineNumbersAreNoTasks) {
  EXPECT_EQ(PeelAll("0: loss 3\n1: loss 2\n2: loss 1\n3: loss 0\n")[1].text, "1: loss 2");
  EXPECT_EQ(PeelAll("17: a\n88: b\n90: c\n90: d\n")[1].text, "88: b");
  EXPECT_EQ(PeelAll("11/25 10:00:00 a\n11/25 10:00:01 b\n11/25 10:00:02 c\n11/25 10:00:03 d\n")[0].text,
            "11/25 10:00:00 a");
  EXPECT_EQ(PeelAll("INFO: a\nINFO: b\nINFO: c\nstep1: d\nstep1: e\n")[0].text, "INFO: a");
}

TEST(LauncherPrefix, ATaskThatIsALauncherIsANode) {
  auto nested = PeelAll("0: [default0]:a\n0: [default1]:a\n1: [default0]:b\n1: [default1]:b\n");
  EXPECT_EQ(nested[3].prefix.node_rank, 1);
  EXPECT_EQ(nested[3].prefix.local_rank, 1);
  EXPECT_FALSE(nested[3].prefix.rank);
  auto plain = PeelAll("0: [rank0]: a\n1: [rank1]: a\n0: b\n1: b\n");
  EXPECT_EQ(plain[3].prefix.rank, 1);
  EXPECT_FALSE(plain[3].prefix.node_rank);
}

TEST(LauncherPrefix, ANumberBehindTorchrunsTeeIsTheRanksOwn) {
  auto teed = PeelAll("[default0]:[2] a\n[default1]:[3] a\n[default0]:[2] b\n[default1]:[3] b\n");
  EXPECT_EQ(teed[3].prefix.rank, 3);
  EXPECT_EQ(teed[3].prefix.local_rank, 1);
  EXPECT_FALSE(teed[3].prefix.node_rank);
  auto nested = PeelAll("[0] [default0]:a\n[0] [default1]:a\n[1] [default0]:b\n[1] [default1]:b\n");
  EXPECT_EQ(nested[3].prefix.node_rank, 1);
  EXPECT_FALSE(nested[3].prefix.rank);
}

TEST(LauncherPrefix, HostsServicesAndReplicas) {
  auto hosts = PeelAll("gpu-11: a\ngpu-12: a\ngpu-11: b\ngpu-12: [rank9]: b\n");
  EXPECT_EQ(hosts[3].text, "b");
  EXPECT_EQ(hosts[3].prefix.node_rank, 1);
  EXPECT_EQ(hosts[3].prefix.rank, 9);
  auto services = PeelAll("rank0-1   | a\nrank12-1  | b\nrank0-1   |   c\nrank12-1  | d\n");
  EXPECT_EQ(services[1].prefix.rank, 12);
  EXPECT_EQ(services[2].text, "  c");
  auto scaled =
      PeelAll("trainer-1  | a\nredis-1    | b\ntrainer-2  | c\ntrainer-1  | d\ntrainer-2  | e\nredis-1    | f\n");
  EXPECT_EQ(scaled[0].prefix.node_rank, 0);
  EXPECT_EQ(scaled[1].prefix.node_rank, std::nullopt);
  EXPECT_EQ(scaled[2].prefix.node_rank, 1);
  auto named = PeelAll("gpu0-1  | a\ngpu1-1  | b\ngpu0-1  | c\ngpu1-1  | d\n");
  EXPECT_EQ(named[3].prefix.node_rank, 1);
  auto roles_of_two = PeelAll("ps-0 | a\nps-1 | b\nw-0 | c\nw-1 | d\nps-0 | a\nps-1 | b\nw-0 | c\nw-1 | d\n");
  EXPECT_EQ(roles_of_two[3].prefix.node_rank, std::nullopt);
  auto replicas = PeelAll("trainer/0 a\ntrainer/1 b\ntrainer/0 [default1]:c\ntrainer/1 d\n");
  EXPECT_EQ(replicas[2].prefix.node_rank, 0);
  EXPECT_EQ(replicas[2].prefix.local_rank, 1);
  auto roles = PeelAll("[actor0]:a\n[actor1]:b\n[actor0]:c\n[actor1]:d\n");
  EXPECT_EQ(roles[3].prefix.local_rank, 1);
}

TEST(LauncherPrefix, ARoleMayBeTheHost) {
  auto one = PeelAll("[gpu07:0]:a\n[gpu07:2]:a\n[gpu07:0]:b\n[gpu07:2]:  b\n");
  EXPECT_EQ(one[3].prefix.local_rank, 2);
  EXPECT_EQ(one[3].text, "  b");
  auto row = PeelAll("[gpu07:0]:a\n[gpu08:1]:a\n[gpu07:0]:b\n[gpu08:1]:b\n");
  EXPECT_EQ(row[3].prefix.node_rank, 1);
  EXPECT_EQ(row[3].prefix.local_rank, 1);
  auto others = PeelAll("[gpu07a:0]:a\n[gpu3b:1]:a\n[gpu07a:0]:b\n[gpu3b:1]:b\n");
  EXPECT_FALSE(others[3].prefix.local_rank) << "which node is which is not told";
  EXPECT_EQ(others[3].text, "b");
  auto places = PeelAll("[conv2:0]: a\n[main.py:17]: b\n[main.py:90]: c\n[main.py:31]: d\n");
  EXPECT_EQ(places[1].text, "[main.py:17]: b");
}

TEST(LauncherPrefix, AnEngineThatHasNoWorkersIsARank) {
  const std::string engines = "(EngineCore_0 pid=7) a\n(EngineCore_1 pid=8) b\n";
  EXPECT_EQ(PeelAll(engines)[1].prefix.rank, 1);
  EXPECT_EQ(PeelAll("(EngineCore_DP0 pid=7) a\n(EngineCore_DP3 pid=8) b\n")[1].prefix.rank, 3);
  EXPECT_FALSE(PeelAll(engines + "(Worker_TP1 pid=9) c\n")[1].prefix.rank);
  EXPECT_FALSE(PeelAll("(EngineCore_0 pid=7) a\n(EngineCore_0 pid=7) b\n")[1].prefix.rank) << "of how many GPUs?";
}

TEST(LauncherPrefix, StandsAlsoAfterABarOrALoggersPreamble) {
  std::string bar = "  0%|          | 0/310 [00:00<?, ?it/s]";
  LinePrefix after_bar = FindEmbeddedPrefix(bar + "[rank2]: Traceback");
  EXPECT_EQ(after_bar.rank, 2);
  EXPECT_EQ(after_bar.bytes, bar.size() + 9);
  EXPECT_EQ(FindEmbeddedPrefix("2026-11-01 06:40:11,477 - Tuner - INFO - [rank0]: x").rank, 0);
  EXPECT_EQ(FindEmbeddedPrefix(bar + "[default1]:[rank5]: x").rank, 5);
  EXPECT_FALSE(FindEmbeddedPrefix("see [rank2]: there").rank);
  LinePrefix worker = FindEmbeddedPrefix(bar + "(VllmWorker rank=3 pid=4410) Traceback");
  EXPECT_EQ(worker.rank, 3);
  EXPECT_EQ(worker.bytes, bar.size() + 29);
  EXPECT_EQ(FindEmbeddedPrefix(bar + "(RayTrainWorker pid=8120, ip=10.0.0.7) Traceback").pid, 8120);
  EXPECT_FALSE(FindEmbeddedPrefix("see (VllmWorker rank=3 pid=4410) there").rank);
}

}  // namespace
}  // namespace rankscope::parse
