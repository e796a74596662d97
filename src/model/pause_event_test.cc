#include "model/pause_event.h"

#include <gtest/gtest.h>

namespace rankscope::model {
namespace {

PauseEvent Server(std::string_view outcome, std::string_view action = "pause_job", std::string_view id = "a1") {
  return {action, id, outcome, false, 50};
}

PauseEvent Rank(std::string_view outcome, base::TimeNs time) { return {"pause_job", "a1", outcome, true, time}; }

bool Ends(const PauseEvent& event) { return EndsPause(event, "a1", 40); }

TEST(PauseEvent, OnlyTheServersWordThatAllAreHeldBeginsOne) {
  EXPECT_TRUE(BeginsPause(Server("held")));
  EXPECT_FALSE(BeginsPause(Server("asked")));
  EXPECT_FALSE(BeginsPause(Server("held", "stop_job")));
  EXPECT_FALSE(BeginsPause(Rank("held", 50)));
}

TEST(PauseEvent, WhatComesOfItEndsItAndOtherWordsDoNot) {
  for (auto outcome : {"resumed", "given_up", "stopped", "ending", "refused"}) EXPECT_TRUE(Ends(Server(outcome)));
  for (auto outcome : {"asked", "asked_again", "incomplete", "held", ""}) EXPECT_FALSE(Ends(Server(outcome)));
}

TEST(PauseEvent, ARefusedSecondPauseDoesNotEndTheFirst) {
  EXPECT_FALSE(Ends(Server("refused", "pause_job", "a2")));
  EXPECT_FALSE(Ends(Server("captured", "dump_stacks", "a3")));
}

TEST(PauseEvent, AResumeEndsItWhateverItsId) {
  EXPECT_TRUE(Ends(Server("resumed", "resume_job", "a9")));
  EXPECT_FALSE(Ends(Server("refused", "resume_job", "a9")));
}

TEST(PauseEvent, ARankThatGoesOnEndsItUnlessItsWordIsOlder) {
  for (auto outcome : {"left", "resumed", "ending", "ended"}) EXPECT_TRUE(Ends(Rank(outcome, 41)));
  EXPECT_FALSE(Ends(Rank("resumed", 39))) << "of the pause before";
  EXPECT_FALSE(Ends(Rank("held", 41)));
}

}  // namespace
}  // namespace rankscope::model
