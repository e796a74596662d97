#pragma once

#include <functional>
#include <memory>

#include "diagnose/actions/job_actions.h"
#include "projects.h"
#include "wire/ingest_service.h"

namespace rankscope {

// Actions on the jobs of `projects`, told to `agents`; each gives null before it is there, and what it gives outlives
// the actions' Stop.
std::unique_ptr<diagnose::JobActions> MakeJobActions(const std::function<Projects*()>& projects,
                                                     const std::function<wire::IngestServer*()>& agents);

}  // namespace rankscope
