#include "diagnose/case/lone_processes.h"

#include <re2/re2.h>

#include <algorithm>
#include <set>

namespace rankscope::diagnose {
namespace {

// Of the writers that say something. `alone`: none of them tells which of its node's processes it is.
struct Nodes {
  std::set<int32_t> numbers;
  bool alone = true;
};

Nodes NodesOf(const std::vector<ReadFile>& files) {
  Nodes nodes;
  for (const ReadFile& file : files) {
    for (const auto& [name, lines] : file.kept.writers) {
      if (lines == 0 || file.file.surroundings) continue;
      if (name.node_rank) nodes.numbers.insert(*name.node_rank);
      nodes.alone = nodes.alone && !name.rank && !name.local_rank && !name.pid;
    }
  }
  return nodes;
}

// A launcher, several devices, "world size: 16", "nproc_per_node=8", "rank=9", "local_rank: 3", "cuda:3", "GPU 3 has a
// total capacity of", "training on 8 GPUs".
bool SpeaksOfMore(std::string_view text, int32_t nodes) {
  static const re2::RE2 kLauncher(
      R"(torch[./]distributed[./](?:elastic|run|launch)|deepspeed\.launcher|CUDA_VISIBLE_DEVICES\W{1,4}\d+, ?\d)"),
      kNumber(
          R"((?i)\b(?:((?:\w+_)?world[_ ]?size|num[_ ]processes|nranks|(?:slurm_)?ntasks|member: \d+/|registered\. starting with)|((?:slurm_)?n(?:proc|tasks|_gpus)[_-]per[_-]node)|((?:global_)?rank)|local[_-]?rank|cuda:|GPU )['"]?[=: ]{0,3}(\d{1,6})\b)"),
      kOn(R"((?i)\b(?:on|across|over) (\d{1,6}) (?:gpus|devices|processes|ranks)\b)");
  re2::StringPiece rest(text.data(), text.size());
  if (re2::RE2::PartialMatch(rest, kLauncher)) return true;
  int32_t number = 0;
  if (re2::RE2::PartialMatch(rest, kOn, &number) && number > nodes) return true;
  re2::StringPiece world, per_node, rank;
  while (re2::RE2::FindAndConsume(&rest, kNumber, &world, &per_node, &rank, &number)) {
    const int32_t most = !world.empty() ? nodes : !per_node.empty() ? 1 : !rank.empty() ? nodes - 1 : 0;
    if (number > most) return true;
  }
  return false;
}

}  // namespace

bool HasEachNodeOneProcess(const std::vector<ReadFile>& files) {
  const Nodes nodes = NodesOf(files);
  if (nodes.numbers.size() < 2 || !nodes.alone) return false;
  const int32_t count = *nodes.numbers.rbegin() + 1;
  return std::none_of(files.begin(), files.end(), [count](const ReadFile& file) {
    return std::any_of(file.kept.lines.begin(), file.kept.lines.end(),
                       [count](const Line& line) { return SpeaksOfMore(line.text, count); });
  });
}

}  // namespace rankscope::diagnose
