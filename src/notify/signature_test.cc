#include "notify/signature.h"

#include <gtest/gtest.h>

#include "base/url.h"

namespace rankscope::notify {
namespace {

// The expected values come from Python's hmac and from openssl.
TEST(Signature, OfAWebhookIsThatOfTimeAndBody) {
  EXPECT_EQ(WebhookSignature("SEC1", "", R"({"a":1})", 1'700'000'000 * base::kNsPerSecond),
            "t=1700000000,v1=de61b1dafe8cb7236848b2b92cd89e8ae8a2b92f6d1f014e5bb2fccb4c7b277a");
}

TEST(Signature, HasOneForEachSecretWhileTheyAreChanged) {
  std::string header = WebhookSignature("OLD", "SEC1", R"({"a":1})", 1'700'000'000 * base::kNsPerSecond);
  EXPECT_TRUE(header.ends_with(",v1=de61b1dafe8cb7236848b2b92cd89e8ae8a2b92f6d1f014e5bb2fccb4c7b277a")) << header;
  EXPECT_EQ(header.find(",v1="), 12U);
  EXPECT_NE(header.find(",v1="), header.rfind(",v1="));
}

TEST(Signature, OfFeishuHasTheSecretInTheKeyAndAnEmptyMessage) {
  EXPECT_EQ(FeishuSignature("SEC1", 1'700'000'000), "s3Va4ru9IQUY6HTJcYx7OEVyXl0V0S/y32v4ZbfOHCI=");
}

TEST(Signature, OfDingTalkHasTheSecretInBothAndGoesIntoTheAddress) {
  std::string sign = DingTalkSignature("SEC1", 1'700'000'000'000);
  EXPECT_EQ(sign, "ukR4+WoOOBTGaOauYqugxVrMSFyr92q4hPxJxuOkiio=");
  EXPECT_EQ(base::UrlEncode(sign), "ukR4%2BWoOOBTGaOauYqugxVrMSFyr92q4hPxJxuOkiio%3D");
}

TEST(Signature, Base64OfNothingIsNothing) { EXPECT_EQ(Base64(""), ""); }

}  // namespace
}  // namespace rankscope::notify
