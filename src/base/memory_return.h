#pragma once

#include <ctime>

namespace rankscope::base {

// Memory that comes and goes by megabytes as records are taken in: kept while the process works, since to get each page
// anew is a tenth of the time of that, and given back to the system once it has been quiet. One thread.
class MemoryReturn {
 public:
  // How the whole process allocates from now on.
  MemoryReturn();

  // Once a second, with the processor time that the process has used. True: it was quiet, had worked since memory was
  // last given back, and has given back what is free.
  bool Look(std::clock_t used = std::clock());

 private:
  std::clock_t used_ = 0;            // at the last look
  std::clock_t used_at_return_ = 0;  // when memory was last given back
  int quiet_s_ = 0;
};

}  // namespace rankscope::base
