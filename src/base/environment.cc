#include "base/environment.h"

#include <cstdlib>

namespace rankscope::base {

std::string EnvironmentVariable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

void PrependToVariable(const char* name, const std::string& entry) {
  std::string before = EnvironmentVariable(name);
  setenv(name, before.empty() ? entry.c_str() : (entry + ":" + before).c_str(), 1);
}

}  // namespace rankscope::base
