#pragma once

#include <string>
#include <vector>

namespace rankscope {

// The words of the command line as CLI11 reads them: "--label A=1 B=2" as an option each, and "--name=" as a value that
// is empty and not as one that follows. What comes after "--" is the training command's and stays.
std::vector<std::string> CommandWords(int argc, char** argv);

}  // namespace rankscope
