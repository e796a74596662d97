#pragma once

#include <span>
#include <string>

#include "base/status.h"
#include "diagnose/incidents/incident.h"

namespace rankscope::diagnose {

// Somebody who hears of incidents: people by way of notifications, the knowledge base, a diagnosis that starts.
// The server's monitor (monitor::Detection::Parts::listeners) tells each version of each incident of a project once it
// is durable, in order; versions that follow each other quickly may be told as one, the latest. How far a listener has
// come is kept under its name beside the incidents, so that after a crash it is told again what it did not say OK to,
// and what was resolved in the meantime, too: (id, version) tells it what it knows. A listener that is new is told all
// that are open.
class IncidentListener {
 public:
  virtual ~IncidentListener() = default;

  // Stable: it is kept on the disk.
  virtual std::string name() const = 0;
  // OK: it is durable with the listener, and is not told again. Else the same is told a second later, with what came
  // meanwhile. Called in one thread, which judges records: it must not wait for a network nor for that thread.
  virtual base::Status Take(std::span<const Incident> incidents) = 0;
};

}  // namespace rankscope::diagnose
