#include "notify/send_queue.h"

#include <gtest/gtest.h>

namespace rankscope::notify {
namespace {

constexpr int64_t kSecond = base::kNsPerSecond;

Delivery Make(const std::string& id, std::vector<std::string> incidents) { return {id, "chat", "body", 0, incidents}; }

TEST(SendQueue, StateNeverOvertakesTheOneBefore) {
  SendQueue queue(1);
  queue.Add(Make("1", {"a"}));
  queue.Add(Make("2", {"b", "a"}));
  queue.Add(Make("3", {"c"}));
  ASSERT_TRUE(queue.TryAgain("1", 0, std::nullopt));
  EXPECT_EQ(queue.Next(0)->id, "3") << "2 waits for 1, which waits for its time; 3 is of another incident";
  queue.Remove("3");
  EXPECT_EQ(queue.Next(0), nullptr);
  EXPECT_EQ(queue.Next(kSecond)->id, "1");
  queue.Remove("1");
  EXPECT_EQ(queue.Next(0)->id, "2");
}

TEST(SendQueue, BacksOffFromOneToSixtySecondsWithJitter) {
  SendQueue queue(7);
  queue.Add(Make("1", {"a"}));
  base::TimeNs now = 0;
  for (int64_t most : {1, 2, 4, 8, 16, 32, 60, 60, 60}) {
    ASSERT_TRUE(queue.TryAgain("1", now, std::nullopt));
    int64_t wait = *queue.NextDue() - now;
    EXPECT_LE(wait, most * kSecond);
    EXPECT_GE(wait, most * kSecond / 2);
    EXPECT_EQ(queue.Next(now + wait - 1), nullptr);
    now += wait;
    EXPECT_NE(queue.Next(now), nullptr);
  }
}

TEST(SendQueue, JitterDiffersFromChannelToChannel) {
  SendQueue one(1), other(2);
  one.Add(Make("1", {"a"}));
  other.Add(Make("1", {"a"}));
  ASSERT_TRUE(one.TryAgain("1", 0, std::nullopt));
  ASSERT_TRUE(other.TryAgain("1", 0, std::nullopt));
  EXPECT_NE(one.NextDue(), other.NextDue());
}

TEST(SendQueue, WaitsAsLongAsTheOtherEndSays) {
  SendQueue queue(1);
  queue.Add(Make("1", {"a"}));
  ASSERT_TRUE(queue.TryAgain("1", 0, 90));
  EXPECT_EQ(queue.NextDue(), 90 * kSecond);
  ASSERT_TRUE(queue.TryAgain("1", 0, 1'000'000));
  EXPECT_EQ(queue.NextDue(), SendQueue::kMostWaitNs);
}

TEST(SendQueue, GivesUpAfterADay) {
  SendQueue queue(1);
  queue.Add(Make("1", {"a"}));
  EXPECT_TRUE(queue.TryAgain("1", SendQueue::kGiveUpAfterNs - 1, std::nullopt));
  EXPECT_FALSE(queue.TryAgain("1", SendQueue::kGiveUpAfterNs, std::nullopt));
}

}  // namespace
}  // namespace rankscope::notify
