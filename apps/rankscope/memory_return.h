#pragma once

#include <ctime>

namespace rankscope {

// Memory that comes and goes by megabytes as records are taken in: kept while the process works, since to get each page
// anew is a tenth of the time of that, and given back to the system once it has been quiet. One thread.
class MemoryReturn {
 public:
  // How the whole process allocates from now on.
  MemoryReturn();

  // Once a second.
  void Look();

 private:
  std::clock_t used_ = 0;  // processor time of the process, at the last look
  int quiet_s_ = 0;
};

}  // namespace rankscope
