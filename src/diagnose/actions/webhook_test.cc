#include <gtest/gtest.h>

#include "diagnose/actions/action_run.h"

namespace rankscope::diagnose {
namespace {

using base::kNsPerSecond;

// A webhook of an incident; what there is of its channel and what it was told are as set.
class WebhookTest : public testing::Test {
 protected:
  void Begin() {
    ActionReport report;
    report.request.action = {"webhook", "pager"};
    report.request.incident = "i-1";
    run_ = MakeWebhook(
        report, [this](const std::string&) { return channel_; },
        [this](const std::string&, const std::string&) { return told_; });
    run_->Begin(0);
  }
  const std::string& OutcomeAt(int64_t second) {
    run_->Tick(second * kNsPerSecond);
    return run_->report().outcome;
  }

  base::Status channel_;
  Told told_;
  std::unique_ptr<ActionRun> run_;
};

TEST_F(WebhookTest, WaitsWhileTheDeliveryLogIsNotOpen) {
  channel_ = base::Status::Unavailable("the delivery log is not open");
  Begin();
  EXPECT_EQ(OutcomeAt(300), "");
  channel_ = {};
  told_.delivered = true;
  EXPECT_EQ(OutcomeAt(301), "sent");
}

TEST_F(WebhookTest, EndsAfterTenMinutesWithoutADeliveryLog) {
  channel_ = base::Status::Unavailable("the delivery log is not open");
  Begin();
  EXPECT_EQ(OutcomeAt(599), "");
  EXPECT_EQ(OutcomeAt(600), "incomplete");
  EXPECT_NE(run_->report().summary.find("the delivery log is not open"), std::string::npos) << run_->report().summary;
}

TEST_F(WebhookTest, IsRefusedWhereThereIsNoSuchChannel) {
  channel_ = base::Status::NotFound("no channel \"pager\"");
  Begin();
  EXPECT_EQ(OutcomeAt(0), "refused");
  EXPECT_EQ(run_->report().summary, "no channel \"pager\"");
}

}  // namespace
}  // namespace rankscope::diagnose
