#pragma once

#include <functional>
#include <memory>

#include "diagnose/actions/job_actions.h"
#include "notify/live_notifier.h"
#include "projects.h"
#include "wire/ingest_service.h"

namespace rankscope {

// Actions on the jobs of `projects`, told to `agents`; each gives null before it is there, and what it gives outlives
// the actions' Stop.
// A null notifier: nobody is told.
std::unique_ptr<diagnose::JobActions> MakeJobActions(const std::function<Projects*()>& projects,
                                                     const std::function<wire::IngestServer*()>& agents,
                                                     notify::LiveNotifier* notifier);

// kNotFound: no channel has that name; says which there are. kInvalid: nobody is told by this server. kUnavailable: the
// delivery log is not open now.
base::Status CheckChannel(notify::LiveNotifier* notifier, const std::string& channel);

}  // namespace rankscope
