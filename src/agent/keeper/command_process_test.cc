#include "agent/keeper/command_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace rankscope::agent {
namespace {

sigset_t NoSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  return signals;
}

// What the command prints whose keeper does that with it and is then SIGKILLed.
template <typename Keep>
std::string PrintedUnderKeeper(Keep keep) {
  int printed[2];
  EXPECT_EQ(pipe2(printed, O_CLOEXEC), 0);
  pid_t keeper = fork();
  if (keeper == 0) {
    CommandProcess command;
    bool made = command.Start({"echo", "began"}, printed[1], printed[1], NoSignals()).ok();
    if (made) keep(&command);
    raise(SIGKILL);
  }
  close(printed[1]);
  std::string text;
  char bytes[64];
  for (ssize_t got; (got = read(printed[0], bytes, sizeof bytes)) > 0;) text.append(bytes, static_cast<size_t>(got));
  close(printed[0]);
  waitpid(keeper, nullptr, 0);
  return text;
}

TEST(CommandProcess, BeginsWhenLetGo) {
  EXPECT_EQ(PrintedUnderKeeper([](CommandProcess* command) { command->LetGo(); }), "began\n");
}

TEST(CommandProcess, NeverBeginsWhenItsKeeperDiesBeforeItHasAGuard) {
  EXPECT_EQ(PrintedUnderKeeper([](CommandProcess*) {}), "");
}

TEST(CommandProcess, IsLetGoByTheGuardOfAKeeperThatDied) {
  auto die_before_the_guard_lets_go = [](CommandProcess* command) {
    pid_t keeper = getpid();
    if (fork() != 0) return;
    while (getppid() == keeper) usleep(1000);
    command->LetGo();
    _exit(0);
  };
  EXPECT_EQ(PrintedUnderKeeper(die_before_the_guard_lets_go), "began\n");
}

}  // namespace
}  // namespace rankscope::agent
