#pragma once

#include "diagnose/incidents/incident_listener.h"
#include "notify/live_notifier.h"

namespace rankscope::monitor {

// Those who hear of incidents by way of the notifier: what they took is on the disk of the delivery log.
class People : public diagnose::IncidentListener {
 public:
  explicit People(notify::LiveNotifier* notifier) : notifier_(notifier) {}  // outlives it

  std::string name() const override { return "notify"; }
  base::Status Take(std::span<const diagnose::Incident> incidents) override;

 private:
  notify::LiveNotifier* notifier_;
};

}  // namespace rankscope::monitor
