#include "agent/keeper/rank_environment.h"

#include <cstdlib>

#include "agent/keeper/channel_pipe.h"
#include "base/environment.h"

namespace rankscope::agent {

void SetRankEnvironment(const RankEnvironment& rank) {
  setenv("RANKSCOPE_RUN", "1", 1);
  setenv("RANKSCOPE_SOCKET", rank.socket.c_str(), 1);
  setenv("RANKSCOPE_STDOUT_INODE", InodeOf(rank.out).c_str(), 1);
  setenv("RANKSCOPE_STDERR_INODE", InodeOf(rank.err).c_str(), 1);
  setenv("RANKSCOPE_BUFFERING", rank.buffering.c_str(), 1);
  setenv("RANKSCOPE_RINGS", rank.rings.c_str(), 1);
  if (rank.log_interval_steps > 0) {
    setenv("RANKSCOPE_LOG_INTERVAL_STEPS", std::to_string(rank.log_interval_steps).c_str(), 1);
  }
  if (rank.allow_pause) setenv("RANKSCOPE_ALLOW_PAUSE", "1", 1);
  unsetenv("RANKSCOPE_RANK_PID");  // a nested run is its own
  if (rank.python_path.empty()) return;
  base::PrependToVariable("PYTHONPATH", rank.python_path + "/rankscope/bootstrap:" + rank.python_path);
}

}  // namespace rankscope::agent
