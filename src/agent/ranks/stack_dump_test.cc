#include "agent/ranks/stack_dump.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "embed/rankscope_embed.h"

namespace rankscope::agent {
namespace {

constexpr int64_t kSecond = base::kNsPerSecond;
constexpr std::string_view kCurrentThread =
    "Current thread 0x1 (most recent call first):\n  File \"/x/train.py\", line 12 in load\n";
constexpr std::string_view kOtherThread = "Thread 0x2 (most recent call first):\n  File \"/x/io.py\", line 3 in run\n";

// A rank, as a process of its own, whose handler is at work from BeginHandler to EndHandler. It blocks the signal for
// so long itself, as the kernel does for a handler: ThreadSanitizer calls none in the child of a process that had
// threads.
class Rank {
 public:
  explicit Rank(const std::string& rings) {
    EXPECT_EQ(pipe(orders_), 0);
    EXPECT_EQ(pipe(answers_), 0);
    pid_ = fork();
    if (pid_ == 0) Run(rings);
    close(orders_[0]);
    close(answers_[1]);  // the rank's own: whoever waits for one that has ended sees its pipe's end
    Await();
  }
  ~Rank() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    close(orders_[1]);
    close(answers_[0]);
  }

  void BeginHandler() { Ask('b'); }
  void EndHandler() { Ask('e'); }

 private:
  void Ask(char order) {
    ASSERT_EQ(write(orders_[1], &order, 1), 1);
    Await();
  }
  void Await() {
    char done = 0;
    ASSERT_EQ(read(answers_[0], &done, 1), 1) << "the rank has ended";
  }

  [[noreturn]] void Run(const std::string& rings) {
    std::string file = StacksFile(rings, getpid());
    int stacks = open(file.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    signal(SIGRTMIN + 9, [](int) {});
    rankscope_handle* handle = nullptr;
    rankscope_options options{sizeof options, rings.c_str(), 1, 16384, 0};
    if (rankscope_open(&options, &handle) != 0) _exit(1);
    rankscope_set_stack_signal(handle, SIGRTMIN + 9);
    sigset_t asked;
    sigemptyset(&asked);
    sigaddset(&asked, SIGRTMIN + 9);
    for (char order = 'r'; write(answers_[1], &order, 1) == 1 && read(orders_[0], &order, 1) == 1;) {
      std::string_view text = order == 'b' ? kCurrentThread : kOtherThread;
      (void)!write(stacks, text.data(), text.size());
      sigprocmask(order == 'b' ? SIG_BLOCK : SIG_UNBLOCK, &asked, nullptr);
    }
    _exit(1);
  }

  int orders_[2], answers_[2];
  pid_t pid_ = -1;
};

TEST(StackDump, IsNotWholeWhileTheHandlerIsAtItHoweverLongItPauses) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer cannot take a signal in the child of a process that had threads";
#endif
  std::string rings = testing::TempDir() + "/rankscope_stack_dump_test";
  std::filesystem::remove_all(rings);
  std::filesystem::create_directories(rings);
  Rank rank(rings);
  std::string ring_file;
  for (const auto& entry : std::filesystem::directory_iterator(rings)) {
    if (entry.path().filename().string().front() != '.') ring_file = entry.path();
  }
  auto ring = RingReader::Open(ring_file);
  ASSERT_TRUE(ring.ok()) << ring.status().message();

  StackDump dump(rings, rings);
  dump.Begin(**ring, 0);
  EXPECT_EQ(dump.method(), "faulthandler");
  EXPECT_FALSE(dump.Look(kSecond)) << "nothing is written yet";
  rank.BeginHandler();
  EXPECT_FALSE(dump.Look(2 * kSecond));
  EXPECT_FALSE(dump.Look(4 * kSecond)) << "quiet for two seconds, but the handler has not returned";
  rank.EndHandler();
  EXPECT_FALSE(dump.Look(5 * kSecond)) << "it has grown";
  EXPECT_TRUE(dump.Look(6 * kSecond));
  std::string whole = std::string(kCurrentThread) + std::string(kOtherThread);
  whole.pop_back();  // its last newline
  EXPECT_EQ(dump.text(), whole);
  EXPECT_EQ(dump.failure(), "");
}

TEST(InnermostFrame, IsOfTheThreadThatGotTheSignal) {
  EXPECT_EQ(
      InnermostFrame("Thread 0x7f (most recent call first):\n  File \"a.py\", line 1 in run\n\n"
                     "Current thread 0x8f (most recent call first):\n  File \"b c.py\", line 22 in main\n  File …"),
      "b c.py:22 in main");
  EXPECT_EQ(
      InnermostFrame("Process 7: python\nThread 7 (idle): \"MainThread\"\n    load (train.py:12)\n    main (t:1)\n"),
      "load (train.py:12)");
  EXPECT_EQ(InnermostFrame("nothing"), "");
}

}  // namespace
}  // namespace rankscope::agent
