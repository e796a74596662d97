#include <gtest/gtest.h>

#include "diagnose/testing/gloo_words.h"
#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

const char kClosed[] = "pair.cc:598] Connection closed by peer [127.0.0.1]:669";
const char kGotMore[] =
    "terminate called after throwing an instance of 'gloo::EnforceNotMet'\n"
    "  what():  [enforce fail at ./gloo/transport/tcp/pair.cc:510] op.preamble.length <= op.nbytes. 48 vs 8\n";

TEST(Judge, BlamesTheRankThatExpectedLessThanTheGradientsOfAllOthers) {
  Verdict verdict = Judge({{"rank_0.log", Steps(1, 4) + RaisedInBackward(44, kClosed)},
                           {"rank_1.log", Steps(1, 4) + kGotMore},
                           {"rank_2.log", Steps(1, 4) + RaisedInBackward(44, kClosed)}});
  EXPECT_EQ(verdict.failure, "collective_mismatch_hang");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

TEST(Judge, BlamesTheRankThatExpectedLessThanGradientsThoughTheSenderWasEndedAsItWaited) {
  Verdict verdict = Judge({{"rank_0.log", Steps(1, 4) + RaisedInBackward(44, kClosed)},
                           {"rank_1.log", Steps(1, 4) + kGotMore},
                           {"rank_2.log", Steps(1, 4)}});
  EXPECT_EQ(verdict.failure, "collective_mismatch_hang");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

TEST(Judge, BlamesTheSenderThatReducedItsGradientsWhereNoOtherDid) {
  for (const std::string& other : {std::string(), Raised(0, 31, "all_reduce", kClosed)}) {
    Verdict verdict = Judge({{"rank_0.log", Steps(1, 4) + other},
                             {"rank_1.log", Steps(1, 4) + kGotMore},
                             {"rank_2.log", Steps(1, 4) + RaisedInBackward(44, kClosed)}});
    EXPECT_EQ(verdict.failure, "collective_mismatch_hang");
    EXPECT_EQ(verdict.culprits, std::vector<int32_t>{2});
  }
}

}  // namespace
}  // namespace rankscope::diagnose
