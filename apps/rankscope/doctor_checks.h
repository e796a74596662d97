#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "agent/ship/unsent_spools.h"

// The parts of `rankscope doctor`.
namespace rankscope::doctor {

struct Check {
  std::string name, state, text;  // state: ok | warning | error
};

// Whether the server answers, by HTTP and by gRPC, how far its clock is from ours, and what the token opens there.
void CheckServer(const std::string& address, std::vector<Check>* checks);

// Of the runs of this user on this node.
std::vector<agent::UnsentSpool> FindUnsentSpools();
Check CheckSpools(const std::vector<agent::UnsentSpool>& spools);
nlohmann::json ToJson(const std::vector<agent::UnsentSpool>& spools);

// With one digit behind the point.
std::string Fixed(double value);

}  // namespace rankscope::doctor
