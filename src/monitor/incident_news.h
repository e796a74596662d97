#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "catalog/findings.h"
#include "diagnose/incidents/incident_listener.h"

namespace rankscope::monitor {

// Tells each listener what the catalog has for it, and notes there that it was told. One thread.
class IncidentNews {
 public:
  // All outlive it; two of one name are one.
  IncidentNews(catalog::Incidents* incidents, const std::vector<diagnose::IncidentListener*>& listeners);

  // There is more. Who did not take what there was is asked again a second after it was asked last.
  void Expect();
  void Tell();

 private:
  struct Reader {
    diagnose::IncidentListener* listener;
    bool expects = true;
    int64_t retry_at = 0;  // monotonic
  };
  // Whether there may be more for it.
  base::Result<bool> TellSome(diagnose::IncidentListener* listener);

  catalog::Incidents* incidents_;
  std::vector<Reader> readers_;
  bool known_ = false;  // the catalog knows who listens
};

}  // namespace rankscope::monitor
