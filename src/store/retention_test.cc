#include "store/retention.h"

#include <gtest/gtest.h>

namespace rankscope::store {
namespace {

constexpr base::TimeNs kNow = 1000;

std::vector<std::string> Gone(const std::vector<StoredSegment>& segments, const Retention& retention,
                              const Kept& kept = {}) {
  std::vector<std::string> names;
  for (const StoredSegment& segment : ChooseExpired(segments, retention, kept, kNow)) names.push_back(segment.name);
  return names;
}

using Names = std::vector<std::string>;

// name, job, bytes, records, first and last time.
const std::vector<StoredSegment> kSegments = {{"c", "new", 10, 1, 700, 900},
                                              {"a", "old", 10, 1, 0, 100},
                                              {"b", "old", 10, 1, 50, 500},
                                              {"d", "new", 10, 1, 0, 950}};

TEST(Retention, NothingGoesWithoutALimit) { EXPECT_TRUE(Gone(kSegments, {}).empty()); }

TEST(Retention, WhatIsWhollyTooOldGoesOldestFirst) {
  EXPECT_EQ(Gone(kSegments, {.max_age_ns = 500}), (Names{"a"})) << "b ends just in time, d began long ago";
  EXPECT_EQ(Gone(kSegments, {.max_age_ns = 50}), (Names{"a", "b", "c"}));
}

TEST(Retention, OldestGoUntilFewEnoughBytesAreLeft) {
  EXPECT_TRUE(Gone(kSegments, {.max_bytes = 40}).empty());
  EXPECT_EQ(Gone(kSegments, {.max_bytes = 39}), (Names{"a"}));
  EXPECT_EQ(Gone(kSegments, {.max_bytes = 15}), (Names{"a", "b", "c"}));
  EXPECT_EQ(Gone(kSegments, {.max_age_ns = 400, .max_bytes = 20}), (Names{"a", "b"}));
}

TEST(Retention, PinnedJobsStayAndOthersMakeRoom) {
  Kept kept{.pinned = {"old"}};
  EXPECT_EQ(Gone(kSegments, {.max_age_ns = 10}, kept), (Names{"c", "d"}));
  EXPECT_EQ(Gone(kSegments, {.max_bytes = 30}, kept), (Names{"c"}));
  EXPECT_EQ(Gone(kSegments, {.max_bytes = 0}, kept), (Names{"c", "d"}));
}

TEST(Retention, NewestOfARunningJobStays) {
  EXPECT_EQ(Gone(kSegments, {.max_age_ns = 10}, {.running = {"old", "new"}}), (Names{"a", "c"}));
}

TEST(Retention, WhatIsCitedStays) {
  EXPECT_EQ(Gone(kSegments, {.max_age_ns = 10}, {.citations = {{"old", {{100, 100}}}}}), (Names{"c", "d"}));
  EXPECT_EQ(Gone(kSegments, {.max_age_ns = 10}, {.citations = {{"old", {{900, 900}, {101, 600}}}}}),
            (Names{"a", "c", "d"}));
  EXPECT_EQ(Gone(kSegments, {.max_age_ns = 10}, {.citations = {{"other", {{0, 1000}}}}}), (Names{"a", "b", "c", "d"}));
}

}  // namespace
}  // namespace rankscope::store
