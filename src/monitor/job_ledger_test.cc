#include "monitor/job_ledger.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "diagnose/knowledge/insights.h"

namespace rankscope::monitor {
namespace {

using diagnose::JobFacts;

JobFacts Failed(const std::string& job, const std::string& failure, const std::string& batch) {
  JobFacts facts;
  facts.job = job;
  facts.state = "failed";
  facts.started = 0;
  facts.ended = 3600 * base::kNsPerSecond;
  facts.ranks = 4;
  facts.hosts = {"a", "b"};
  facts.settings = {{"micro_batch_size", batch}, {"optimizer", "adam"}};
  facts.labels = {{"model", "tiny"}};
  facts.healthy = failure == "none";
  facts.failure = failure;
  facts.culprit_host = "b";
  facts.templates = {7, 9};
  facts.last_step = 100;
  facts.productive_s = 1234.5;
  facts.inflections = {{50, "throughput_drop"}};
  return facts;
}

class JobLedgerTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/job_ledger_test." + std::to_string(getpid());
    std::filesystem::remove_all(folder_);
    knowledge_ = *catalog::Knowledge::Open(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static void Save(const JobFacts& facts, JobLedger* ledger) {
    ASSERT_TRUE(ledger->Save({facts.job, "seen", ToJson(facts), "{}"}).ok());
  }
  // Some that fail, one that is looked at again and one that is deleted.
  static void SaveJobs(const std::string& prefix, JobLedger* ledger) {
    for (int i = 0; i < 20; ++i) {
      Save(Failed(prefix + std::to_string(i), i % 2 ? "cuda_oom" : "none", i % 2 ? "64" : "8"), ledger);
    }
    Save(Failed(prefix + "1", "nccl_timeout", "16"), ledger);
    ASSERT_TRUE(ledger->Forget(prefix + "3").ok());
  }
  static std::string ToldBy(JobLedger* ledger) {
    std::string told = diagnose::ToJson(*ledger->Summarize());
    const auto found = ledger->FindSimilar(Failed("new", "cuda_oom", "64"));
    for (const auto& similar : *found) {
      told += similar.job + " " + std::to_string(similar.score) + "\n";
    }
    return told;
  }
  // As one that finds no sums tells it.
  std::string AddedUpAnew() {
    EXPECT_TRUE(knowledge_->SaveSums("").ok());
    JobLedger anew(knowledge_.get());
    return ToldBy(&anew);
  }

  std::string folder_;
  std::unique_ptr<catalog::Knowledge> knowledge_;
};

TEST_F(JobLedgerTest, SumsThatWereKeptAreThoseOfAllJobs) {
  JobLedger first(knowledge_.get());
  SaveJobs("a", &first);
  ASSERT_TRUE(first.Close().ok());
  EXPECT_NE(*knowledge_->Sums(), "");
  JobLedger second(knowledge_.get());
  std::string told = ToldBy(&second);
  EXPECT_NE(told.find("micro_batch_size"), std::string::npos);
  EXPECT_EQ(told, AddedUpAnew());
}

// As after a SIGKILL.
TEST_F(JobLedgerTest, WhatCameAfterTheSumsWereKeptIsCounted) {
  {
    JobLedger first(knowledge_.get());
    SaveJobs("a", &first);
    ASSERT_TRUE(first.Close().ok());
    SaveJobs("b", &first);
    ASSERT_TRUE(first.Forget("a5").ok());
  }
  JobLedger second(knowledge_.get());
  EXPECT_EQ(ToldBy(&second), AddedUpAnew());
}

TEST_F(JobLedgerTest, SumsAreKeptEverySoManyJobs) {
  JobLedger ledger(knowledge_.get());
  for (int i = 0; i < 600; ++i) Save(Failed("j" + std::to_string(i), "none", "8"), &ledger);
  size_t changes = 0;
  ASSERT_TRUE(knowledge_->EachChange([&](const std::string&, const std::string&) { ++changes; }).ok());
  EXPECT_LT(changes, 300U);
}

TEST_F(JobLedgerTest, SumsOfAnotherVersionAreAddedUpAgain) {
  JobLedger first(knowledge_.get());
  SaveJobs("a", &first);
  ASSERT_TRUE(knowledge_->SaveSums(R"({"version":0,"jobs":7})").ok());
  JobLedger second(knowledge_.get());
  EXPECT_EQ(second.Summarize()->jobs, 19U);
}

}  // namespace
}  // namespace rankscope::monitor
