#pragma once

#include <string>

#include "catalog/incidents.h"
#include "diagnose/incidents/incident.h"
#include "model/record.h"

// The forms in which incidents travel: as the book tells them, as rows, as event records.
namespace rankscope::monitor {

catalog::IncidentRow RowOf(const diagnose::Incident& incident);

// The record `event: "incident"` in the job's stream: one for each version.
model::Record EventOf(const diagnose::Incident& incident);

}  // namespace rankscope::monitor
