#include "monitor/incident_desk.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/clock.h"

namespace rankscope::monitor {
namespace {

class IncidentDeskTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = testing::TempDir() + "/rankscope_incident_desk_test";
    std::filesystem::remove_all(folder);
    findings_ = *catalog::Findings::Open(folder, "p");
    IncidentDesk::Parts parts;
    parts.project = "p";
    parts.findings = findings_.get();
    parts.world_size = [](const std::string&) { return 8; };
    parts.say = [](const std::string& line) { ADD_FAILURE() << line; };
    desk_ = std::make_unique<IncidentDesk>(parts);
  }
  // The id of its incident.
  std::string Take(const std::string& job, int32_t rank) {
    detect::Finding finding;
    finding.job = job;
    finding.rule = "Hot";
    finding.finding_class = "thermal";
    finding.scope = {0, rank};
    finding.time = (5 + rank) * base::kNsPerSecond;
    finding.id = detect::FindingId(finding);
    finding.active = true;
    return desk_->Take(finding);
  }
  void Save() {
    catalog::Findings::Changes changes;
    desk_->Drain(&changes);
    ASSERT_TRUE(findings_->Save(changes).ok());
  }

  std::unique_ptr<catalog::Findings> findings_;
  std::unique_ptr<IncidentDesk> desk_;
};

TEST_F(IncidentDeskTest, JobsThatCameAndWentTakeNoMemory) {
  size_t all = IncidentDesk::kMostJobs + 200;
  for (size_t job = 0; job < all; ++job) Take("j" + std::to_string(job), 0);
  Save();
  ASSERT_EQ(desk_->jobs(), all);
  desk_->ForgetUnused(base::MonotonicNow());
  EXPECT_EQ(desk_->jobs(), IncidentDesk::kMostJobs);
  desk_->ForgetUnused(base::MonotonicNow() + IncidentDesk::kQuiet);
  EXPECT_EQ(desk_->jobs(), 0U);
}

TEST_F(IncidentDeskTest, AForgottenJobsTroubleGoesOnAsTheSameIncident) {
  std::string incident = Take("j", 0);
  Save();
  desk_->ForgetUnused(base::MonotonicNow() + IncidentDesk::kQuiet);
  ASSERT_EQ(desk_->jobs(), 0U);
  EXPECT_EQ(Take("j", 1), incident);
  Save();
  EXPECT_EQ(findings_->incidents()->List({})->size(), 1U);
}

TEST_F(IncidentDeskTest, CostsAskedOfOldJobsAreForgottenToo) {
  std::string incident = Take("j", 0);
  Save();
  desk_->Forget("j");
  desk_->SetCost("j", incident, {1.5, {}});
  EXPECT_EQ(desk_->jobs(), 1U);
  Save();
  desk_->ForgetUnused(base::MonotonicNow() + IncidentDesk::kQuiet);
  EXPECT_EQ(desk_->jobs(), 0U);
  EXPECT_EQ(findings_->incidents()->Get(incident)->rank_hours, 1.5);
}

}  // namespace
}  // namespace rankscope::monitor
