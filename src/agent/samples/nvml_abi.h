#pragma once

// The part of NVIDIA's management library (nvml.h, stable since its version 2 symbols) that we call. Declared here,
// since its header comes with CUDA only, and the library is found at run time or not at all.
namespace rankscope::agent::nvml {

using Device = void*;
using Return = int;
constexpr Return kSuccess = 0;

struct Memory {
  unsigned long long total, free, used;  // bytes
};
struct Utilization {
  unsigned int gpu, memory;  // percent of the last sample period
};
struct EventData {  // nvmlEventData_t, version 2
  Device device;
  unsigned long long event_type, event_data;
  unsigned int gpu_instance, compute_instance;
};
using EventSet = void*;

constexpr int kTemperatureGpu = 0;
constexpr int kClockSm = 1, kClockMemory = 2;
constexpr int kEccUncorrected = 1, kEccCorrected = 0, kEccVolatile = 0;
constexpr unsigned long long kEventXid = 0x8;
constexpr unsigned int kNameBytes = 96;

struct Reason {
  unsigned long long bit;
  const char* name;
};
// nvmlClocksEventReason*: why the clocks are lower than they could be. Idle is none.
constexpr Reason kReasons[] = {
    {0x4, "sw_power_cap"}, {0x8, "hw_slowdown"},          {0x10, "sync_boost"},
    {0x20, "sw_thermal"},  {0x40, "hw_thermal_slowdown"}, {0x80, "hw_power_brake"},
};

}  // namespace rankscope::agent::nvml
