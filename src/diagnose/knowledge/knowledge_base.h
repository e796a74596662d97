#pragma once

#include <string>

#include "base/status.h"
#include "diagnose/knowledge/insights.h"
#include "diagnose/knowledge/job_facts.h"
#include "diagnose/slowness/topology.h"
#include "diagnose/verdict/verdict.h"

namespace rankscope::diagnose {

// What is known of a project's jobs, for the doors. All methods from any thread.
class KnowledgeBase {
 public:
  virtual ~KnowledgeBase() = default;

  // Of the job as it is stored now, with similar failures. Reads its records: seconds for 10 million. Null: the
  // topology that the server knows. kNotFound: there is no record of it.
  virtual base::Result<Verdict> DiagnoseNow(const std::string& job, const Topology* topology) = 0;
  // What was kept when it ended; of one that runs, made now. kNotFound: no such job.
  virtual base::Result<JobFacts> FactsOf(const std::string& job) = 0;
  // What all jobs that have ended tell together, healthy ones too.
  virtual base::Result<Insights> Summarize() = 0;
};

}  // namespace rankscope::diagnose
