#include "monitor/people.h"

#include <vector>

#include "monitor/incident_update.h"

namespace rankscope::monitor {

base::Status People::Take(std::span<const diagnose::Incident> incidents) {
  auto notifier = notifier_->Get();
  if (!notifier) return base::Status::Unavailable("nobody can be told now: the delivery log is not open");
  std::vector<notify::Update> updates;
  updates.reserve(incidents.size());
  for (const diagnose::Incident& incident : incidents) {
    if (is_past_(incident.job)) continue;
    updates.push_back(UpdateOf(incident, notifier.config()->external_url));
  }
  return notifier->Take(updates);
}

}  // namespace rankscope::monitor
