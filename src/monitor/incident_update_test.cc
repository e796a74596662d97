#include "monitor/incident_update.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace rankscope::monitor {
namespace {

using diagnose::Change;
using diagnose::IncidentState;

diagnose::Incident OutOfMemory() {
  diagnose::Incident incident;
  incident.id = "i-1";
  incident.version = 3;
  incident.project = "llm";
  incident.job = "j";
  incident.severity = detect::Severity::kCritical;
  incident.rule = "CudaOutOfMemory";
  incident.incident_class = "oom";
  incident.role = diagnose::ChainRole::kCause;
  incident.title = "rank 3 ran out of GPU memory";
  incident.likely = {{"long sequence", 0.8, "its batch held 32,768 tokens"}, {"leak", 0.2, ""}};
  model::Record line;
  line.origin.rank = 3;
  line.text = "torch.OutOfMemoryError: CUDA out of memory\nmore";
  incident.evidence = {model::Record(), line};
  incident.ranks.Insert(3);
  incident.nodes.Insert(0);
  incident.world_size = 8;
  incident.step = 1200;
  incident.started = 5;
  diagnose::IncidentMember cause, cascade;
  cause.rule = "CudaOutOfMemory";
  cause.findings = 1;
  cascade.rule = "NcclTimeout";
  cascade.role = diagnose::ChainRole::kCascade;
  cascade.findings = 7;
  incident.members = {cause, cascade};
  return incident;
}

bool Says(const notify::Update& update, const std::string& line) {
  return std::find(update.text.begin(), update.text.end(), line) != update.text.end();
}

TEST(IncidentUpdate, SaysWhatWhereSinceWhenHowSureAndTheFirstLine) {
  notify::Update update = UpdateOf(OutOfMemory(), "https://host");
  EXPECT_EQ(update.incident, "i-1");
  EXPECT_EQ(update.version, 3U);
  EXPECT_EQ(update.kind, notify::Kind::kFiring);
  EXPECT_EQ(update.severity, notify::Severity::kCritical);
  EXPECT_EQ(update.title, "rank 3 ran out of GPU memory");
  EXPECT_EQ(update.ranks, "3");
  EXPECT_EQ(update.nodes, std::vector<int32_t>{0});
  EXPECT_EQ(update.step, 1200);
  EXPECT_EQ(update.probability, 0.8);
  EXPECT_EQ(update.evidence, "rank 3: torch.OutOfMemoryError: CUDA out of memory");
  EXPECT_EQ(update.link, "https://host/incidents/i-1?project=llm");
  EXPECT_EQ(update.labels["alertname"], "CudaOutOfMemory");
  EXPECT_TRUE(Says(update, "Likely: long sequence: its batch held 32,768 tokens"));
  EXPECT_TRUE(Says(update, "Also NcclTimeout, a cascade: 7 findings"));
}

TEST(IncidentUpdate, DismissalEndsItAndSaysWhoAndWhy) {
  diagnose::Incident incident = OutOfMemory();
  incident.state = IncidentState::kDismissed;
  incident.decision = {IncidentState::kDismissed, "ann", "a test", 9};
  incident.changed = 9;
  notify::Update update = UpdateOf(incident, "");
  EXPECT_EQ(update.kind, notify::Kind::kResolved);
  EXPECT_EQ(update.ended, 9);
  EXPECT_TRUE(Says(update, "Dismissed by ann: a test"));
  EXPECT_EQ(update.link, "");
}

TEST(IncidentUpdate, AcknowledgementIsAWordOfItsOwnAndThenGoesAlong) {
  diagnose::Incident incident = OutOfMemory();
  incident.acknowledgement = {"ann", "I look", 7, 100, detect::Severity::kCritical, 1, incident.nodes};
  incident.change = Change::kAcknowledged;
  EXPECT_EQ(UpdateOf(incident, "").kind, notify::Kind::kAcknowledged);
  incident.change = Change::kConfirmed;
  notify::Update confirmed = UpdateOf(incident, "");
  EXPECT_EQ(confirmed.kind, notify::Kind::kFiring);
  ASSERT_TRUE(confirmed.acknowledgement);
  EXPECT_EQ(confirmed.acknowledgement->by, "ann");
}

TEST(IncidentUpdate, WhatAnotherIncidentTookOverIsSuperseded) {
  diagnose::Incident incident = OutOfMemory();
  incident.state = IncidentState::kResolved;
  incident.superseded_by = "i-2";
  incident.ended = 8;
  notify::Update update = UpdateOf(incident, "");
  EXPECT_EQ(update.kind, notify::Kind::kSuperseded);
  EXPECT_EQ(update.superseded_by, "i-2");
  EXPECT_EQ(update.ended, 8);
}

}  // namespace
}  // namespace rankscope::monitor
