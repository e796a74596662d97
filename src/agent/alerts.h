#pragma once

#include <string>
#include <vector>

#include "base/file.h"

namespace rankscope::agent {

// What the server wants said on the run's terminal: the agent appends lines to a file of the run directory, the keeper
// reads them. Neither waits for the other; what cannot be written is not said.

// One line of at most 500 bytes, cut between characters; control characters become blanks, bytes that are not UTF-8
// U+FFFD. A file of a mebibyte takes no more. Any thread, but one at a time.
void AppendAlert(const std::string& run_directory, const std::string& line);

// One thread.
class AlertReader {
 public:
  explicit AlertReader(std::string run_directory) : path_(std::move(run_directory) + "/alerts") {}

  // The whole lines that have come since the last call, each with its newline.
  std::vector<std::string> Next();

 private:
  const std::string path_;
  base::UniqueFd fd_;  // stays open when the directory goes
  std::string rest_;
};

}  // namespace rankscope::agent
