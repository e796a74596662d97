#include "embed/control.h"

#include <gtest/gtest.h>

#include <atomic>
#include <ctime>
#include <thread>

#include "embed/rankscope_embed.h"

namespace {

int64_t Now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
}

class Control : public testing::Test {
 protected:
  Control() {
    rankscope_control_begin(&control_, 0);
    rankscope_control_mark(&control_, RANKSCOPE_MAY_PAUSE);
    control_.beat_ns = Now();
  }

  // As the agent does it.
  void Order(uint64_t number, int kind, int64_t at_step, uint32_t limit_ms = 60000) {
    __atomic_store_n(&control_.order, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&control_.at_step, at_step, __ATOMIC_SEQ_CST);
    __atomic_store_n(&control_.limit_ms, limit_ms, __ATOMIC_SEQ_CST);
    __atomic_store_n(&control_.order, number << 8 | static_cast<uint64_t>(kind), __ATOMIC_SEQ_CST);
  }
  bool Arrives(int64_t step, bool back = false) {
    return rankscope_control_arrive(&control_, &waiter_, step, back ? 1 : 0) != 0;
  }
  int Heeds(bool ends = true) { return rankscope_control_heed(&control_, &waiter_, ends ? 1 : 0); }
  int State() const { return static_cast<int>(control_.state & 0xff); }

  rankscope_control control_{};
  rankscope_waiter waiter_{};
};

TEST_F(Control, ARankWaitsAtTheStepAndGoesOnWhenItIsTold) {
  Order(1, RANKSCOPE_PREPARE, 5);
  EXPECT_FALSE(Arrives(4));
  EXPECT_TRUE(Arrives(5));
  EXPECT_EQ(Heeds(), RANKSCOPE_WAIT);
  EXPECT_EQ(control_.state, uint64_t{1} << 8 | RANKSCOPE_WAITING);
  Order(1, RANKSCOPE_HOLD, 5);
  EXPECT_EQ(Heeds(), RANKSCOPE_WAIT);
  Order(2, RANKSCOPE_GO, 0);
  EXPECT_EQ(Heeds(), RANKSCOPE_GO_ON);
  EXPECT_EQ(State(), RANKSCOPE_GOING);
  EXPECT_FALSE(Arrives(6));
}

TEST_F(Control, ARankThatSkipsTheStepWaitsAtTheNext) {
  Order(1, RANKSCOPE_HOLD, 5);
  EXPECT_FALSE(Arrives(4));
  EXPECT_TRUE(Arrives(10));
  EXPECT_EQ(Heeds(), RANKSCOPE_WAIT);
}

TEST_F(Control, AJobThatHasNotAgreedIsNotHeld) {
  control_.traits = 0;
  Order(1, RANKSCOPE_HOLD, 5);
  EXPECT_FALSE(Arrives(6));
  EXPECT_EQ(Heeds(), RANKSCOPE_GO_ON);
  EXPECT_EQ(rankscope_control_raised(&control_), RANKSCOPE_GO_ON);
}

TEST_F(Control, ARankWhoseAgentIsGoneGoesOnAndDoesNotWaitAgain) {
  Order(1, RANKSCOPE_HOLD, 5);
  EXPECT_TRUE(Arrives(5));
  control_.beat_ns = Now() - 16'000'000'000;
  EXPECT_EQ(Heeds(), RANKSCOPE_GO_ON);
  EXPECT_EQ(State(), RANKSCOPE_LEFT);
  control_.beat_ns = Now();
  EXPECT_FALSE(Arrives(6));
  EXPECT_EQ(Heeds(), RANKSCOPE_GO_ON);
  EXPECT_EQ(State(), RANKSCOPE_LEFT) << "it says so until it is asked for something else";
}

TEST_F(Control, ARankWaitsNoLongerThanItsLimit) {
  Order(1, RANKSCOPE_HOLD, 5, 0);
  EXPECT_TRUE(Arrives(5));
  while (Heeds() == RANKSCOPE_WAIT) {
  }
  EXPECT_EQ(State(), RANKSCOPE_LEFT);
  Order(2, RANKSCOPE_HOLD, 7);
  EXPECT_TRUE(Arrives(7)) << "another order counts anew";
  EXPECT_EQ(Heeds(), RANKSCOPE_WAIT);
}

TEST_F(Control, AHeldRankMayBeToldToEnd) {
  Order(1, RANKSCOPE_HOLD, 5);
  EXPECT_TRUE(Arrives(5));
  EXPECT_EQ(Heeds(), RANKSCOPE_WAIT);
  Order(1, RANKSCOPE_END, 5);
  EXPECT_EQ(Heeds(), RANKSCOPE_STOP);
  EXPECT_EQ(State(), RANKSCOPE_ENDING);
  EXPECT_EQ(Heeds(), RANKSCOPE_STOP) << "whoever asks is told";
}

TEST_F(Control, ARankThatOnlyWaitsDoesNotSayThatItEnds) {
  Order(1, RANKSCOPE_HOLD, 5);
  EXPECT_TRUE(Arrives(5));
  EXPECT_EQ(Heeds(/*ends=*/false), RANKSCOPE_WAIT);
  Order(1, RANKSCOPE_END, 5);
  EXPECT_EQ(Heeds(/*ends=*/false), RANKSCOPE_STOP);
  EXPECT_EQ(State(), RANKSCOPE_GOING);
  EXPECT_EQ(Heeds(), RANKSCOPE_STOP);
  EXPECT_EQ(State(), RANKSCOPE_ENDING);
}

TEST_F(Control, ValuesThatComeLateAreNoStep) {
  EXPECT_FALSE(Arrives(10));
  Order(1, RANKSCOPE_HOLD, 12);
  EXPECT_FALSE(Arrives(3));
  EXPECT_EQ(control_.passed_step, 10);
  EXPECT_FALSE(Arrives(3, /*back=*/true));
  EXPECT_EQ(control_.passed_step, 3) << "a run that goes back says so by set_step";
}

TEST_F(Control, ALevelIsHeededWithoutTheJobsConsent) {
  control_.traits = 0;
  control_.level = 10;
  EXPECT_TRUE(Arrives(1));
  EXPECT_EQ(Heeds(), RANKSCOPE_GO_ON);
  EXPECT_FALSE(Arrives(2));
}

TEST_F(Control, ARaisedRankWaitsWhileAnOrderIsOpen) {
  EXPECT_EQ(rankscope_control_raised(&control_), RANKSCOPE_GO_ON);
  EXPECT_TRUE(control_.traits & RANKSCOPE_HAS_RAISED);
  Order(1, RANKSCOPE_PREPARE, 5);
  EXPECT_EQ(rankscope_control_raised(&control_), RANKSCOPE_WAIT);
  Order(1, RANKSCOPE_END, 5);
  EXPECT_EQ(rankscope_control_raised(&control_), RANKSCOPE_GO_ON);
}

// Either the agent sees that the step is passed, or the rank sees the order: never neither.
TEST_F(Control, NoStepSlipsPastAnOrderThatFoundItAhead) {
  for (uint64_t round = 1; round <= 2000; ++round) {
    auto step = static_cast<int64_t>(round);
    std::atomic<bool> go{false};
    bool heeded = false;
    std::thread rank([&] {
      while (!go) {
      }
      heeded = Arrives(step);
    });
    go = true;
    Order(round, RANKSCOPE_PREPARE, step);
    bool passed = __atomic_load_n(&control_.passed_step, __ATOMIC_SEQ_CST) >= step;
    rank.join();
    ASSERT_TRUE(heeded || passed) << "round " << round;
  }
}

}  // namespace
