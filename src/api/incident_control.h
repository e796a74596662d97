#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/status.h"
#include "catalog/findings.h"

namespace rankscope::api {

// What a person says of an incident.
enum class IncidentAct : uint8_t { kAcknowledge, kConfirm, kDismiss, kResolve };

struct IncidentNote {
  IncidentAct act = IncidentAct::kAcknowledge;
  std::string by, note;
  base::TimeNs until = 0;  // of an acknowledgement; 0: while it is open and gets no worse
};

// People's words about incidents and findings. Any thread; each waits until it is done and durable. kNotFound,
// kInvalid, kUnavailable.
class IncidentControl {
 public:
  virtual ~IncidentControl() = default;
  // The incident's JSON form.
  virtual base::Result<std::string> Say(const std::string& incident, const IncidentNote& note) = 0;
  virtual base::Result<catalog::FindingRow> Decide(const std::string& finding, const catalog::Decision& decision) = 0;
};

}  // namespace rankscope::api
