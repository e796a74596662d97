#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "agent/samples/gpu_sampler.h"
#include "agent/samples/host_sampler.h"
#include "agent/samples/port_sampler.h"

namespace rankscope::agent {
namespace {

double Number(const model::Record& record, std::string_view name) {
  const auto* value = model::FindField(record.fields, name);
  return value ? model::AsNumber(*value).value_or(-1) : -1;
}

class HostSamplerTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = testing::TempDir() + "/rankscope_host_sampler_test";
    std::filesystem::remove_all(root_);
  }
  void Write(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  std::string root_;
};

TEST_F(HostSamplerTest, RatesAreBetweenTwoSamples) {
  Write("/sys/block/nvme0n1/size", "1");
  Write("/proc/stat", "cpu  100 0 100 800 0 0 0 0 0 0\n");
  Write("/proc/diskstats",
        " 259 0 nvme0n1 1 0 2048 1 1 0 4096 1 0 1 1\n 259 1 nvme0n1p1 1 0 9999 1 1 0 9999 1 0 1 1\n");
  Write("/proc/net/dev",
        "head\n    lo: 9 9 0 0 0 0 0 0 9 9 0 0 0 0 0 0\n  eth0: 1048576 1 0 0 0 0 0 0 0 1 0 0 0 0 0 0\n");
  HostSampler sampler(root_);
  EXPECT_EQ(Number(sampler.Sample(0), "cpu_usage_percent"), -1);
  Write("/proc/stat", "cpu  150 0 150 900 0 0 0 0 0 0\n");
  Write("/proc/diskstats", " 259 0 nvme0n1 1 0 6144 1 1 0 4096 1 0 1 1\n");
  Write("/proc/net/dev", "head\n  eth0: 5242880 1 0 0 0 0 0 0 0 1 0 0 0 0 0 0\n");
  model::Record record = sampler.Sample(2 * base::kNsPerSecond);
  EXPECT_EQ(Number(record, "cpu_usage_percent"), 50);
  EXPECT_EQ(Number(record, "disk_read_mib_per_s"), 1);
  EXPECT_EQ(Number(record, "disk_write_mib_per_s"), 0);
  EXPECT_EQ(Number(record, "network_receive_mib_per_s"), 2);
}

TEST_F(HostSamplerTest, CgroupsOfBothVersionsAreRead) {
  Write("/proc/self/cgroup", "0::/job_7\n");
  Write("/sys/fs/cgroup/job_7/memory.current", "1073741824\n");
  Write("/sys/fs/cgroup/job_7/memory.max", "2147483648\n");
  Write("/sys/fs/cgroup/job_7/memory.events", "low 0\noom 3\noom_kill 2\n");
  model::Record second = HostSampler(root_).Sample(0);
  EXPECT_EQ(Number(second, "cgroup_memory_gib"), 1);
  EXPECT_EQ(Number(second, "cgroup_memory_limit_gib"), 2);
  EXPECT_EQ(Number(second, "cgroup_oom_kills"), 2);
  std::filesystem::remove_all(root_);
  Write("/proc/self/cgroup", "5:cpu:/x\n4:memory:/job_8\n");
  Write("/sys/fs/cgroup/memory/job_8/memory.usage_in_bytes", "536870912\n");
  Write("/sys/fs/cgroup/memory/job_8/memory.limit_in_bytes", "9223372036854771712\n");
  Write("/sys/fs/cgroup/memory/job_8/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
  model::Record first = HostSampler(root_).Sample(0);
  EXPECT_EQ(Number(first, "cgroup_memory_gib"), 0.5);
  EXPECT_EQ(Number(first, "cgroup_memory_limit_gib"), -1);
  EXPECT_EQ(Number(first, "cgroup_oom_kills"), 1);
}

TEST_F(HostSamplerTest, MissingAndMalformedFilesLeaveFieldsOut) {
  Write("/proc/stat", "rubbish");
  Write("/proc/meminfo", "MemTotal: what\n\n:\n");
  Write("/proc/net/dev", "eth0: x\n");
  model::Record record = HostSampler(root_, "/does/not/exist").Sample(0);
  EXPECT_TRUE(record.fields.empty());
}

TEST_F(HostSamplerTest, ThisMachineHasMemory) {
  model::Record record = HostSampler().Sample(base::WallNow());
  EXPECT_GT(Number(record, "memory_total_gib"), 0);
  EXPECT_GT(Number(record, "disk_free_gib"), 0);
  EXPECT_GE(Number(record, "memory_used_percent"), 0);
  EXPECT_LE(Number(record, "memory_used_percent"), 100);
}

TEST_F(HostSamplerTest, PortsOfInfinibandRoceAndEthernetAreRecordsOfTheirCounters) {
  Write("/sys/class/infiniband/mlx5_0/ports/1/link_layer", "InfiniBand\n");
  Write("/sys/class/infiniband/mlx5_0/ports/1/counters/symbol_error", "17\n");
  Write("/sys/class/infiniband/mlx5_0/ports/1/counters/port_xmit_wait", "N/A (no PMA)\n");
  Write("/sys/class/infiniband/mlx5_0/ports/1/hw_counters/out_of_sequence", "3\n");
  Write("/sys/class/infiniband/mlx5_1/ports/1/link_layer", "Ethernet\n");
  Write("/sys/class/infiniband/mlx5_1/ports/1/hw_counters/np_cnp_sent", "9\n");
  Write("/sys/class/infiniband/mlx5_2/ports/1/link_layer", "InfiniBand\n");
  Write("/sys/class/net/eth0/statistics/rx_dropped", "5\n");
  Write("/sys/class/net/lo/statistics/rx_dropped", "5\n");
  Write("/sys/class/net/veth12/statistics/rx_dropped", "5\n");
  std::vector<model::Record> records = PortSampler(root_).Sample(7);
  ASSERT_EQ(records.size(), 3u) << "one without counters, and those of no port, are left out";
  auto text = [](const model::Record& record, std::string_view name) {
    const auto* value = model::FindField(record.fields, name);
    return value ? std::get<std::string>(*value) : "";
  };
  EXPECT_EQ(text(records[0], "device") + "/" + text(records[0], "port") + " " + text(records[0], "link"),
            "mlx5_0/1 infiniband");
  EXPECT_EQ(Number(records[0], "symbol_error"), 17);
  EXPECT_EQ(Number(records[0], "port_xmit_wait"), -1);
  EXPECT_EQ(Number(records[0], "out_of_sequence"), 3);
  EXPECT_EQ(text(records[1], "link"), "roce");
  EXPECT_EQ(Number(records[1], "np_cnp_sent"), 9);
  EXPECT_EQ(text(records[2], "device") + " " + text(records[2], "link"), "eth0 ethernet");
  EXPECT_EQ(Number(records[2], "rx_dropped"), 5);
  EXPECT_EQ(records[2].stream, model::Stream::kHost);
}

// What one request gives, once it has been answered.
std::vector<model::Record> SampleOnce(GpuSampler* sampler) {
  sampler->Request();
  while (true) {
    auto records = sampler->Take(3'600'000);  // a loaded machine is no silent driver
    if (!records.empty() || !sampler->absence().empty()) return records;
    std::this_thread::yield();
  }
}

TEST(GpuSampler, WithoutADriverNothingIsSampled) {
  GpuSampler sampler("libthere-is-none.so");
  while (sampler.absence().find("libthere-is-none.so") == std::string::npos) std::this_thread::yield();
  sampler.Request();
  EXPECT_TRUE(sampler.Take().empty());
}

TEST(GpuSampler, DevicesAndXidsAreRead) {
  GpuSampler sampler(FAKE_NVML);
  while (!sampler.absence().empty()) std::this_thread::yield();
  auto records = SampleOnce(&sampler);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(*model::FindField(records[0].fields, "gpu_uuid"), model::FieldValue(std::string("GPU-1234")));
  EXPECT_EQ(Number(records[0], "gpu_memory_usage"), 25);
  EXPECT_EQ(Number(records[0], "temperature_c"), 61);
  EXPECT_EQ(Number(records[0], "power_w"), 350.5);
  EXPECT_EQ(Number(records[0], "sm_clock_mhz"), -1) << "a function that the driver lacks leaves its field out";
  EXPECT_EQ(*model::FindField(records[0].fields, "throttle_reasons"),
            model::FieldValue(std::string("sw_power_cap,hw_thermal_slowdown")));
  EXPECT_EQ(Number(records[1], "xid"), 79);
  EXPECT_EQ(SampleOnce(&sampler).size(), 1u);
}

TEST(GpuSampler, SilentDriverIsToldOnceAndNeverWaitedFor) {
  setenv("FAKE_NVML", "hang", 1);
  {
    GpuSampler sampler(FAKE_NVML);
    sampler.Request();
    std::vector<model::Record> records;
    while (records.empty()) records = sampler.Take(1);
    EXPECT_NE(records[0].text.find("does not answer"), std::string::npos);
    EXPECT_TRUE(sampler.Take(1).empty());
  }
  unsetenv("FAKE_NVML");
}

}  // namespace
}  // namespace rankscope::agent
