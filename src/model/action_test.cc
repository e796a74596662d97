#include "model/action.h"

#include <gtest/gtest.h>

namespace rankscope::model {
namespace {

std::string Refusal(const std::string& text) { return std::string(ParseAction(text).status().message()); }

TEST(Action, IsANameAndWhatItTakes) {
  auto action = ParseAction("set_level DEBUG");
  ASSERT_TRUE(action.ok());
  EXPECT_EQ(action->name, "set_level");
  EXPECT_EQ(action->argument, "DEBUG");
  EXPECT_EQ(action->Text(), "set_level DEBUG");
  EXPECT_TRUE(ParseAction("pause_job").ok());
  EXPECT_TRUE(ParseAction("set_log_interval_steps 1000000").ok());
  EXPECT_TRUE(ParseAction("webhook oncall").ok());
}

TEST(Action, SaysWhatItWants) {
  EXPECT_EQ(Refusal("set_log_interval_steps 0"),
            "action set_log_interval_steps: want a number from 1 to 1000000, found \"0\"");
  EXPECT_EQ(Refusal("set_log_interval_steps 1000001"),
            "action set_log_interval_steps: want a number from 1 to 1000000, found \"1000001\"");
  EXPECT_EQ(Refusal("set_log_interval_steps 5 "),
            "action set_log_interval_steps: want a number from 1 to 1000000, found \"5 \"");
  EXPECT_EQ(Refusal("pause_job now"), "action pause_job: want no argument, found \"now\"");
  EXPECT_EQ(Refusal("set_level loud"), "action set_level: want DEBUG, INFO, WARNING or ERROR, found \"loud\"");
  EXPECT_EQ(Refusal("reboot").rfind("action: want one of notify_only, mark", 0), 0u);
}

}  // namespace
}  // namespace rankscope::model
