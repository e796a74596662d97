#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "diagnose/suspects/suspect.h"

namespace rankscope::diagnose {

// Whose a line is that no prefix gives to a rank, by what it says and what stands around it. Nothing: that does not
// tell, or tells of several.

// "Rank 3, node …", "on rank 5", "--local_rank=0", "actor_train-3) pid=", "/job:jax_worker/replica:0/task:3".
std::optional<int32_t> NamedRank(std::string_view text);
// torchelastic's error files hold the message that their rank ended with.
std::optional<int32_t> WhoLeftErrorFile(const Reading& reading, const Suspect& cause);
// Beside an exception whose lines name no rank, the only one whose logger repeats what it says.
std::optional<int32_t> WhoRepeats(const Reading& reading, const Suspect& cause);
// A dump names its process by the command line above the stack.
std::optional<int32_t> RankAbove(const Reading& reading, size_t line);
// DistributedDataParallel names it some lines below, "Parameter indices which did not receive grad for rank 1", and
// c10d of what NCCL refuses, "Process Group destroyed on rank 0".
std::optional<int32_t> RankBelow(const Reading& reading, size_t line);
// Ray names the actor that died, and verl's names end with a node and a place there: "name: x1WorkerDict_0:1". How many
// places a node has is not told.
std::optional<int32_t> ActorThatDied(const Reading& reading);
// Where the cause names no rank, the one that the others that say alike name.
std::optional<int32_t> NamedAlike(const Reading& reading, const Suspect& cause, const std::vector<Suspect>& suspects);
// The kernel and Ray name a process, not a rank; launchers' tables and prefixes know both.
std::optional<int32_t> RankOfPid(const Reading& reading, size_t line);
// What NCCL or a reader of data says on the way to an exception names no rank; the only rank whose traceback begins
// right below is the one.
std::optional<int32_t> WhoRaisedBelow(const Reading& reading, const Suspect& cause);

}  // namespace rankscope::diagnose
