#include <unistd.h>

#include "commands.h"

namespace rankscope {

std::string ProgramPath() {
  char path[4096];
  ssize_t length = readlink("/proc/self/exe", path, sizeof path);
  return length > 0 ? std::string(path, static_cast<size_t>(length)) : "rankscope";
}

std::string LibraryFolder() {
  std::string program = ProgramPath();
  return program.substr(0, program.rfind("/bin/")) + "/lib/rankscope";
}

std::string ShippedRules() { return LibraryFolder() + "/rules"; }

std::string PythonPath() {
  std::string path = LibraryFolder() + "/python";
  return access((path + "/rankscope/__init__.py").c_str(), R_OK) == 0 ? path : "";
}

}  // namespace rankscope
