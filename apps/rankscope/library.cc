#include <unistd.h>

#include "commands.h"

namespace rankscope {

std::string LibraryFolder() {
  std::string program = ProgramPath();
  return program.substr(0, program.rfind("/bin/")) + "/lib/rankscope";
}

std::string PythonPath() {
  std::string path = LibraryFolder() + "/python";
  return access((path + "/rankscope/__init__.py").c_str(), R_OK) == 0 ? path : "";
}

}  // namespace rankscope
