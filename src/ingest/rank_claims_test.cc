#include "ingest/rank_claims.h"

#include <gtest/gtest.h>

#include "model/event.h"

namespace rankscope::ingest {
namespace {

std::shared_ptr<const model::RecordBatch> At(double seconds, int32_t rank = 3) {
  model::Record record;
  record.origin.job = "j";
  record.origin.rank = rank;
  record.time = static_cast<int64_t>(seconds * base::kNsPerSecond);
  std::string bytes;
  model::EncodeRecords({record}, &bytes);
  return *model::RecordBatch::Decode(std::move(bytes));
}

TEST(RankClaims, TwoProducersAtTheSameTimeAreNoticedOnce) {
  RankClaims claims;
  EXPECT_TRUE(claims.Take("a", *At(0)).empty());
  EXPECT_TRUE(claims.Take("b", *At(5)).empty());
  EXPECT_TRUE(claims.Take("b", *At(9)).empty());
  auto doubled = claims.Take("a", *At(7));
  ASSERT_EQ(doubled.size(), 1u);
  EXPECT_EQ(doubled[0].origin.rank, 3);
  EXPECT_TRUE(claims.Take("b", *At(20)).empty());
}

TEST(RankClaims, OneAfterTheOtherIsARestartHoweverLateItsRecordsCome) {
  RankClaims claims;
  EXPECT_TRUE(claims.Take("a", *At(0)).empty());
  EXPECT_TRUE(claims.Take("b", *At(10)).empty());
  EXPECT_TRUE(claims.Take("b", *At(20)).empty());
  EXPECT_TRUE(claims.Take("a", *At(10.5)).empty()) << "of the clocks' difference";
  EXPECT_TRUE(claims.Take("c", *At(15, 4)).empty()) << "another rank";
}

TEST(RankClaims, WhatOthersSayAboutARankClaimsNothing) {
  RankClaims claims;
  EXPECT_TRUE(claims.Take("a", *At(0)).empty());
  EXPECT_TRUE(claims.Take("a", *At(9)).empty());
  for (double second : {1, 8}) {
    model::Record event =
        model::MakeEvent("finding", static_cast<int64_t>(second * base::kNsPerSecond), "rank 3: out of memory");
    event.origin.job = "j";
    event.origin.rank = 3;
    std::string bytes;
    model::EncodeRecords({event}, &bytes);
    EXPECT_TRUE(claims.Take("server", **model::RecordBatch::Decode(std::move(bytes))).empty());
  }
}

}  // namespace
}  // namespace rankscope::ingest
