#include "diagnose/verdict/advice.h"

#include <gtest/gtest.h>

#include <string>

#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

TEST(Advice, OfASubclassComesBeforeThatOfItsClass) {
  const auto advice = AdviceOn("unused_parameters_ddp", "ready twice");
  ASSERT_GE(advice.size(), 2U);
  EXPECT_NE(advice[0].text.find("use_reentrant=False"), std::string::npos);
  EXPECT_NE(advice[1].text.find("find_unused_parameters=True"), std::string::npos);
  EXPECT_EQ(advice[0].doc, "docs/failures/unused_parameters_ddp.md");
}

TEST(Advice, OfAnotherSubclassIsThatOfItsClass) {
  EXPECT_EQ(AdviceOn("unused_parameters_ddp", "unused").front().text,
            AdviceOn("unused_parameters_ddp", "").front().text);
  EXPECT_TRUE(AdviceOn("none", "").empty());
  EXPECT_TRUE(AdviceOn("no such class", "unused").empty());
}

TEST(Advice, IsNotSaidTwice) {
  const auto advice = AdviceOn("cuda_oom", "fragmentation");
  for (size_t i = 1; i < advice.size(); ++i) EXPECT_NE(advice[i].text, advice[0].text);
}

TEST(Advice, OfAThreadThatCannotBeStartedIsNotOfFiles) {
  const Verdict verdict = JudgeLog(Steps(1, 9) + "RuntimeError: can't start new thread\n");
  EXPECT_EQ(verdict.failure, "too_many_open_files");
  ASSERT_FALSE(verdict.advice.empty());
  EXPECT_NE(verdict.advice.front().text.find("ulimit -u"), std::string::npos);
}

}  // namespace
}  // namespace rankscope::diagnose
