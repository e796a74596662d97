#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include "embed/ring.h"

namespace {

rankscope_ring* MapOnlyRing(const char* folder) {
  std::string path = std::filesystem::directory_iterator(folder)->path();
  int fd = open(path.c_str(), O_RDWR);
  void* map = mmap(nullptr, std::filesystem::file_size(path), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  return static_cast<rankscope_ring*>(map);
}

// A call with six metrics, as a trainer makes it each step. A reader that keeps up is played in the same thread.
void Log(benchmark::State& state) {
  char folder[] = "/dev/shm/rankscope-benchmark-XXXXXX";
  if (!mkdtemp(folder)) return state.SkipWithError("no /dev/shm");
  rankscope_options options{sizeof options, folder, static_cast<uint32_t>(state.range(0)), 0, 0};
  rankscope_handle* handle = nullptr;
  if (rankscope_open(&options, &handle) != 0) return state.SkipWithError("no ring");
  std::array<uint32_t, 6> fields{};
  std::array<double, 6> values{2.15, 0.5, 1e-5, 4096, 12.5, 0.01};
  const char* names[] = {"loss", "grad_norm", "learning_rate", "tokens", "gpu_memory_gib", "data_time_s"};
  for (size_t i = 0; i < fields.size(); ++i) {
    fields[i] = static_cast<uint32_t>(rankscope_field(handle, names[i], std::strlen(names[i])));
  }
  int64_t step = 0;
  rankscope_ring* ring = MapOnlyRing(folder);
  for (auto _ : state) {
    rankscope_log(handle, ++step, fields.data(), values.data(), fields.size());
    __atomic_store_n(&ring->tail, ring->head, __ATOMIC_RELEASE);
  }
  if (rankscope_dropped(handle) > 0) state.SkipWithError("records were dropped");
  rankscope_close(handle);
  std::filesystem::remove_all(folder);
}
BENCHMARK(Log)->Arg(1)->Arg(10)->ArgName("interval");

}  // namespace
