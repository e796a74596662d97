#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "catalog/findings.h"
#include "diagnose/incidents/incident_listener.h"

namespace rankscope::monitor {

// Tells each listener what the catalog has for it, and notes there that it was told. What cannot be read is said once,
// with how many there are, and passed over. One thread.
class IncidentNews {
 public:
  // All outlive it; two of one name are one.
  IncidentNews(catalog::Incidents* incidents, const std::vector<diagnose::IncidentListener*>& listeners,
               std::function<void(const std::string&)> say);

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
  void PassOver(const catalog::Incidents::News::Version& version, const base::Status& why);

  catalog::Incidents* incidents_;
  std::function<void(const std::string&)> say_;
  std::set<std::string> unreadable_;  // names of versions
  std::vector<Reader> readers_;
  bool known_ = false;  // the catalog knows who listens
};

}  // namespace rankscope::monitor
