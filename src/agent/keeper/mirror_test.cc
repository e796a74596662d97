#include "agent/keeper/mirror.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include "base/file.h"

namespace rankscope::agent {
namespace {

// A terminal that shows where one write ends and the next begins.
class MirrorTest : public testing::Test {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    terminal_ = base::UniqueFd(ends[0]);
    mirror_.emplace(ends[1]);
    ours_ = base::UniqueFd(ends[1]);
  }
  std::vector<std::string> Shown() {
    std::vector<std::string> writes;
    char bytes[256];
    for (ssize_t got; (got = read(terminal_.get(), bytes, sizeof bytes)) > 0;) {
      writes.emplace_back(bytes, static_cast<size_t>(got));
    }
    return writes;
  }

  base::UniqueFd terminal_, ours_;
  std::optional<Mirror> mirror_;
};

using Writes = std::vector<std::string>;

TEST_F(MirrorTest, PiecesOfALineAreShownInOneWriteSoThatNoOtherKeeperCutsThem) {
  mirror_->Write(0, "line", false, 0);
  mirror_->Write(0, " 0 1", false, 0);
  EXPECT_EQ(Shown(), Writes{});
  mirror_->Write(0, "\nnext", false, 0);
  EXPECT_EQ(Shown(), Writes{"line 0 1\n"});
}

TEST_F(MirrorTest, ChannelsChangeAtLineBordersOnly) {
  mirror_->Write(0, "half", false, 0);
  mirror_->Write(1, "other\n", false, 0);
  mirror_->Write(0, " line\n", false, 0);
  EXPECT_EQ(Shown(), (Writes{"other\n", "half line\n"}));
}

TEST_F(MirrorTest, PromptIsShownAfterAWhile) {
  mirror_->Write(0, "name? ", false, 0);
  mirror_->Flush(Mirror::kPatience, false);
  EXPECT_EQ(Shown(), Writes{});
  mirror_->Flush(Mirror::kPatience + 1, false);
  EXPECT_EQ(Shown(), Writes{"name? "});
}

TEST_F(MirrorTest, OnlyChannelPassesAsItIs) {
  mirror_->Write(0, "50%\r", true, 0);
  EXPECT_EQ(Shown(), Writes{"50%\r"});
}

TEST_F(MirrorTest, AnAlertComesAtALineBorder) {
  mirror_->Announce("alert 1\n", 0);
  EXPECT_EQ(Shown(), Writes{"alert 1\n"});
  mirror_->Write(0, "half", true, 0);
  mirror_->Announce("alert 2\n", 0);
  EXPECT_EQ(Shown(), Writes{"half"});
  mirror_->Write(0, " line\n", true, 0);
  EXPECT_EQ(Shown(), (Writes{" line\n", "alert 2\n"}));
}

TEST_F(MirrorTest, AnAlertDoesNotWaitForeverForTheEndOfAProgressBar) {
  mirror_->Write(0, "\r50%", true, 0);
  mirror_->Announce("alert\n", 0);
  mirror_->Flush(Mirror::kNoticePatience, false);
  EXPECT_EQ(Shown(), Writes{"\r50%"});
  mirror_->Flush(Mirror::kNoticePatience + 1, false);
  EXPECT_EQ(Shown(), Writes{"\nalert\n"});
}

}  // namespace
}  // namespace rankscope::agent
