#pragma once

#include <vector>

#include "diagnose/suspects/suspect.h"

namespace rankscope::diagnose {

// Signals that a launcher or a scheduler sent to the ranks that were left when one had failed are cascades, no causes.
// An abort that no library announces is the process's own, as is the end of the only rank that neither waited nor was
// signalled: they count for more. Stacks that Python writes as it dies, and what fails in a communicator that a
// watchdog has taken down, say nothing of their own.
void DemoteEndsByOthers(const Reading& reading, std::vector<Suspect>* suspects);

// Whether a library says that it aborts its process, as gloo and the watchdogs do.
bool IsAnAbortAnnounced(const Reading& reading);

}  // namespace rankscope::diagnose
