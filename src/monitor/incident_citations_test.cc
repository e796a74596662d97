#include "monitor/incident_citations.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "catalog/findings.h"
#include "monitor/incident_rows.h"

namespace rankscope::monitor {
namespace {

diagnose::Incident Of(const std::string& job, diagnose::IncidentState state,
                      const std::vector<base::TimeNs>& evidence) {
  diagnose::Incident incident;
  incident.id = "i-" + job;
  incident.project = "default";
  incident.job = job;
  incident.state = state;
  incident.started = 500;
  for (base::TimeNs time : evidence) {
    model::Record record;
    record.origin.job = job;
    record.time = time;
    record.text = "CUDA out of memory";
    incident.evidence.push_back(record);
  }
  return incident;
}

TEST(IncidentCitations, AreFromItsBeginningToItsLastEvidenceUnlessItWasDismissed) {
  std::string folder = testing::TempDir() + "/incident_citations_test";
  std::filesystem::remove_all(folder);
  auto findings = *catalog::Findings::Open(folder, "default");
  catalog::Findings::Changes changes;
  for (const diagnose::Incident& incident :
       {Of("open", diagnose::IncidentState::kPotential, {700, 400, 900}),
        Of("over", diagnose::IncidentState::kResolved, {}), Of("no", diagnose::IncidentState::kDismissed, {600})}) {
    changes.incidents.push_back(RowOf(incident));
  }
  ASSERT_TRUE(findings->Save(changes).ok());
  IncidentCitations citations(findings->incidents());
  auto cited = citations.Look();
  ASSERT_TRUE(cited.ok()) << cited.status().message();
  ASSERT_EQ(cited->size(), 2u);
  EXPECT_EQ(cited->at("over").at(0).since, 500);
  EXPECT_EQ(cited->at("over").at(0).until, 500);
  EXPECT_EQ(cited->at("open").at(0).since, 400);
  EXPECT_EQ(cited->at("open").at(0).until, 900);
  changes.incidents = {RowOf(Of("over", diagnose::IncidentState::kDismissed, {})),
                       RowOf(Of("no", diagnose::IncidentState::kConfirmed, {600}))};
  ASSERT_TRUE(findings->Save(changes).ok());
  ASSERT_TRUE(findings->DeleteJob("open").ok());
  citations.ForgetJob("open");
  cited = citations.Look();
  ASSERT_EQ(cited->size(), 1u) << "what people said since counts, and what is deleted is gone";
  EXPECT_EQ(cited->at("no").at(0).until, 600);
}

}  // namespace
}  // namespace rankscope::monitor
