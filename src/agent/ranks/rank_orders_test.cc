#include "agent/ranks/rank_orders.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "agent/testing/ring_case.h"
#include "base/clock.h"

namespace rankscope::agent {
namespace {

using Kind = model::JobOrder::Kind;

class RankOrdersTest : public RingCase {
 protected:
  void SetUp() override {
    RingCase::SetUp();
    Open(1);
    rings_ = std::make_unique<Rings>(config_, SourcePositions{});
    orders_ = std::make_unique<RankOrders>(config_, directory_, rings_.get(),
                                           [this](model::JobAnswer answer) { answers_.push_back(std::move(answer)); });
  }

  void Look(bool server_is_there = true) {
    rings_->LookAtOnce();
    rings_->Pull(1 << 20);
    orders_->Look(base::MonotonicNow(), server_is_there);
  }
  // What the ranks answer at once: the last answer's first rank, else an empty outcome.
  model::RankAnswer Ask(Kind kind, std::optional<int64_t> step = {}, const std::string& level = "") {
    Look();
    model::JobOrder order;
    order.action = "a1";
    order.name = "pause_job";
    order.kind = kind;
    order.step = step;
    order.limit_ms = 60'000;
    order.level = level;
    orders_->Take(order, base::MonotonicNow());
    return Last();
  }
  model::RankAnswer Last() const {
    return answers_.empty() || answers_.back().ranks.empty() ? model::RankAnswer{} : answers_.back().ranks[0];
  }
  std::vector<std::string> Outcomes() {
    std::vector<std::string> outcomes;
    for (const model::Record& record : orders_->Drain()) {
      outcomes.push_back(std::get<std::string>(*model::FindField(record.fields, "outcome")));
    }
    return outcomes;
  }

  std::unique_ptr<Rings> rings_;
  std::unique_ptr<RankOrders> orders_;
  std::vector<model::JobAnswer> answers_;
};

TEST_F(RankOrdersTest, AJobThatHasNotAgreedSaysSo) {
  rankscope_set_step(handle_, 4);
  EXPECT_EQ(Ask(Kind::kPrepare, 6).outcome, "not_allowed");
  EXPECT_EQ(rankscope_set_step(handle_, 6), 0);
}

TEST_F(RankOrdersTest, ARankWithoutStepsCannotWaitBetweenThem) {
  rankscope_allow_pause(handle_);
  EXPECT_EQ(Ask(Kind::kPrepare, 6).outcome, "no_step");
}

TEST_F(RankOrdersTest, AHoldIsToldWhenTheRankWaitsAndWhenItGoesOn) {
  rankscope_allow_pause(handle_);
  rankscope_set_collective_timeout(handle_, 600);
  rankscope_set_step(handle_, 4);
  model::RankAnswer ready = Ask(Kind::kPrepare, 6);
  EXPECT_EQ(ready.outcome, "ready");
  EXPECT_EQ(ready.rank, 3);
  EXPECT_EQ(ready.step, 4);
  EXPECT_EQ(ready.collective_timeout_s, 600u);
  Ask(Kind::kHold, 6);
  EXPECT_EQ(rankscope_set_step(handle_, 5), 0);
  Look();
  EXPECT_TRUE(Outcomes().empty());
  EXPECT_EQ(rankscope_set_step(handle_, 6), RANKSCOPE_HEED);
  EXPECT_EQ(rankscope_heed(handle_), RANKSCOPE_WAIT);
  Look();
  EXPECT_EQ(Last().outcome, "held");
  EXPECT_EQ(Last().step, 6);
  EXPECT_EQ(Ask(Kind::kGo).outcome, "resumed");
  EXPECT_EQ(rankscope_heed(handle_), RANKSCOPE_GO_ON);
  EXPECT_EQ(Outcomes(), (std::vector<std::string>{"held", "resumed"}));
}

TEST_F(RankOrdersTest, AStepThatIsBegunIsTooLate) {
  rankscope_allow_pause(handle_);
  rankscope_set_step(handle_, 6);
  model::RankAnswer late = Ask(Kind::kPrepare, 6);
  EXPECT_EQ(late.outcome, "late");
  EXPECT_EQ(late.step, 6);
}

TEST_F(RankOrdersTest, AHeldRankMayBeToldToEnd) {
  rankscope_allow_pause(handle_);
  rankscope_set_step(handle_, 4);
  Ask(Kind::kPrepare, 5);
  Ask(Kind::kHold, 5);
  rankscope_set_step(handle_, 5);
  rankscope_heed(handle_);
  Look();
  Ask(Kind::kEnd, 5);
  EXPECT_EQ(rankscope_heed(handle_), RANKSCOPE_STOP);
  Look();
  EXPECT_EQ(Outcomes(), (std::vector<std::string>{"held", "ending"}));
}

TEST_F(RankOrdersTest, WhetherARankCanEndIsWhatItHasSaid) {
  rankscope_allow_pause(handle_);
  rankscope_set_step(handle_, 4);
  EXPECT_EQ(Ask(Kind::kPrepare, 6).end, model::RankAnswer::End::kGoesOn);
  rankscope_can_end(handle_, 0);
  EXPECT_EQ(Ask(Kind::kPrepare, 6).end, model::RankAnswer::End::kEnds);
  rankscope_can_end(handle_, 1);
  EXPECT_EQ(Ask(Kind::kPrepare, 6).end, model::RankAnswer::End::kSaves);
}

TEST_F(RankOrdersTest, ARankThatDoesNotAskIsNotSaidToEnd) {
  rankscope_allow_pause(handle_);
  rankscope_set_step(handle_, 4);
  Ask(Kind::kPrepare, 5);
  Ask(Kind::kEnd, 5);
  rankscope_set_step(handle_, 5);
  EXPECT_EQ(rankscope_is_held(handle_), 0);
  Look();
  EXPECT_TRUE(Outcomes().empty());
}

TEST_F(RankOrdersTest, ARankOnItsWayIsToldOnceASecondWithHowLongItHasBeenThere) {
  rankscope_allow_pause(handle_);
  Look();
  int64_t now = base::MonotonicNow();
  for (int64_t step = 1; step <= 4; ++step) {
    rankscope_set_step(handle_, step);
    orders_->Look(now += 2 * base::kNsPerSecond, true);
  }
  Ask(Kind::kPrepare, 6);
  Ask(Kind::kHold, 6);
  size_t answers = answers_.size();
  orders_->Look(now + 9 * base::kNsPerSecond, true);
  orders_->Look(now + 9 * base::kNsPerSecond + 1, true);
  ASSERT_EQ(answers_.size(), answers + 1);
  EXPECT_EQ(Last().outcome, "going");
  EXPECT_EQ(Last().step, 4);
  EXPECT_EQ(Last().step_ns, 2 * base::kNsPerSecond);
  EXPECT_EQ(Last().at_step_ns, 9 * base::kNsPerSecond);
}

TEST_F(RankOrdersTest, ARankThatHasRaisedSaysSo) {
  rankscope_allow_pause(handle_);
  rankscope_set_step(handle_, 4);
  rankscope_raised(handle_);
  EXPECT_EQ(Ask(Kind::kPrepare, 6).outcome, "raised");
}

TEST_F(RankOrdersTest, RanksGoOnWhenTheServerIsAway) {
  rankscope_allow_pause(handle_);
  rankscope_set_step(handle_, 4);
  Ask(Kind::kPrepare, 5);
  Ask(Kind::kHold, 5);
  rankscope_set_step(handle_, 5);
  EXPECT_EQ(rankscope_heed(handle_), RANKSCOPE_WAIT);
  int64_t now = base::MonotonicNow();
  orders_->Look(now, true);
  orders_->Look(now + 29 * base::kNsPerSecond, false);
  EXPECT_EQ(rankscope_heed(handle_), RANKSCOPE_WAIT);
  orders_->Look(now + 31 * base::kNsPerSecond, false);
  EXPECT_EQ(rankscope_heed(handle_), RANKSCOPE_GO_ON);
  EXPECT_EQ(Outcomes(), (std::vector<std::string>{"held", "left"}));
}

TEST_F(RankOrdersTest, ALevelReachesTheRank) {
  EXPECT_EQ(Ask(Kind::kLevel, {}, "LOUD").outcome, "cannot");
  EXPECT_EQ(Ask(Kind::kLevel, {}, "DEBUG").outcome, "set");
  EXPECT_EQ(rankscope_level(handle_), 10u);
}

TEST_F(RankOrdersTest, AWorkerOfTheRankIsAskedForNothing) {
  rankscope_close(handle_);
  handle_ = nullptr;
  Look();
  Open(1, 1);
  Look();
  EXPECT_TRUE(rings_->LiveRanks().empty());
}

std::string* stacks_file = nullptr;

void WriteStacks(int) {
  int fd = open(stacks_file->c_str(), O_WRONLY | O_APPEND);
  constexpr char kText[] = "Current thread 0x1 (most recent call first):\n  File \"/x/train.py\", line 12 in load\n";
  (void)!write(fd, kText, sizeof kText - 1);
  close(fd);
}

// A rank, as a process of its own, that writes its stacks when it gets the signal; `announces`: its ring says so. It
// takes the signal by sigwait: ThreadSanitizer calls no handler in the child of a process that has had threads.
pid_t StartRank(const std::string& directory, bool announces) {
  pid_t pid = fork();
  if (pid != 0) return pid;
  setenv("RANK", "5", 1);
  std::string file = StacksFile(directory, getpid());
  stacks_file = &file;
  close(open(file.c_str(), O_CREAT | O_WRONLY, 0600));
  signal(SIGRTMIN + 9, announces ? WriteStacks : SIG_DFL);
  sigset_t asked;
  sigemptyset(&asked);
  sigaddset(&asked, SIGRTMIN + 9);
  if (announces) sigprocmask(SIG_BLOCK, &asked, nullptr);
  rankscope_handle* handle = nullptr;
  rankscope_options options{sizeof options, directory.c_str(), 1, 16384, 0};
  if (rankscope_open(&options, &handle) != 0) _exit(1);
  rankscope_set_stack_signal(handle, SIGRTMIN + 9);
  rankscope_set_step(handle, 1);
  while (!announces) pause();
  for (int number = 0; sigwait(&asked, &number) == 0;) WriteStacks(number);
  _exit(1);
}

class StacksTest : public RankOrdersTest, public testing::WithParamInterface<bool> {};

TEST_P(StacksTest, OnlyAProcessWithAHandlerOfOursIsSignalled) {
  setenv("PATH", "/nowhere", 1);  // no py-spy
  pid_t rank = StartRank(directory_, GetParam());
  auto of_rank_5 = [&]() -> const model::RankAnswer* {
    for (const model::JobAnswer& answer : answers_) {
      for (const model::RankAnswer& one : answer.ranks) {
        if (one.rank == 5 && one.outcome != "asked") return &one;
      }
    }
    return nullptr;
  };
  while (rings_->LiveRanks().count(5) == 0 || rings_->LiveRanks()[5].ring->control().passed_step().has_value()) Look();
  while (rings_->LiveRanks()[5].ring->control().stack_signal() == 0) Look();
  Ask(Kind::kStacks);
  while (!of_rank_5()) Look();
  EXPECT_EQ(of_rank_5()->outcome, GetParam() ? "captured" : "cannot");
  EXPECT_EQ(kill(rank, 0), 0) << "it lives";
  size_t records = orders_->Drain().size();
  EXPECT_GT(records, 0U);
  answers_.clear();
  Ask(Kind::kStacks);
  while (!of_rank_5()) Look();
  EXPECT_EQ(orders_->Drain().size(), 0U) << "a server that begins the same again is told the same again";
  if (GetParam()) {
    EXPECT_EQ(of_rank_5()->detail, "/x/train.py:12 in load");
  }
  kill(rank, SIGKILL);
  waitpid(rank, nullptr, 0);
}

INSTANTIATE_TEST_SUITE_P(WithAndWithoutAHandler, StacksTest, testing::Bool());

}  // namespace
}  // namespace rankscope::agent
