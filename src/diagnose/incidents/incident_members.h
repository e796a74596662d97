#pragma once

#include "diagnose/incidents/grouping.h"
#include "diagnose/incidents/incident.h"

namespace rankscope::diagnose {

// How an incident is made of its findings: who leads it, whom it names, since when.

// Makes the finding a member, and the leader if it is to be (`lead`, or by Leads). An incident without members gets
// its first.
void AddFinding(const detect::Finding& finding, const FindingFacts& facts, size_t most_members, Incident* incident);
// One that was added is over.
void EndFinding(const detect::Finding& finding, Incident* incident);
// The members of another incident become its own.
void AddMembers(const Incident& from, size_t most_members, Incident* incident);

bool HasActive(const Incident& incident);

}  // namespace rankscope::diagnose
