#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace rankscope::parse {

// What launchers and containers put before a line, several of them one after the other, and whose line it makes it.
struct LinePrefix {
  size_t bytes = 0;                  // that they take at the line's beginning
  std::optional<base::TimeNs> time;  // of the container's log
  std::optional<int32_t> node_rank, rank, local_rank;
  std::optional<int64_t> pid;  // Ray tells processes apart by it
};

// Prefixes that could as well be text; the habit of a file tells.
struct PrefixHabits {
  bool task_number = false;       // "3: text" (srun -l)
  bool bracketed_number = false;  // "[3] text" (mpiexec -l), "[3]: text"
  bool service_name = false;      // "trainer-1  | text" (docker compose)
  bool replica = false;           // "trainer/3 text" (torchx)
  bool host_rank = false;         // "node1:3: text"
  bool pod = false;               // "llm-worker-1 pytorch text" (stern)
  std::string role;               // "[trainer3]:text" (torchrun --role trainer --tee 3); empty: none
  bool host_role = false;         // "[node1:3]:text" (torchrun --role $(hostname): --tee 3)
  bool engine_is_rank = false;    // "(EngineCore_3 pid=17) text": vLLM's replicas have no workers that speak
  // "worker-1: text" (pdsh, as DeepSpeed uses it): hosts, and their node rank where their numbers tell it.
  std::map<std::string, std::optional<int32_t>, std::less<>> hosts;
  // "trainer-1  | text": nodes of services that differ in a number alone.
  std::map<std::string, int32_t, std::less<>> services;
  bool hosts_are_ranks = false;  // "rank3: text": the numbers are ranks'
  bool number_is_node = false;   // each task is a launcher of its own, so its number is the node's
  bool has_master = false;       // pods job-master-0, job-worker-0: the worker's index begins at node 1
};

// Learns from lines of one file: a sample of the whole (its ends, at least). Linear.
PrefixHabits LearnPrefixHabits(std::string_view sample);

// The prefixes of the line, which has no ANSI. Always taken: [default3]:  [rank3]:  [node-1:rank3]  [default1|5]:
// (Actor pid=17, ip=10.0.0.1)  [1,3]<stdout>:  [1,mpirank:3,algo-1]<stdout>:  [pod/job-worker-1/main]  and the
// timestamps of container logs.
// "[rank: 3] text" tells the rank and stays.
LinePrefix ReadLinePrefix(std::string_view line, const PrefixHabits& habits);

// Where in the line a rank's own text begins when a bar or a logger's preamble stands before "[rank3]: ": the prefix
// with its rank, `bytes` counted from the line's beginning. No rank: there is none.
LinePrefix FindEmbeddedPrefix(std::string_view line);

}  // namespace rankscope::parse
