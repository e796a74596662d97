#pragma once

#include <string>

namespace rankscope::base {

// Variables of this process's environment. Not while another thread changes one.

// The value; empty where there is none.
std::string EnvironmentVariable(const char* name);
// Puts `entry` before those that the variable lists already, as in PATH.
void PrependToVariable(const char* name, const std::string& entry);

}  // namespace rankscope::base
