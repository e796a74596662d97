#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/record.h"

namespace rankscope::agent {

// The node's NVIDIA GPUs by NVML, loaded at run time. A call into a broken driver may never return: they are made on a
// thread of their own, which is left behind in that case. One thread uses the sampler. Fields: docs/samples.md.
class GpuSampler {
 public:
  explicit GpuSampler(const std::string& library = "libnvidia-ml.so.1");
  ~GpuSampler();

  // Begins a sample, unless one is under way. Never waits.
  void Request();
  // What has come since: records of stream gpu, one a device, and an event for each Xid. When the driver has not
  // answered a request for `patience_ms`, one event says so. Never waits.
  std::vector<model::Record> Take(int patience_ms = 30'000);

  // The node's devices by index; empty until NVML has answered.
  std::vector<std::string> uuids() const;
  // Whether NVML has said what there is, or is not there.
  bool answered() const;
  // Why there are no GPUs; empty when there are.
  std::string absence() const;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
  int64_t requested_at_ = 0;  // 0: no request is open
  bool silence_told_ = false;
};

}  // namespace rankscope::agent
