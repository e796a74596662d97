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
  auto citations = CitationsOf(*findings->incidents());
  ASSERT_TRUE(citations.ok()) << citations.status().message();
  ASSERT_EQ(citations->size(), 2u);  // newest first
  EXPECT_EQ((*citations)[0].job, "over");
  EXPECT_EQ((*citations)[0].since, 500);
  EXPECT_EQ((*citations)[0].until, 500);
  EXPECT_EQ((*citations)[1].job, "open");
  EXPECT_EQ((*citations)[1].since, 400);
  EXPECT_EQ((*citations)[1].until, 900);
}

}  // namespace
}  // namespace rankscope::monitor
