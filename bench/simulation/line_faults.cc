#include "simulation/fault.h"

namespace rankscope::simulation {
namespace {

void Say(const Fault& fault, Step* step, const char* text, model::Stream stream = model::Stream::kStderr) {
  if (step->number == fault.onset) step->lines.push_back({fault.rank, fault.node, text, stream});
}

template <const char* kText>
void SayText(const Fault& fault, Random*, Step* step) {
  Say(fault, step, kText);
}

constexpr char kOutOfMemory[] =
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 3 has a total capacity of 79.10 GiB "
    "of which 1.31 GiB is free.";
constexpr char kEcc[] = "RuntimeError: CUDA error: uncorrectable ECC error encountered";
constexpr char kAssert[] = "RuntimeError: CUDA error: device-side assert triggered";
constexpr char kIllegal[] = "RuntimeError: CUDA error: an illegal memory access was encountered";
constexpr char kWorkerDied[] = "RuntimeError: DataLoader worker (pid 4711) is killed by signal: Killed.";
constexpr char kDiskFull[] = "OSError: [Errno 28] No space left on device: 'out/checkpoint-400/optimizer.pt'";
constexpr char kXid[] = "NVRM: Xid (PCI:0000:b3:00): 79, pid=4711, GPU has fallen off the bus.";
constexpr char kOomKill[] = "Out of memory: Killed process 4711 (python) total-vm:1048576kB";
constexpr char kNotified[] = "nan loss encountered at step 400, stopping training";

// The watchdog speaks at the end of a wait that began long before, and nobody has made a step since.
constexpr char kTimeout[] =
    "[rank3]:[E1121 10:00:00.000000000 ProcessGroupNCCL.cpp:632] [Rank 3] Watchdog caught collective operation "
    "timeout: "
    "WorkNCCL(SeqNum=4711, OpType=ALLREDUCE, NumelIn=1, NumelOut=1, Timeout(ms)=600000) ran for 600014 milliseconds "
    "before timing out.";
void Timeout(const Fault& fault, Random*, Step* step) {
  if (step->number != fault.onset) return;
  step->pause_seconds += 600.1;
  Say(fault, step, kTimeout);
  step->lines.back().at_end = true;
}

FaultKind LineKind(std::string_view name, std::string_view rule, Whom whom,
                   void (*change)(const Fault&, Random*, Step*)) {
  return {.name = name, .rules = {rule}, .whom = whom, .steps_before = 60, .steps_after = 20, .change_step = change};
}

const std::vector<FaultKind> kLineFaults = [] {
  std::vector<FaultKind> kinds = {
      LineKind("CUDA out of memory", "CudaOutOfMemory", Whom::kRank, SayText<kOutOfMemory>),
      LineKind("uncorrectable ECC error", "UncorrectableEcc", Whom::kRank, SayText<kEcc>),
      LineKind("device-side assert", "DeviceAssert", Whom::kRank, SayText<kAssert>),
      LineKind("illegal memory access", "IllegalMemoryAccess", Whom::kRank, SayText<kIllegal>),
      LineKind("a data loader worker dies", "DataLoaderWorkerDied", Whom::kRank, SayText<kWorkerDied>),
      LineKind("a disk is full", "DiskFull", Whom::kNode, SayText<kDiskFull>),
      LineKind("Xid", "Xid", Whom::kNode, SayText<kXid>),
      LineKind("the kernel kills for memory", "HostOutOfMemory", Whom::kNode, SayText<kOomKill>),
      LineKind("training stops for a NaN", "NanLossStops", Whom::kJob, SayText<kNotified>),
  };
  FaultKind timeout = LineKind("a collective times out", "NcclTimeout", Whom::kJob, Timeout);
  timeout.consequences = {"Hang", "HeartbeatLost", "NetworkSlowdown", "NetworkBehindTimeout"};
  kinds.push_back(timeout);
  return kinds;
}();

}  // namespace

std::span<const FaultKind> LineFaults() { return kLineFaults; }

}  // namespace rankscope::simulation
