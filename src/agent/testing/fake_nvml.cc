// NVML's C ABI with made-up devices, for machines without a GPU: what the sampler asks and how it reads the answers.
// FAKE_NVML=hang: the driver does not answer. FAKE_NVML_DEVICES: how many there are, up to 8 (1): GPU-1234, GPU-1235, …
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "agent/samples/nvml_abi.h"

namespace nvml = rankscope::agent::nvml;

extern "C" {
int nvmlInit_v2() {
  const char* mode = std::getenv("FAKE_NVML");
  if (mode && std::string(mode) == "hang") pause();
  return 0;
}
int nvmlDeviceGetCount_v2(unsigned int* count) {
  const char* devices = std::getenv("FAKE_NVML_DEVICES");
  return *count = devices ? static_cast<unsigned int>(std::atoi(devices)) : 1, 0;
}
static int fake_devices[8];
int nvmlDeviceGetHandleByIndex_v2(unsigned int index, nvml::Device* device) {
  if (index >= 8) return 2;
  *device = &fake_devices[index];
  return 0;
}
int nvmlDeviceGetUUID(nvml::Device device, char* text, unsigned int bytes) {
  auto index = device ? static_cast<int*>(device) - fake_devices : 0;
  return std::strncpy(text, ("GPU-" + std::to_string(1234 + index)).c_str(), bytes), 0;
}
int nvmlDeviceGetName(nvml::Device, char* text, unsigned int bytes) { return std::strncpy(text, "H200", bytes), 0; }
int nvmlDeviceGetMemoryInfo(nvml::Device, nvml::Memory* memory) {
  return *memory = {8ull << 30, 6ull << 30, 2ull << 30}, 0;
}
int nvmlDeviceGetTemperature(nvml::Device, int, unsigned int* celsius) { return *celsius = 61, 0; }
int nvmlDeviceGetPowerUsage(nvml::Device, unsigned int* milliwatt) { return *milliwatt = 350500, 0; }
int nvmlDeviceGetCurrentClocksThrottleReasons(nvml::Device, unsigned long long* bits) { return *bits = 0x41 | 0x4, 0; }
int nvmlEventSetCreate(nvml::EventSet* set) { return *set = set, 0; }
int nvmlDeviceRegisterEvents(nvml::Device, unsigned long long, nvml::EventSet) { return 0; }
int nvmlEventSetWait_v2(nvml::EventSet, nvml::EventData* data, unsigned int) {
  static bool told = false;
  if (told) return 10;
  told = true;
  data->event_data = 79;
  return 0;
}
}
