#include "agent/ranks/rank_memory.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "base/file.h"

namespace rankscope::agent {
namespace {

constexpr double kKibPerGib = 1 << 20;
constexpr char kPipe[] = "TORCH_NCCL_DEBUG_INFO_PIPE_FILE";

// Empty: it has none, or is another user's.
std::string Variable(pid_t pid, const std::string& name) {
  std::ifstream environment("/proc/" + std::to_string(pid) + "/environ", std::ios::binary);
  for (std::string item; std::getline(environment, item, '\0');) {
    if (item.compare(0, name.size() + 1, name + "=") == 0) return item.substr(name.size() + 1);
  }
  return {};
}

// torch names the pipe NAMErank.pipe and the file NAMErank, for all the ranks that share the variables.
std::string AskForFlightRecorder(pid_t pid, int32_t rank) {
  std::string pipe = Variable(pid, kPipe);
  if (pipe.empty()) return {};
  auto fd = base::OpenFile(pipe + std::to_string(rank) + ".pipe", O_WRONLY | O_NONBLOCK);
  if (!fd.ok() || write(fd->get(), "1", 1) != 1) return {};
  for (const char* name : {"TORCH_FR_DUMP_TEMP_FILE", "TORCH_NCCL_DEBUG_INFO_TEMP_FILE"}) {
    if (std::string file = Variable(pid, name); !file.empty()) return file + std::to_string(rank);
  }
  return "/tmp/nccl_trace_rank_" + std::to_string(rank);
}

}  // namespace

model::Fields MemoryOf(pid_t pid, int32_t rank) {
  model::Fields fields;
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    double gib = std::atof(line.c_str() + line.find(':') + 1) / kKibPerGib;
    if (line.rfind("VmRSS:", 0) == 0) fields.emplace_back("host_memory_gib", gib);
    if (line.rfind("VmHWM:", 0) == 0) fields.emplace_back("host_memory_peak_gib", gib);
  }
  if (std::string file = AskForFlightRecorder(pid, rank); !file.empty()) fields.emplace_back("flight_recorder", file);
  return fields;
}

}  // namespace rankscope::agent
