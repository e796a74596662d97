#include "diagnose/incidents/incident.h"

#include <gtest/gtest.h>

#include "diagnose/incidents/number_set.h"

namespace rankscope::diagnose {
namespace {

NumberSet SetOf(std::string_view text) { return *NumberSet::FromText(text); }

TEST(NumberSet, IsWrittenAsItsRuns) {
  NumberSet set;
  for (int32_t rank : {371, 3, 0, 7, 1, 2, 5, 4, 6, 3}) set.Insert(rank);
  EXPECT_EQ(set.ToText(), "0-7,371");
  EXPECT_EQ(set.size(), 9);
  EXPECT_EQ(SetOf(set.ToText()), set);
  EXPECT_EQ(set.Numbers(), (std::vector<int32_t>{0, 1, 2, 3, 4, 5, 6, 7, 371}));
}

TEST(NumberSet, MergesWhatOverlapsAndWhatTouches) {
  NumberSet set = SetOf("0-3,8-9,20");
  set.Merge(SetOf("2-5,7,10-18,2147483647"));
  EXPECT_EQ(set.ToText(), "0-5,7-18,20,2147483647");
  EXPECT_EQ(set.size(), 6 + 12 + 1 + 1);
  EXPECT_TRUE(set.ContainsAll(SetOf("3-5,20")));
  EXPECT_FALSE(set.ContainsAll(SetOf("5-6")));
  EXPECT_TRUE(set.Overlaps(SetOf("6-7")));
  EXPECT_FALSE(set.Overlaps(SetOf("6,19,21-30")));
}

TEST(NumberSet, RefusesWhatIsNone) {
  for (const char* text : {"a", "1-", "-1", "3-2", "1,,2", "1 2", "4294967296"}) {
    EXPECT_FALSE(NumberSet::FromText(text).ok()) << text;
  }
  EXPECT_TRUE(SetOf("").empty());
}

Incident Example() {
  Incident incident;
  incident.id = "i-1";
  incident.version = 3;
  incident.change = Change::kCauseFound;
  incident.changed = incident.started = 1'700'000'000'123'456'789;
  incident.changed_by = "ann@host";
  incident.change_note = "seen \"it\"";
  incident.project = "p";
  incident.job = "j";
  incident.attempt = 2;
  incident.state = IncidentState::kConfirmed;
  incident.severity = detect::Severity::kCritical;
  incident.finding = "f-1";
  incident.rule = "CudaOutOfMemory";
  incident.incident_class = "log_pattern";
  incident.role = ChainRole::kCause;
  incident.title = "rank 3 ran out of GPU memory";
  incident.likely = {{"leak", 0.75, "it grew"}};
  incident.action = "pause_job";
  model::Record& line = incident.evidence.emplace_back();
  line.origin = {.project = "p", .job = "j", .attempt = 2, .node_rank = 0, .rank = 3, .local_rank = 3, .host = "n0"};
  line.stream = model::Stream::kStderr;
  line.time = incident.started;
  line.seq = 7;
  line.text = "CUDA out of memory.\nTried to allocate";
  line.fields = {{"loss", 2.5}, {"count", int64_t{3}}, {"word", std::string("x")}};
  incident.ranks = SetOf("0-7,371");
  incident.nodes = SetOf("0,46");
  incident.told_rank_count = 9;
  incident.world_size = 1024;
  incident.step = 12;
  incident.members = {{.rule = "CudaOutOfMemory",
                       .finding_class = "log_pattern",
                       .role = ChainRole::kCause,
                       .severity = detect::Severity::kCritical,
                       .first_finding = "f-1",
                       .findings = 9,
                       .active = 4,
                       .ranks = incident.ranks,
                       .nodes = incident.nodes,
                       .step = 12,
                       .began = incident.started,
                       .last = incident.started + 5}};
  incident.decision = {IncidentState::kConfirmed, "ann", "a leak", incident.started + 9};
  incident.acknowledgement = Acknowledgement{.by = "bob",
                                             .note = "on it",
                                             .at = incident.started + 10,
                                             .until = incident.started + 11,
                                             .severity = detect::Severity::kCritical,
                                             .rank_count = 9,
                                             .nodes = incident.nodes};
  incident.superseded_by = "i-2";
  incident.cost = {1.25, 3.75};
  return incident;
}

TEST(Incident, ComesBackFromItsJson) {
  std::string json;
  AppendJson(Example(), &json);
  auto back = IncidentFromJson(json);
  ASSERT_TRUE(back.ok()) << back.status().message();
  EXPECT_EQ(*back, Example());
  Incident bare;
  bare.id = "i-0";
  json.clear();
  AppendJson(bare, &json);
  EXPECT_EQ(*IncidentFromJson(json), bare);
}

TEST(Incident, IsNotMadeOfJsonThatIsNone) {
  for (const char* json : {"", "{", "[]", "{}", "{\"id\": 3}"}) EXPECT_FALSE(IncidentFromJson(json).ok()) << json;
}

TEST(Incident, SaysWhere) {
  Incident incident = Example();
  EXPECT_EQ(WhereOf(incident), "ranks 0-7,371 (9 of 1024)");
  incident.ranks = SetOf("3");
  EXPECT_EQ(WhereOf(incident), "rank 3");
  incident.ranks = SetOf("");
  EXPECT_EQ(WhereOf(incident), "nodes 0,46");
  incident.nodes = SetOf("");
  EXPECT_EQ(WhereOf(incident), "the job");
}

TEST(Acknowledgement, EndsWhenItsTimeIsOverOrItGetsWorse) {
  Incident incident = Example();
  Acknowledgement taken = *incident.acknowledgement;
  EXPECT_TRUE(StillAcknowledged(taken, incident, taken.until - 1));
  EXPECT_FALSE(StillAcknowledged(taken, incident, taken.until));
  taken.until = 0;
  EXPECT_TRUE(StillAcknowledged(taken, incident, INT64_MAX));
  incident.ranks = SetOf("0-17");
  EXPECT_TRUE(StillAcknowledged(taken, incident, 0));
  incident.ranks = SetOf("0-18");
  EXPECT_FALSE(StillAcknowledged(taken, incident, 0));
  incident.ranks = SetOf("0");
  incident.nodes = SetOf("1");
  EXPECT_FALSE(StillAcknowledged(taken, incident, 0));
  incident.nodes = SetOf("46");
  taken.severity = detect::Severity::kWarning;
  EXPECT_FALSE(StillAcknowledged(taken, incident, 0));
}

}  // namespace
}  // namespace rankscope::diagnose
