#include "notify/channel_trouble.h"

#include <gtest/gtest.h>

namespace rankscope::notify {
namespace {

constexpr int64_t kMinute = 60 * base::kNsPerSecond;

ChannelStatus FailingSince(base::TimeNs time) {
  ChannelStatus status;
  status.channel = "chat";
  status.kind = "slack";
  status.failing_since = time;
  status.error = "HTTP 500";
  return status;
}

TEST(ChannelTrouble, IsToldAfterTenMinutesOfFailure) {
  EXPECT_FALSE(TroubleOf(FailingSince(kMinute), false, 10 * kMinute));
  auto trouble = TroubleOf(FailingSince(kMinute), false, 11 * kMinute);
  ASSERT_TRUE(trouble);
  EXPECT_EQ(trouble->not_to, "chat");
  EXPECT_EQ(trouble->kind, Kind::kFiring);
  EXPECT_FALSE(TroubleOf(FailingSince(kMinute), true, 12 * kMinute)) << "it is told once";
}

// Otherwise each look at the channel would make a new end, before the last one could be told.
TEST(ChannelTrouble, EndIsMadeOnce) {
  ChannelStatus works = FailingSince(0);
  works.delivered = 12 * kMinute;
  auto end = TroubleOf(works, true, 13 * kMinute);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->kind, Kind::kResolved);
  EXPECT_FALSE(TroubleOf(works, false, 14 * kMinute));
}

TEST(ChannelTrouble, GoesOnAfterARestartUntilAMessageArrives) {
  ChannelStatus fresh = FailingSince(0);
  EXPECT_FALSE(TroubleOf(fresh, true, kMinute));
}

}  // namespace
}  // namespace rankscope::notify
