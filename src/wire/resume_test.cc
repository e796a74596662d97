#include "wire/resume.h"

#include <gtest/gtest.h>

namespace rankscope::wire {
namespace {

Frame Spanning(uint64_t first, uint32_t count) {
  Frame frame;
  frame.first_seq = first;
  frame.count = count;
  return frame;
}

TEST(Admit, TakesOnlyTheNextFrame) {
  EXPECT_EQ(Admit(10, Spanning(11, 5)), Admission::kAppend);
  EXPECT_EQ(Admit(10, Spanning(6, 5)), Admission::kDuplicate);
  EXPECT_EQ(Admit(10, Spanning(8, 5)), Admission::kGap);
  EXPECT_EQ(Admit(10, Spanning(12, 1)), Admission::kGap);
}

TEST(Resume, NoticesAServerThatWentBackAndASpoolThatDid) {
  EXPECT_EQ(Resume(10, 10, 20), Resumption::kSend);
  EXPECT_EQ(Resume(5, 10, 20), Resumption::kRegressed);
  EXPECT_EQ(Resume(20, 10, 20), Resumption::kNewProducer);
}

}  // namespace
}  // namespace rankscope::wire
