#include "agent/samples/gpu_sampler.h"

#include <dlfcn.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "agent/samples/nvml_abi.h"
#include "model/event.h"

namespace rankscope::agent {
namespace {

constexpr double kGib = 1 << 30;

// Frees what a failed dlopen or dlsym left for dlerror: the first call hands it out, the second frees it. A thread
// that ends together with its process would leak it.
void ForgetLoaderError() {
  dlerror();
  dlerror();
}

// The library's functions; each may be missing in an old driver.
class Nvml {
 public:
  explicit Nvml(const std::string& library) : handle_(dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (handle_) return;
    ForgetLoaderError();
    absence_ = "no NVIDIA driver: " + library + " is not there";
  }

  template <typename... Arguments>
  bool Call(const char* name, Arguments... arguments) {
    if (!handle_) return false;
    void* symbol = dlsym(handle_, name);
    if (!symbol) {
      ForgetLoaderError();
      return false;
    }
    return reinterpret_cast<nvml::Return (*)(Arguments...)>(symbol)(arguments...) == nvml::kSuccess;
  }

  std::vector<nvml::Device> Open() {
    std::vector<nvml::Device> devices;
    if (!handle_) return devices;
    unsigned int count = 0;
    if (!Call("nvmlInit_v2") || !Call("nvmlDeviceGetCount_v2", &count)) {
      absence_ = "NVML does not start: the NVIDIA driver is not loaded or does not match";
    }
    for (unsigned int i = 0; i < count; ++i) {
      nvml::Device device = nullptr;
      if (Call("nvmlDeviceGetHandleByIndex_v2", i, &device)) devices.push_back(device);
    }
    return devices;
  }

  const std::string& absence() const { return absence_; }

 private:
  void* handle_;
  std::string absence_;
};

void Add(const char* name, double value, model::Fields* fields) { fields->emplace_back(name, value); }

std::string TextOf(Nvml* nvml, const char* function, nvml::Device device) {
  char text[nvml::kNameBytes] = {};
  return nvml->Call(function, device, text, nvml::kNameBytes) ? text : "";
}

std::optional<double> NumberOf(Nvml* nvml, const char* function, nvml::Device device) {
  unsigned int value = 0;
  if (!nvml->Call(function, device, &value)) return std::nullopt;
  return value;
}

void AddMemory(Nvml* nvml, nvml::Device device, model::Fields* fields) {
  nvml::Memory memory{};
  if (!nvml->Call("nvmlDeviceGetMemoryInfo", device, &memory) || memory.total == 0) return;
  Add("gpu_memory_gib", static_cast<double>(memory.used) / kGib, fields);
  Add("gpu_memory_total_gib", static_cast<double>(memory.total) / kGib, fields);
  Add("gpu_memory_usage", 100.0 * static_cast<double>(memory.used) / static_cast<double>(memory.total), fields);
}

void AddActivity(Nvml* nvml, nvml::Device device, model::Fields* fields) {
  nvml::Utilization utilization{};
  if (nvml->Call("nvmlDeviceGetUtilizationRates", device, &utilization)) {
    Add("gpu_utilization_percent", utilization.gpu, fields);
    Add("memory_utilization_percent", utilization.memory, fields);
  }
  unsigned int value = 0;
  if (nvml->Call("nvmlDeviceGetTemperature", device, nvml::kTemperatureGpu, &value)) {
    Add("temperature_c", value, fields);
  }
  if (auto milliwatt = NumberOf(nvml, "nvmlDeviceGetPowerUsage", device)) Add("power_w", *milliwatt / 1000, fields);
  if (auto limit = NumberOf(nvml, "nvmlDeviceGetEnforcedPowerLimit", device)) {
    Add("power_limit_w", *limit / 1000, fields);
  }
  if (nvml->Call("nvmlDeviceGetClockInfo", device, nvml::kClockSm, &value)) Add("sm_clock_mhz", value, fields);
  if (nvml->Call("nvmlDeviceGetClockInfo", device, nvml::kClockMemory, &value)) Add("memory_clock_mhz", value, fields);
}

void AddHealth(Nvml* nvml, nvml::Device device, model::Fields* fields) {
  unsigned long long bits = 0;
  if (nvml->Call("nvmlDeviceGetCurrentClocksThrottleReasons", device, &bits)) {
    std::string names;
    for (const nvml::Reason& reason : nvml::kReasons) {
      if (bits & reason.bit) names += (names.empty() ? "" : ",") + std::string(reason.name);
    }
    if (!names.empty()) fields->emplace_back("throttle_reasons", names);
  }
  unsigned long long errors = 0;
  for (auto [kind, name] :
       {std::pair{nvml::kEccCorrected, "ecc_corrected"}, {nvml::kEccUncorrected, "ecc_uncorrected"}}) {
    if (nvml->Call("nvmlDeviceGetTotalEccErrors", device, kind, nvml::kEccVolatile, &errors)) {
      Add(name, static_cast<double>(errors), fields);
    }
  }
}

model::Record SampleOf(Nvml* nvml, nvml::Device device, size_t index) {
  model::Record record;
  record.stream = model::Stream::kGpu;
  record.fields.emplace_back("gpu_index", static_cast<int64_t>(index));
  record.fields.emplace_back("gpu_uuid", TextOf(nvml, "nvmlDeviceGetUUID", device));
  record.fields.emplace_back("gpu_name", TextOf(nvml, "nvmlDeviceGetName", device));
  AddMemory(nvml, device, &record.fields);
  AddActivity(nvml, device, &record.fields);
  AddHealth(nvml, device, &record.fields);
  return record;
}

model::Record XidEvent(Nvml* nvml, const nvml::EventData& data) {
  model::Record event = model::MakeEvent("xid", 0, "NVIDIA Xid " + std::to_string(data.event_data));
  event.level = "error";
  event.fields.emplace_back("xid", static_cast<int64_t>(data.event_data));
  event.fields.emplace_back("gpu_uuid", TextOf(nvml, "nvmlDeviceGetUUID", data.device));
  return event;
}

}  // namespace

// What the sampling thread and the sampler share; the thread keeps it alive when it is left behind.
struct GpuSampler::Shared {
  std::mutex mutex;
  std::condition_variable changed;
  bool answered = false, wanted = false, stopping = false, ready = false;
  std::string absence = "NVML has not answered yet";
  std::vector<model::Record> records;
  std::vector<std::string> uuids;

  static void Loop(const std::shared_ptr<Shared>& shared, const std::string& library) {
    Nvml nvml(library);
    std::vector<nvml::Device> devices = nvml.Open();
    nvml::EventSet events = nullptr;
    if (!devices.empty() && nvml.Call("nvmlEventSetCreate", &events)) {
      for (nvml::Device device : devices) nvml.Call("nvmlDeviceRegisterEvents", device, nvml::kEventXid, events);
    }
    std::vector<std::string> uuids;
    uuids.reserve(devices.size());
    for (nvml::Device device : devices) uuids.push_back(TextOf(&nvml, "nvmlDeviceGetUUID", device));
    std::unique_lock lock(shared->mutex);
    shared->uuids = std::move(uuids);
    shared->absence = nvml.absence();
    shared->answered = true;
    while (!shared->stopping) {
      shared->changed.wait(lock, [&] { return shared->wanted || shared->stopping; });
      lock.unlock();
      std::vector<model::Record> records;
      for (size_t i = 0; i < devices.size(); ++i) records.push_back(SampleOf(&nvml, devices[i], i));
      nvml::EventData data{};
      while (events && nvml.Call("nvmlEventSetWait_v2", events, &data, 0u)) records.push_back(XidEvent(&nvml, data));
      for (model::Record& record : records) record.time = base::WallNow();
      lock.lock();
      shared->records = std::move(records);
      shared->wanted = false;
      shared->ready = true;
      shared->changed.notify_all();
    }
  }
};

GpuSampler::GpuSampler(const std::string& library) : shared_(std::make_shared<Shared>()) {
  std::thread([shared = shared_, library] { Shared::Loop(shared, library); }).detach();
}

GpuSampler::~GpuSampler() {
  std::lock_guard lock(shared_->mutex);
  shared_->stopping = true;
  shared_->changed.notify_all();
}

std::string GpuSampler::absence() const {
  std::lock_guard lock(shared_->mutex);
  return shared_->absence;
}

bool GpuSampler::answered() const {
  std::lock_guard lock(shared_->mutex);
  return shared_->answered;
}

std::vector<std::string> GpuSampler::uuids() const {
  std::lock_guard lock(shared_->mutex);
  return shared_->uuids;
}

void GpuSampler::Request() {
  std::lock_guard lock(shared_->mutex);
  if (requested_at_ == 0) requested_at_ = base::MonotonicNow();
  shared_->wanted = true;
  shared_->changed.notify_all();
}

std::vector<model::Record> GpuSampler::Take(int patience_ms) {
  std::lock_guard lock(shared_->mutex);
  if (shared_->ready) {
    shared_->ready = false;
    requested_at_ = 0;
    silence_told_ = false;
    return std::exchange(shared_->records, {});
  }
  bool silent = requested_at_ != 0 && base::MonotonicNow() - requested_at_ > patience_ms * base::kNsPerMs;
  if (!silent || silence_told_) return {};
  silence_told_ = true;
  model::Record event = model::MakeEvent("nvml_silent", base::WallNow(),
                                         "rankscope: the NVIDIA driver does not answer; no GPU samples until it does");
  event.level = "warning";
  return {event};
}

}  // namespace rankscope::agent
