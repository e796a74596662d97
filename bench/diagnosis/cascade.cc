#include "diagnosis/cascade.h"

#include <algorithm>
#include <set>

#include "diagnosis/job_logs.h"

namespace rankscope::simulation {
namespace {

std::string Text(int64_t number) { return std::to_string(number); }

class Scenario;
struct Kind {
  const char* name;
  void (Scenario::*happen)();
};

class Scenario {
 public:
  Scenario(Random* random, int32_t ranks) : random_(*random), logs_(DrawRanks(ranks), DrawRanksANode()) {
    std::vector<double> skews;
    for (int32_t node = 0; node <= logs_.NodeOf(logs_.ranks() - 1); ++node) skews.push_back(random_.Between(-1, 1));
    logs_.set_skews(std::move(skews));
    culprit_ = static_cast<int32_t>(random_.Whole(0, logs_.ranks() - 1));
    all_print_ = random_.Chance(0.5);
    newer_ = random_.Chance(0.6);
    timeout_ = random_.Chance(0.5) ? 600 : 1800;
    steps_ = random_.Whole(6, 25);
    sequence_ = random_.Whole(50, 90'000);
    Train();
  }

  Cascade Make();

  void OutOfMemory() {
    Raise(
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.20 GiB. GPU 0 has a total capacity of 79.10 "
        "GiB of which 1.10 GiB is free. Including non-PyTorch memory, this process has 77.99 GiB memory in use. Of the "
        "allocated memory 71.20 GiB is allocated by PyTorch, and 5.10 GiB is reserved by PyTorch but unallocated.");
    DieThenLauncher(1);
  }
  void Exception() {
    constexpr const char* kWords[] = {"KeyError: 'pixel_values'", "ValueError: expected 3 channels, got 4",
                                      "ZeroDivisionError: division by zero",
                                      "AttributeError: 'NoneType' object has no attribute 'shape'"};
    Raise(kWords[random_.Whole(0, 3)]);
    DieThenLauncher(1);
  }
  void Killed() { DieThenLauncher(-9); }
  void HardwareError() {
    constexpr const char* kWords[] = {"RuntimeError: CUDA error: uncorrectable ECC error encountered",
                                      "RuntimeError: CUDA error: unspecified launch failure",
                                      "RuntimeError: CUDA error: unknown error"};
    int32_t node = logs_.NodeOf(culprit_);
    logs_.Launcher(node, ends_ - 0.5,
                   logs_.Stamp(node, ends_ - 0.5, "%Y-%m-%dT%H:%M:%S.MICROS+00:00") +
                       " kernel: NVRM: Xid (PCI:0000:3b:00): 79, pid=" + Text(JobLogs::PidOf(culprit_)) +
                       ", name=python, GPU has fallen off the bus.");
    Raise(kWords[random_.Whole(0, 2)]);
    DieThenLauncher(1);
  }
  void SilentHang() {
    for (int32_t rank : Victims()) Timeout(rank, sequence_, "ALLREDUCE, NumelIn=4194304, NumelOut=4194304");
    LaunchersAfterTimeout(true);
  }
  // It waits as well, in another collective.
  void Mismatch() {
    for (int32_t rank : Victims()) Timeout(rank, sequence_, "ALLREDUCE, NumelIn=4194304, NumelOut=4194304");
    bool other_size = random_.Chance(0.5);
    Timeout(culprit_, sequence_,
            other_size ? "ALLREDUCE, NumelIn=1, NumelOut=1" : "BROADCAST, NumelIn=64, NumelOut=64");
    LaunchersAfterTimeout(false);
  }
  // It is a collective behind: it never entered the one that the others wait in, and its watchdog tells so.
  void Behind() {
    for (int32_t rank : Victims()) Timeout(rank, sequence_, "ALLREDUCE, NumelIn=4194304, NumelOut=4194304");
    double at = ends_ + timeout_ + random_.Between(0.1, 1);
    std::string done = Text(sequence_ - 1);
    logs_.Glog(culprit_, at,
               "ProcessGroupNCCL.cpp:1484] [PG ID 0 PG GUID 0(default_pg) Rank " + Text(culprit_) +
                   "] Received a dump signal due to a collective timeout from  rank " + Text(Victims().front()) +
                   " and we will try our best to dump the debug info. Last enqueued NCCL work: " + done +
                   ", last completed NCCL work: " + done + ".");
    LaunchersAfterTimeout(true);
  }

 private:
  // The draw is made either way, so that all that follows is the same.
  int32_t DrawRanks(int32_t wanted) {
    const auto drawn = static_cast<int32_t>(8 << random_.Whole(0, 7));
    return wanted > 0 ? wanted : drawn;
  }
  int32_t DrawRanksANode() { return random_.Chance(0.8) ? 8 : 4; }

  std::vector<int32_t> Victims() const {
    std::vector<int32_t> victims;
    for (int32_t rank = 0; rank < logs_.ranks(); ++rank) {
      if (rank != culprit_) victims.push_back(rank);
    }
    return victims;
  }

  // Steps until the last one that all ended; `ends_` is when the culprit stops.
  void Train() {
    const double step = random_.Between(0.5, 8);
    for (int64_t i = 1; i <= steps_; ++i) {
      for (int32_t rank = 0; rank < logs_.ranks(); ++rank) {
        double at = static_cast<double>(i) * step + random_.Between(0, 0.05);
        if (rank > 0 && !all_print_) continue;
        logs_.Rank(rank, at,
                   logs_.Stamp(logs_.NodeOf(rank), at, "%Y-%m-%d %H:%M:%S,MIL") + " - INFO - step: " + Text(1190 + i) +
                       " | loss: 2." + Text(100 + random_.Whole(0, 99)) + " | lr: 1.0e-05");
      }
    }
    ends_ = (static_cast<double>(steps_) + random_.Between(0.2, 0.9)) * step;
  }

  void Raise(const std::string& exception) {
    logs_.Rank(culprit_, ends_,
               "Traceback (most recent call last):\n  File \"/app/train.py\", line 88, in <module>\n"
               "    main()\n  File \"/app/train.py\", line 61, in main\n    loss = model(batch)\n" +
                   exception);
  }

  // "ALLREDUCE, NumelIn=1, NumelOut=1" as releases before 2.1 print it.
  static std::string OlderShape(const std::string& operation) {
    size_t sizes = operation.find(", NumelIn="), end = operation.find(',', sizes + 2);
    return operation.substr(0, sizes) + ", TensorShape=[" + operation.substr(sizes + 10, end - sizes - 10) + "]";
  }

  // A watchdog's report, when the time is over since this rank began to wait.
  void Timeout(int32_t rank, int64_t sequence, const std::string& operation) {
    const double entered = ends_ + random_.Between(0, 0.4);
    const double at = entered + timeout_ + random_.Between(0, 0.3);
    const std::string who = "[Rank " + Text(rank) + "] ";
    std::string what = newer_ ? operation : OlderShape(operation);
    logs_.Glog(rank, at,
               "ProcessGroupNCCL.cpp:632] " + who +
                   "Watchdog caught collective operation timeout: WorkNCCL(SeqNum=" + Text(sequence) +
                   ", OpType=" + what + ", Timeout(ms)=" + Text(static_cast<int64_t>(timeout_) * 1000) + ") ran for " +
                   Text(static_cast<int64_t>((at - entered) * 1000)) + " milliseconds before timing out.");
    if (newer_) {
      logs_.Glog(rank, at + 0.01,
                 "ProcessGroupNCCL.cpp:1753] [PG ID 0 PG GUID 0(default_pg) Rank " + Text(rank) +
                     "] Exception (either an error or timeout) detected by watchdog at work: " + Text(sequence) +
                     ", last enqueued NCCL work: " + Text(sequence) +
                     ", last completed NCCL work: " + Text(sequence - 1) + ".");
    }
    logs_.Glog(rank, at + 0.02,
               "ProcessGroupNCCL.cpp:683] " + who +
                   "Some NCCL operations have failed or timed out. Due to the asynchronous nature of CUDA kernels, "
                   "subsequent GPU operations might run on corrupted/incomplete data.");
    logs_.Glog(
        rank, at + 0.03,
        "ProcessGroupNCCL.cpp:689] " + who + "To avoid data inconsistency, we are taking the entire process down.");
    logs_.Rank(rank, at + 0.04, "terminate called after throwing an instance of 'c10::DistBackendError'");
  }

  // What ranks say of a peer that is gone.
  void Remote(int32_t rank, double at) {
    const std::string peer = "gpu-" + Text(logs_.NodeOf(culprit_)) + "<" + Text(40'000 + random_.Whole(0, 9999)) + ">";
    logs_.Rank(
        rank, at,
        "Traceback (most recent call last):\n  File \"/app/train.py\", line 88, in <module>\n    main()\n"
        "  File \"/app/train.py\", line 64, in main\n    loss.backward()\n"
        "torch.distributed.DistBackendError: NCCL error in: ../torch/csrc/distributed/c10d/ProcessGroupNCCL.cpp:2027, "
        "remote process exited or there was a network error, NCCL version 2.21.5\nncclRemoteError: A call failed "
        "possibly "
        "due to a network error or a remote process exiting prematurely.\nLast error:\nsocketProgress: Connection "
        "closed by "
        "remote peer " +
            peer);
  }

  std::string Elastic(int32_t node, double at, char level) const {
    return std::string(1, level) + logs_.Stamp(node, at, "%m%d %H:%M:%S.MICROS") +
           " 1412 torch/distributed/elastic/multiprocessing/api.py:869] ";
  }

  void Sigterm(int32_t node, double at, const std::set<int32_t>& to) {
    for (int32_t rank : to) {
      logs_.Launcher(
          node, at,
          Elastic(node, at, 'W') + "Sending process " + Text(JobLogs::PidOf(rank)) + " closing signal SIGTERM");
    }
  }

  std::string TableRow(int32_t number, int32_t node, double at, int32_t rank, int code) const {
    std::string end = code < 0 ? "Signal " + Text(-code) + (code == -9 ? " (SIGKILL)" : " (SIGABRT)") +
                                     " received by PID " + Text(JobLogs::PidOf(rank))
                               : "To enable traceback see: https://pytorch.org/docs/stable/elastic/errors.html";
    return "[" + Text(number) + "]:\n  time      : " + logs_.Stamp(node, at, "%Y-%m-%d_%H:%M:%S") +
           "\n  host      : gpu-" + Text(node) + "\n  rank      : " + Text(rank) +
           " (local_rank: " + Text(rank % logs_.ranks_a_node()) + ")\n  exitcode  : " + Text(code) +
           " (pid: " + Text(JobLogs::PidOf(rank)) + ")\n  error_file: <N/A>\n  traceback : " + end;
  }

  // ChildFailedError of a node: the first of `failed` is what it calls the root cause.
  void Table(int32_t node, double at, const std::vector<int32_t>& failed, int code) {
    const std::string rule(60, '='), thin(60, '-');
    int32_t first = failed.front();
    logs_.Launcher(node, at,
                   Elastic(node, at, 'E') + "failed (exitcode: " + Text(code) +
                       ") local_rank: " + Text(first % logs_.ranks_a_node()) + " (pid: " + Text(JobLogs::PidOf(first)) +
                       ") of binary: /usr/bin/python3");
    std::string others = failed.size() == 1 ? "  <NO_OTHER_FAILURES>" : "";
    for (size_t i = 1; i < failed.size(); ++i)
      others += (i > 1 ? "\n" : "") + TableRow(static_cast<int32_t>(i), node, at, failed[i], code);
    logs_.Launcher(node, at + 0.1,
                   "Traceback (most recent call last):\n  File \"/usr/local/bin/torchrun\", line 8, in <module>\n    "
                   "sys.exit(main())\n"
                   "torch.distributed.elastic.multiprocessing.errors.ChildFailedError: \n" +
                       rule + "\ntrain.py FAILED\n" + thin + "\nFailures:\n" + others + "\n" + thin +
                       "\nRoot Cause (first observed failure):\n" + TableRow(0, node, at, first, code) + "\n" + rule);
  }

  std::set<int32_t> RanksOf(int32_t node) const {
    std::set<int32_t> ranks;
    for (int32_t rank = node * logs_.ranks_a_node(); rank < (node + 1) * logs_.ranks_a_node(); ++rank)
      ranks.insert(rank);
    return ranks;
  }

  // The culprit is gone: its own launcher ends the others of its node; the other nodes' ranks see the connection close,
  // or only time out.
  void DieThenLauncher(int code) {
    const int32_t node = logs_.NodeOf(culprit_);
    const double seen = ends_ + random_.Between(0.1, 4);
    std::set<int32_t> rest = RanksOf(node);
    rest.erase(culprit_);
    Sigterm(node, seen, rest);
    bool complain = random_.Chance(0.5);
    for (int32_t rank : rest) {
      if (complain && random_.Chance(0.7)) Remote(rank, ends_ + random_.Between(0.02, 0.1));
    }
    Table(node, seen + 0.5, {culprit_}, code);
    const bool time_out = random_.Chance(0.4);
    for (int32_t other = 0; other <= logs_.NodeOf(logs_.ranks() - 1); ++other) {
      if (other != node) EndOther(other, time_out);
    }
  }

  void EndOther(int32_t node, bool time_out) {
    const double at = ends_ + random_.Between(0.05, 2);
    std::vector<int32_t> failed;
    for (int32_t rank : RanksOf(node)) {
      if (time_out) {
        Timeout(rank, sequence_, "ALLREDUCE, NumelIn=4194304, NumelOut=4194304");
      } else if (failed.empty() || random_.Chance(0.8)) {
        Remote(rank, at + random_.Between(0, 0.2));
      } else {
        continue;
      }
      failed.push_back(rank);
    }
    const double seen = time_out ? ends_ + timeout_ + 2 : at + 1;
    std::set<int32_t> rest = RanksOf(node);
    for (int32_t rank : failed) rest.erase(rank);
    Sigterm(node, seen, rest);
    Table(node, seen + 0.5, failed, time_out ? -6 : 1);
  }

  // Watchdogs have taken down all victims; the culprit, unless it reported as well, is ended by its launcher.
  void LaunchersAfterTimeout(bool culprit_lives) {
    const double at = ends_ + timeout_ + random_.Between(1, 3);
    for (int32_t node = 0; node <= logs_.NodeOf(logs_.ranks() - 1); ++node) {
      std::set<int32_t> ranks = RanksOf(node);
      if (culprit_lives && ranks.erase(culprit_) > 0) Sigterm(node, at, {culprit_});
      std::vector<int32_t> failed(ranks.begin(), ranks.end());
      if (!random_.Chance(0.5)) failed.resize(1);
      Table(node, at + 0.5, failed, -6);
    }
  }

  Random random_;
  JobLogs logs_;
  int32_t culprit_ = 0;
  bool all_print_ = false, newer_ = true;
  double timeout_ = 600, ends_ = 0;
  int64_t steps_ = 0, sequence_ = 0;
};

constexpr Kind kKinds[] = {
    {"oom", &Scenario::OutOfMemory},        {"exception", &Scenario::Exception},    {"sigkill", &Scenario::Killed},
    {"hardware", &Scenario::HardwareError}, {"silent hang", &Scenario::SilentHang}, {"mismatch", &Scenario::Mismatch},
    {"behind", &Scenario::Behind},
};

Cascade Scenario::Make() {
  const Kind& kind = kKinds[random_.Whole(0, std::ssize(kKinds) - 1)];
  (this->*kind.happen)();
  return {kind.name, logs_.ranks(), culprit_, random_.Chance(0.5) ? logs_.FilePerRank() : logs_.FilePerNode()};
}

}  // namespace

Cascade MakeCascade(Random* random, int32_t ranks) { return Scenario(random, ranks).Make(); }

}  // namespace rankscope::simulation
