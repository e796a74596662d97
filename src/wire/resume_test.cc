#include "wire/resume.h"

#include <gtest/gtest.h>

namespace rankscope::wire {
namespace {

TEST(Admit, TakesOnlyTheNextFrame) {
  EXPECT_EQ(Admit(10, 11, 15), Admission::kAppend);
  EXPECT_EQ(Admit(10, 6, 10), Admission::kDuplicate);
  EXPECT_EQ(Admit(10, 8, 12), Admission::kGap);
  EXPECT_EQ(Admit(10, 12, 12), Admission::kGap);
}

TEST(Resume, NoticesAServerThatWentBackAndASpoolThatDid) {
  EXPECT_EQ(Resume(10, 10, 20), Resumption::kSend);
  EXPECT_EQ(Resume(5, 10, 20), Resumption::kRegressed);
  EXPECT_EQ(Resume(20, 10, 20), Resumption::kNewProducer);
}

}  // namespace
}  // namespace rankscope::wire
