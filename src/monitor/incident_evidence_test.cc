#include "monitor/incident_evidence.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

namespace rankscope::monitor {
namespace {

class IncidentEvidenceTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = testing::TempDir() + "/rankscope_incident_evidence_test";
    std::filesystem::remove_all(folder);
    std::vector<std::string> damage;
    store_ = *store::Store::Open(folder, {.project = "default"}, &damage);
  }
  // What is kept around the text, said by one rank, as JSON.
  nlohmann::json Around(const std::string& text) {
    model::Record record;
    record.origin.job = "j";
    record.origin.rank = 3;
    record.time = 7;
    record.stream = model::Stream::kStderr;
    record.text = text;
    model::RecordBatchBuilder builder;
    builder.Add(record);
    EXPECT_TRUE(store_->Append(1, *model::RecordBatch::Decode(builder.Take())).ok());
    diagnose::Incident incident;
    incident.project = "default";
    incident.job = "j";
    incident.evidence = {record};
    auto around = AroundJson(store_.get(), incident);
    EXPECT_TRUE(around.ok());
    return nlohmann::json::parse(*around);
  }

  std::unique_ptr<store::Store> store_;
};

TEST_F(IncidentEvidenceTest, LongTextIsCutBetweenCharacters) {
  std::string text = "x";  // so that 1 KiB ends within one of them
  for (int i = 0; i < 1000; ++i) text += "\u9519";
  auto kept = Around(text)["lines"][0]["msg"].get<std::string>();
  EXPECT_LE(kept.size(), 1024U);
  EXPECT_GT(kept.size(), 1000U);
  EXPECT_EQ(kept.find("\uFFFD"), std::string::npos) << "no half of a character";
  EXPECT_TRUE(kept.ends_with("\u9519…"));
}

}  // namespace
}  // namespace rankscope::monitor
