#include "agent/keeper/read_buffer.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace rankscope::agent {
namespace {

// Runs `read` in a child that is then SIGKILLed, as a keeper is.
template <typename Read>
void InKilledChild(Read read) {
  pid_t child = fork();
  if (child == 0) {
    read();
    raise(SIGKILL);
  }
  waitpid(child, nullptr, 0);
}

class ReadBufferTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(pipe(fds_), 0); }
  void TearDown() override {
    close(fds_[0]);
    close(fds_[1]);
  }
  int fds_[2];
  ReadBuffer buffer_;
};

TEST_F(ReadBufferTest, BytesOfAKilledReaderAreRescued) {
  ASSERT_EQ(write(fds_[1], "half a li", 9), 9);
  InKilledChild([&] { buffer_.Read(fds_[0], 7, 1000); });
  auto left = buffer_.Rescue();
  ASSERT_TRUE(left);
  EXPECT_EQ(left->channel, 7u);
  EXPECT_EQ(left->before, 1000u);
  EXPECT_EQ(left->bytes, "half a li");
}

TEST_F(ReadBufferTest, NothingIsRescuedThatWasDone) {
  ASSERT_EQ(write(fds_[1], "line\n", 5), 5);
  InKilledChild([&] {
    buffer_.Read(fds_[0], 7, 0);
    buffer_.Done();
  });
  EXPECT_FALSE(buffer_.Rescue());
}

TEST_F(ReadBufferTest, NothingIsRescuedOfAReadThatHadNotHappened) {
  InKilledChild([&] {
    alarm(1);  // SIGALRM ends it within read(2)
    buffer_.Read(fds_[0], 7, 0);
  });
  EXPECT_FALSE(buffer_.Rescue());
}

}  // namespace
}  // namespace rankscope::agent
