#include "cli/answer_end.h"

#include <gtest/gtest.h>

namespace rankscope::cli {
namespace {

TEST(AnswerEnd, APartialAnswerIsAnErrorAndNoLine) {
  base::Status end = EndSaidBy(R"({"_partial":{"limit":"rows","message":"the query met its limit of 100 rows"}})");
  EXPECT_EQ(end.code(), base::Code::kCorrupt);
  EXPECT_EQ(end.message(), "the answer is partial: the query met its limit of 100 rows");
}

TEST(AnswerEnd, AnAnswerThatBrokeOffSaysWhy) {
  EXPECT_EQ(EndSaidBy(R"({"error":"block 3 is damaged"})").message(), "the answer is not whole: block 3 is damaged");
}

TEST(AnswerEnd, ARowIsNone) {
  EXPECT_TRUE(EndSaidBy(R"({"error":"x","rank":1})").ok());
  EXPECT_TRUE(EndSaidBy(R"({"error":7})").ok());
  EXPECT_TRUE(EndSaidBy(R"({"timestamp":"2026-11-01T00:00:00Z","msg":"{\"_partial\":{}}"})").ok());
}

}  // namespace
}  // namespace rankscope::cli
