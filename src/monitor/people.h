#pragma once

#include <functional>
#include <optional>
#include <string>

#include "catalog/incidents.h"
#include "diagnose/incidents/incident_listener.h"
#include "notify/live_notifier.h"

namespace rankscope::monitor {

// Those who hear of a project's incidents by way of the notifier: what they took is on the disk of the delivery log. Of
// a job that is past (Judge::Parts) they hear nothing.
class People : public diagnose::IncidentListener {
 public:
  // The notifier and the incidents outlive it.
  People(std::string project, notify::LiveNotifier* notifier, catalog::Incidents* incidents,
         std::function<bool(const std::string& job)> is_past)
      : project_(std::move(project)), notifier_(notifier), incidents_(incidents), is_past_(std::move(is_past)) {}

  std::string name() const override { return "notify"; }
  base::Status Take(std::span<const diagnose::Incident> incidents) override;

  // Tells the end of what was told to fire, and has ended while nobody was to be told: the server ran without a
  // notification file. Once; after an error the next call does it. One thread, which need not be Take's.
  base::Status CloseEnded(base::TimeNs now);

 private:
  base::Result<std::optional<notify::Update>> EndOf(const notify::Update& told, const std::string& external_url,
                                                    base::TimeNs now) const;

  const std::string project_;
  notify::LiveNotifier* const notifier_;
  catalog::Incidents* const incidents_;
  const std::function<bool(const std::string& job)> is_past_;
  bool closed_ = false;
};

}  // namespace rankscope::monitor
