#pragma once

#include <functional>
#include <string>

#include "diagnose/incidents/incident_listener.h"
#include "notify/live_notifier.h"

namespace rankscope::monitor {

// Those who hear of incidents by way of the notifier: what they took is on the disk of the delivery log. Of a job that is
// past (Judge::Parts) they hear nothing.
class People : public diagnose::IncidentListener {
 public:
  // The notifier outlives it.
  People(notify::LiveNotifier* notifier, std::function<bool(const std::string& job)> is_past)
      : notifier_(notifier), is_past_(std::move(is_past)) {}

  std::string name() const override { return "notify"; }
  base::Status Take(std::span<const diagnose::Incident> incidents) override;

 private:
  notify::LiveNotifier* notifier_;
  const std::function<bool(const std::string& job)> is_past_;
};

}  // namespace rankscope::monitor
