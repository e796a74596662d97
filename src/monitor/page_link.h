#pragma once

#include <string>

namespace rankscope::monitor {

// The address of a job's or an incident's page: EXTERNAL/jobs/ID?project=P. Empty where no address of the server is
// known.
std::string PageLink(const std::string& external_url, const std::string& kind, const std::string& id,
                     const std::string& project);

}  // namespace rankscope::monitor
