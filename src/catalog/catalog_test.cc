#include <cmath>

#include "catalog/testing/catalog_case.h"

namespace rankscope::catalog {
namespace {

TEST_F(CatalogTest, RunningThenFinished) {
  Event("job_start", {}, {{"world_size", int64_t{2}}});
  Event("rank_start", 0, {{"pid", int64_t{10}}, {"source", std::string("hook")}});
  EXPECT_EQ(Row().state, "running");
  EXPECT_EQ(Row().ranks_seen, 1);
  EXPECT_EQ(Row().ranks_expected, 2);
  Event("rank_exit", 0, {{"exit_code", int64_t{0}}});
  Event("node_end", {}, {{"exit_code", int64_t{0}}});
  EXPECT_EQ(Row(100).state, "finished");
}

TEST_F(CatalogTest, FinishedSaysWhatItDoesNotKnowOfItsRanks) {
  Event("job_start", {}, {{"world_size", int64_t{4}}});
  Event("node_end", {}, {{"exit_code", int64_t{0}}});
  EXPECT_EQ(Row().reason, "the command ended: exit 0; 4 of 4 ranks not seen");
  for (int rank = 0; rank < 3; ++rank) {
    Event("rank_start", rank, {});
    Event("rank_exit", rank, {{"exit_code", int64_t{0}}});
  }
  EXPECT_EQ(Row().state, "finished");
  EXPECT_EQ(Row().reason, "the command ended: exit 0; 1 of 4 ranks not seen");
  Event("rank_start", 3, {});
  EXPECT_EQ(Row().reason, "the command ended: exit 0; how 1 of 4 ranks ended is not known");
  Event("rank_exit", 3, {{"exit_code", int64_t{0}}});
  EXPECT_EQ(Row().reason, "");
}

TEST_F(CatalogTest, RankBeyondTheWorldIsOneOfMore) {
  Event("job_start", {}, {{"world_size", int64_t{8}}});
  Event("rank_start", 9, {});
  EXPECT_EQ(Row().ranks_seen, 1);
  EXPECT_EQ(Row().ranks_expected, 10);
}

TEST_F(CatalogTest, FailureNamesTheFirstRankThatEndedBadly) {
  Event("job_start", {}, {});
  Event("rank_exit", 2, {{"signal", std::string("SIGKILL")}});
  Event("rank_exit", 0, {{"signal", std::string("SIGTERM")}});
  Event("node_end", {}, {{"exit_code", int64_t{1}}});
  EXPECT_EQ(Row().state, "failed");
  EXPECT_EQ(Row().reason, "rank 2: SIGKILL");
}

TEST_F(CatalogTest, DiagnosisIsOfItsAttemptUntilItIsTakenBack) {
  Event("job_start", {}, {});
  Event("rank_exit", 0, {{"exit_code", int64_t{1}}});
  Event("node_end", {}, {{"exit_code", int64_t{1}}});
  Event("diagnosis", 3, {{"class", std::string("cuda_oom")}, {"root_line", std::string("CUDA out of memory")}});
  Open();
  EXPECT_EQ(Row().diagnosis, "cuda_oom on rank 3: CUDA out of memory");
  EXPECT_EQ(Row().reason, "rank 0: exit 1");
  Event("diagnosis", {}, {{"class", std::string("none")}});
  EXPECT_EQ(Row().diagnosis, "");
  Event("diagnosis", {}, {{"class", std::string("nccl_timeout")}});
  EXPECT_EQ(Row().diagnosis, "nccl_timeout");
  Event("rank_start", 0, {}, /*attempt=*/1);
  EXPECT_EQ(Row().diagnosis, "");
  Event("diagnosis", 3, {{"class", std::string("cuda_oom")}});
  EXPECT_EQ(Row().diagnosis, "") << "it is of the attempt before";
}

TEST_F(CatalogTest, DiagnosisMayComeBeforeTheFirstRecordOfItsAttempt) {
  Event("rank_start", 0, {});
  Event("diagnosis", 3, {{"class", std::string("cuda_oom")}}, /*attempt=*/1);
  Event("diagnosis", 2, {{"class", std::string("process_hung")}});
  Open();
  Event("rank_start", 0, {}, /*attempt=*/1);
  EXPECT_EQ(Row().diagnosis, "cuda_oom on rank 3");
  Event("rank_start", 0, {}, /*attempt=*/2);
  EXPECT_EQ(Row().diagnosis, "");
}

TEST_F(CatalogTest, SilenceIsLostUntilTheNextWord) {
  Event("job_start", {}, {});
  EXPECT_EQ(Row(75).state, "lost");
  EXPECT_EQ(Row(75).reason, "no word for 75 s");
  EXPECT_EQ(Row(5).state, "running");
}

TEST_F(CatalogTest, FilesThatWereImportedAreNeitherRunningNorLost) {
  Event("line", 0, {});
  base::TimeNs heard = Row().last_heard;
  ASSERT_TRUE(catalog_->NoteImport("j", "/logs/old").ok());
  for (int64_t later : {0, 1'000'000}) {
    EXPECT_EQ(Row(later).state, "imported");
    EXPECT_EQ(Row(later).reason, "");
    EXPECT_EQ(Row(later).last_heard, heard);
  }
  EXPECT_EQ(Row().configuration.at("imported_from"), "/logs/old");
  Open();
  EXPECT_NE(catalog_->durable_position(), 0U);
  EXPECT_EQ(Row().state, "imported");
}

TEST_F(CatalogTest, AJobWhoseFilesAreToComeIsImportedFromItsFirstRecordOn) {
  ASSERT_TRUE(catalog_->NoteImport("j", "/logs/old").ok());
  Open();
  EXPECT_TRUE(catalog_->Jobs(0, 0)->empty());
  EXPECT_EQ(catalog_->Job("j", 0, 0).status().code(), base::Code::kNotFound);
  Event("line", 0, {});
  EXPECT_EQ(Row().state, "imported");
}

TEST_F(CatalogTest, FilesThatAreImportedIntoAJobThatRanChangeNoState) {
  Event("job_start", {}, {});
  ASSERT_TRUE(catalog_->NoteImport("j", "/logs/old").ok());
  EXPECT_EQ(Row().state, "running");
  Event("node_end", {}, {{"exit_code", int64_t{1}}});
  EXPECT_EQ(Row().state, "failed");
}

TEST_F(CatalogTest, FindingOfAnEarlierJobOfItsNameLeavesAJobWhoseFilesAreToComeImported) {
  ASSERT_TRUE(catalog_->NoteImport("j", "/logs/old").ok());
  Event("finding", 3, {{"rule", "Oom"}});
  EXPECT_TRUE(catalog_->Jobs(0, 0)->empty());
  Event("line", 0, {});
  EXPECT_EQ(Row().state, "imported");
}

TEST_F(CatalogTest, RunThatCameOutOfFilesHasNoLifeAndOneThatCameLaterHas) {
  ASSERT_TRUE(catalog_->NoteImport("j", "/logs/old").ok());
  KeeperEvent("job_start", "old", 0, {}, {});
  KeeperEvent("node_end", "old", 0, {}, {{"exit_code", int64_t{1}}});
  EXPECT_EQ(Lives().size(), 0U) << "nobody watched it";
  time_ = base::WallNow() / base::kNsPerSecond + 1;
  attempt_ = 1;
  KeeperEvent("job_start", "new", 0, {}, {});
  Open();
  auto lives = Lives();
  ASSERT_EQ(lives.size(), 1U);
  EXPECT_EQ(lives[0].state, "running");
  EXPECT_EQ(lives[0].launched, time_ * base::kNsPerSecond);
}

TEST_F(CatalogTest, FilesThatAreImportedIntoAJobThatRunsLeaveItItsLife) {
  KeeperEvent("job_start", "a", 0, {}, {});
  ASSERT_TRUE(catalog_->NoteImport("j", "/logs/old").ok());
  EXPECT_EQ(Lives().size(), 1U);
}

TEST_F(CatalogTest, WordOfAJobThatItWasImportedDoesNotMakeItSo) {
  Event("job_start", {}, {{"imported_from", std::string("ImageNet")}});
  EXPECT_EQ(Lives().size(), 1U);
  EXPECT_FALSE(Row().configuration.contains("imported_from"));
}

TEST_F(CatalogTest, RestartKeepsEverything) {
  Event("job_start", {}, {{"command", std::string("train.py")}});
  Event("rank_exit", 2, {{"signal", std::string("SIGKILL")}, {"oom_kill", std::string("true")}});
  Event("node_end", {}, {{"exit_code", int64_t{1}}});
  Open();
  EXPECT_EQ(catalog_->durable_position(), static_cast<uint64_t>(time_));
  EXPECT_EQ(Row().reason, "rank 2: SIGKILL (oom)");
  EXPECT_EQ(Row().configuration.at("command"), "train.py");
  EXPECT_EQ((*catalog_->Ranks("j"))[0].exit, "SIGKILL (oom)");
}

TEST_F(CatalogTest, FirstToFailIsFirstByTimeNotByArrival) {
  KeeperEvent("job_start", "a", 0, {}, {});
  KeeperEvent("job_start", "b", 1, {}, {});
  KeeperEvent("rank_exit", "a", 0, 0, {{"signal", std::string("SIGABRT")}}, 20);
  KeeperEvent("rank_exit", "b", 1, 9, {{"exit_code", int64_t{1}}}, 10);
  KeeperEvent("node_end", "a", 0, {}, {{"exit_code", int64_t{1}}});
  KeeperEvent("node_end", "b", 1, {}, {{"exit_code", int64_t{1}}});
  EXPECT_EQ(Row().reason, "rank 9: exit 1");
}

TEST_F(CatalogTest, LossThatComesLateIsNotTheLastOne) {
  KeeperEvent("", "a", 0, 0, {{"loss", 0.25}}, 20);
  KeeperEvent("", "a", 0, 0, {{"loss", 0.5}}, 10);
  EXPECT_EQ(Row().last_loss, 0.25);
}

TEST_F(CatalogTest, JobOfSeveralImportsNamesEachPlaceOnce) {
  Event("", 0, {});
  for (const char* place : {"/logs/a", "/logs/b", "/logs/a", "/logs"}) {
    ASSERT_TRUE(catalog_->NoteImport("j", place).ok());
  }
  EXPECT_EQ(Row().configuration.at("imported_from"), "/logs/a, /logs/b, /logs");
}

TEST_F(CatalogTest, RunThatWasKilledIsOverOnceItsRankLivesInAnother) {
  KeeperEvent("job_start", "a", 0, {}, {});
  KeeperEvent("rank_start", "a", 0, 0, {});
  KeeperEvent("job_start", "b", 1, {}, {});
  KeeperEvent("rank_start", "b", 1, 0, {});
  KeeperEvent("node_end", "b", 1, {}, {{"exit_code", int64_t{0}}});
  EXPECT_EQ(Row().state, "finished");
}

TEST_F(CatalogTest, UnknownEndIsNeitherAFailureNorASuccess) {
  KeeperEvent("job_start", "a", 0, {}, {});
  KeeperEvent("rank_start", "a", 0, 0, {});
  KeeperEvent("node_end", "a", 0, {}, {{"exit_source", std::string("unknown")}});
  EXPECT_EQ(Row().state, "lost");
  EXPECT_EQ(Row().reason, "how the command ended is not known");
}

TEST_F(CatalogTest, UnknownEndOfTheCommandOfRanksThatAllExitedZeroIsFinished) {
  KeeperEvent("job_start", "a", 0, {}, {});
  KeeperEvent("rank_start", "a", 0, 0, {});
  KeeperEvent("rank_exit", "a", 0, 0, {{"exit_code", int64_t{0}}});
  KeeperEvent("node_end", "a", 0, {}, {{"exit_source", std::string("unknown")}});
  EXPECT_EQ(Row().state, "finished");
}

TEST_F(CatalogTest, LossThatIsNoNumberSurvivesARestart) {
  KeeperEvent("job_start", "a", 0, {}, {});
  KeeperEvent("metrics", "a", 0, 0, {{"loss", std::nan("")}});
  EXPECT_TRUE(std::isnan(Row().last_loss.value()));
  Open();
  EXPECT_TRUE(std::isnan(Row().last_loss.value()));
}

TEST_F(CatalogTest, RecordsAreCountedOverARestartButForJudgements) {
  Event("job_start", {}, {});
  Event("diagnosis", {}, {{"class", std::string("cuda_oom")}});
  Event("line", 0, {});
  EXPECT_EQ(Row().records, 2U);
  Open();
  EXPECT_EQ(Row().records, 2U);
}

TEST_F(CatalogTest, DeletedJobStaysGoneAndItsRecordsAreNotReplayed) {
  Event("job_start", {}, {});
  ASSERT_TRUE(catalog_->PinJob("j", {"ada", "the good one", 1}).ok());
  ASSERT_TRUE(catalog_->DeleteJob("j").ok());
  EXPECT_EQ(catalog_->durable_position(), static_cast<uint64_t>(time_));
  EXPECT_EQ(catalog_->DeleteJob("j").code(), base::Code::kNotFound);
  Open();
  EXPECT_TRUE(catalog_->Jobs(0, kLostAfter)->empty());
  EXPECT_EQ(catalog_->durable_position(), static_cast<uint64_t>(time_));
  Event("job_start", {}, {});
  EXPECT_FALSE(Row().pin) << "a new job of the same name";
}

TEST_F(CatalogTest, PinsSurviveARestartUntilTheyAreTaken) {
  EXPECT_EQ(catalog_->PinJob("j", {"ada", "", 1}).code(), base::Code::kNotFound);
  Event("job_start", {}, {});
  EXPECT_EQ(catalog_->UnpinJob("j").message(), "job \"j\" is not pinned");
  ASSERT_TRUE(catalog_->PinJob("j", {"ada", "first", 1}).ok());
  ASSERT_TRUE(catalog_->PinJob("j", {"bob", "for the paper", 2}).ok());
  Open();
  ASSERT_TRUE(Row().pin);
  EXPECT_EQ(Row().pin->by, "bob");
  EXPECT_EQ(Row().pin->note, "for the paper");
  EXPECT_EQ(Row().pin->at, 2);
  ASSERT_TRUE(catalog_->UnpinJob("j").ok());
  Open();
  EXPECT_FALSE(Row().pin);
}

TEST_F(CatalogTest, UnknownJobIsNamedAndTheNearest) {
  EXPECT_EQ(catalog_->Job("x", 0, 0).status().message(), "no job \"x\"");
  job_ = "llama-7b";
  KeeperEvent("job_start", "a", 0, {}, {});
  EXPECT_EQ(catalog_->Job("lama-7b", 0, 0).status().message(), "no job \"lama-7b\" (nearest: llama-7b)");
}

TEST_F(CatalogTest, AFindingIsNoSignOfLife) {
  Event("finding", 3, {{"rule", "Oom"}});
  EXPECT_EQ(catalog_->Jobs(base::WallNow(), kLostAfter)->size(), 0U);
  Event("rank_start", 0, {});
  base::TimeNs heard = Row().last_heard;
  Event("finding_confirmed", 3, {{"rule", "Oom"}});
  EXPECT_EQ(Row().last_heard, heard);
  EXPECT_EQ(Row().ranks_seen, 1);
}

TEST_F(CatalogTest, SilentJobsAreThoseThatLiveAndSayNothing) {
  KeeperEvent("job_start", "r", 0, {}, {});
  base::TimeNs heard = Row().last_heard, hour = 3600 * base::kNsPerSecond;
  EXPECT_EQ(catalog_->SilentJobs(heard).size(), 0U) << "its record came just now";
  Open();  // nothing was saved of when it came: time goes on from here
  auto silent = AwaitSilentJobs(heard);
  ASSERT_EQ(silent.size(), 1U);
  EXPECT_EQ(silent[0].job, "j");
  EXPECT_GE(silent[0].time, heard + base::kNsPerSecond);
  EXPECT_EQ(catalog_->SilentJobs(heard + 2 * hour).size(), 0U) << "it has been gone for too long";
  KeeperEvent("node_end", "r", 0, {}, {{"exit_code", int64_t{0}}});
  job_ = "lives";
  KeeperEvent("job_start", "s", 0, {}, {});
  Open();
  silent = AwaitSilentJobs(heard);
  ASSERT_EQ(silent.size(), 1U) << "j has ended";
  EXPECT_EQ(silent[0].job, "lives");
}

}  // namespace
}  // namespace rankscope::catalog
