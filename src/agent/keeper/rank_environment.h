#pragma once

#include <string>

namespace rankscope::agent {

// What the keeper tells the processes that it starts, by the variables RANKSCOPE_* and PYTHONPATH.
struct RankEnvironment {
  std::string socket;       // where a rank asks for its pipes
  int out = -1, err = -1;   // the command's pipes, by which a rank sees that it has none of its own yet
  std::string rings;        // the folder of the metric rings
  std::string buffering;    // line | keep | none
  int log_interval_steps;   // 0: the default
  bool allow_pause;         // they may be held
  std::string python_path;  // the folder of the Python package; its bootstrap goes before PYTHONPATH. Empty: none
};

// Into this process's environment, which its children inherit.
void SetRankEnvironment(const RankEnvironment& rank);

}  // namespace rankscope::agent
