#include "agent/exit_status.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "agent/pidfd.h"

namespace rankscope::agent {
namespace {

pid_t StartChild(int exit_code) {
  pid_t child = fork();
  if (child == 0) _exit(exit_code);
  return child;
}

std::optional<ExitStatus> ReadWhenEnded(int pidfd, pid_t pid) {
  pollfd ended{pidfd, POLLIN, 0};
  poll(&ended, 1, -1);
  return ReadExitStatus(pidfd, pid);
}

TEST(ExitStatus, OfAZombieIsRead) {
  pid_t child = StartChild(3);
  base::UniqueFd pidfd = OpenPidfd(child);
  auto status = ReadWhenEnded(pidfd.get(), child);
  waitpid(child, nullptr, 0);
  ASSERT_TRUE(status);
  EXPECT_EQ(WEXITSTATUS(status->wait_status), 3);
}

// Left out on kernels before 6.15: there a process that has been reaped tells nobody how it ended, so that whether we
// are told is a race that no code of ours can win.
TEST(ExitStatus, IsNotLostWhenTheParentReapsMeanwhile) {
  for (int i = 0; i < 300; ++i) {
    pid_t child = StartChild(3);
    base::UniqueFd pidfd = OpenPidfd(child);
    std::thread parent([child] { waitpid(child, nullptr, 0); });
    auto status = ReadWhenEnded(pidfd.get(), child);
    parent.join();
    auto reaped = ReadExitStatus(pidfd.get(), child);
    if (!reaped) GTEST_SKIP() << "this kernel does not tell how a process ended that has been reaped (6.15 does)";
    ASSERT_TRUE(status) << "run " << i;
    EXPECT_EQ(WEXITSTATUS(status->wait_status), 3);
  }
}

}  // namespace
}  // namespace rankscope::agent
