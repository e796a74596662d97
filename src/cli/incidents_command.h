#pragma once

#include <string>

#include "base/status.h"

namespace rankscope::cli {

struct IncidentsOptions {
  std::string server, job, state;  // job and state "": all
  bool json = false;               // the server's objects as they are
};

// `rankscope incidents`: a line an incident, newest last, and who looks after it.
base::Status RunIncidents(const IncidentsOptions& options);

// `rankscope incidents show ID`: all of it, with its members, evidence and what was around it. kNotFound.
base::Status RunIncidentShow(const std::string& server, const std::string& id, bool json);

// `rankscope incidents ack|confirm|dismiss|resolve ID`.
struct IncidentWordOptions {
  std::string server, id;
  std::string action;  // ack, confirm, dismiss, resolve
  std::string by, note;
  std::string lasting;  // of an acknowledgement: "2h"; empty: while it is open and gets no worse
};
base::Status RunIncidentWord(const IncidentWordOptions& options);

// `rankscope rules stats`: how often each rule fired, and what people made of it.
base::Status RunRuleStats(const std::string& server, bool json);

}  // namespace rankscope::cli
