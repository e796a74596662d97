#include "monitor/diagnostician.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>

#include "base/clock.h"
#include "query/store_log_source.h"
#include "store/store.h"

namespace rankscope::monitor {
namespace {

constexpr int64_t kLostAfter = 60 * base::kNsPerSecond;
constexpr char kHalfSaid[] =
    "Traceback (most recent call last):\n  File \"/app/train.py\", line 8, in load\n    raise load(key)\n";
constexpr char kItsEnd[] = "UnknownCaption: no caption for 88";

// The real one, with a count of how often all jobs were asked for.
class CountingCatalog : public catalog::Catalog {
 public:
  explicit CountingCatalog(std::unique_ptr<catalog::Catalog> catalog) : catalog_(std::move(catalog)) {}

  base::Result<std::vector<catalog::JobRow>> Jobs(base::TimeNs now, int64_t lost_after) override {
    ++asked;
    return catalog_->Jobs(now, lost_after);
  }
  base::Result<catalog::JobRow> Job(const std::string& job, base::TimeNs now, int64_t lost_after) override {
    return catalog_->Job(job, now, lost_after);
  }
  base::Result<std::vector<catalog::RankRow>> Ranks(const std::string& job) override { return catalog_->Ranks(job); }
  std::vector<catalog::JobLife> Lives(base::TimeNs now, int64_t lost_after, base::TimeNs since) override {
    return catalog_->Lives(now, lost_after, since);
  }
  std::vector<model::JobTime> SilentJobs(base::TimeNs now) override { return catalog_->SilentJobs(now); }
  base::Status PinJob(const std::string& job, const catalog::Pin& pin) override { return catalog_->PinJob(job, pin); }
  base::Status UnpinJob(const std::string& job) override { return catalog_->UnpinJob(job); }
  base::Status NoteImport(const std::string& job, const std::string& from) override {
    return catalog_->NoteImport(job, from);
  }
  base::Status DeleteJob(const std::string& job) override { return catalog_->DeleteJob(job); }
  std::string JoinLaunch(const std::string& key, const std::string& member, base::TimeNs now,
                         int64_t lost_after) override {
    return catalog_->JoinLaunch(key, member, now, lost_after);
  }
  int32_t FirstAttempt(const std::string& job, const std::string& member, base::TimeNs now,
                       int64_t lost_after) override {
    return catalog_->FirstAttempt(job, member, now, lost_after);
  }
  base::Status Append(uint64_t end_position, std::shared_ptr<const model::RecordBatch> records) override {
    return catalog_->Append(end_position, std::move(records));
  }
  uint64_t durable_position() const override { return catalog_->durable_position(); }

  std::atomic<int> asked{0};

 private:
  const std::unique_ptr<catalog::Catalog> catalog_;
};

// A disk that takes no more, while it lives.
class FullDisk {
 public:
  FullDisk() : signal_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit none = before_;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_FSIZE, &none);
  }
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    (void)std::signal(SIGXFSZ, signal_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  void (*const signal_)(int);
  rlimit before_{};
};

class DiagnosticianTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = testing::TempDir() + "/rankscope_diagnostician_test";
    std::filesystem::remove_all(folder);
    std::vector<std::string> damage;
    store_ = *store::Store::Open(folder + "/store", {.project = "default"}, &damage);
    logs_ = query::MakeStoreLogSource(store_.get());
    catalog_ = std::make_unique<CountingCatalog>(*catalog::Catalog::Open(folder, "default"));
    findings_ = *catalog::Findings::Open(folder, "default");
    knowledge_ = *catalog::Knowledge::Open(folder);
    diagnostician_ = std::make_unique<Diagnostician>(Diagnostician::Parts{
        "default", catalog_.get(), findings_.get(), knowledge_.get(), logs_.get(),
        std::make_shared<diagnose::Topology>(), kLostAfter, [](const std::string& said) { ADD_FAILURE() << said; }});
  }
  // A launch of the job, of that model, which ends with that code. Its rank reports so many steps, and raises that.
  void Launch(const std::string& job, int64_t exit_code, const std::string& model = "tiny", int steps = 0,
              const std::string& exception = "") {
    const std::string run = BeginLaunch(job, model, steps);
    if (!exception.empty()) {
      Print(job, "Traceback (most recent call last):\n  File \"/app/train.py\", line 8, in <module>\n" + exception);
    }
    Append(job, {{"event", std::string("node_end")}, {"run", run}, {"exit_code", exit_code}});
  }
  // One that goes on; returns its run.
  std::string BeginLaunch(const std::string& job, const std::string& model, int steps) {
    std::string run = std::to_string(++launches_);
    Append(job, {{"event", std::string("job_start")}, {"run", run}, {"label.model", model}});
    for (int step = 1; step <= steps; ++step) Print(job, "{'loss': 2.5, 'step': " + std::to_string(step) + "}");
    return run;
  }
  void Print(const std::string& job, const std::string& text) {
    model::Record record;
    record.origin.rank = 0;
    record.stream = model::Stream::kStderr;
    record.text = text;
    AppendRecord(job, std::move(record));
  }
  void Append(const std::string& job, model::Fields fields) {
    model::Record record;
    record.stream = model::Stream::kEvent;
    record.fields = std::move(fields);
    record.fields.emplace_back("member", std::string("node 0"));
    AppendRecord(job, std::move(record));
  }
  void AppendRecord(const std::string& job, model::Record record) {
    record.origin.job = job;
    record.origin.node_rank = 0;
    record.time = time_ += base::kNsPerMs;
    model::RecordBatchBuilder builder;
    builder.Add(record);
    std::shared_ptr<const model::RecordBatch> batch = *model::RecordBatch::Decode(builder.Take());
    ++position_;
    ASSERT_TRUE(store_->Append(position_, batch).ok());
    ASSERT_TRUE(catalog_->Append(position_, batch).ok());
  }
  // Until all that is known of the job is so.
  void AwaitKnown(const std::string& job, const std::function<bool(const catalog::KnownJob&)>& is_so) {
    for (auto known = knowledge_->Find(job); !known.ok() || !*known || !is_so(**known); known = knowledge_->Find(job)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  void AwaitKnown(const std::string& job) {
    AwaitKnown(job, [](const catalog::KnownJob&) { return true; });
  }
  // Until a diagnosis with that root line was told.
  void AwaitTold(const std::string& root_line) {
    auto is_it = [&](const model::Record& event) {
      const auto* line = model::FindField(event.fields, "root_line");
      return line && std::get<std::string>(*line) == root_line;
    };
    for (;;) {
      auto events = *findings_->EventsAfter(0, 100);
      if (std::any_of(events.begin(), events.end(), is_it)) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  // Only once a look has ended is the book as the file is.
  diagnose::Insights StoppedInsights() {
    diagnostician_->Stop();
    return *diagnostician_->Summarize();
  }

  base::TimeNs time_ = base::WallNow() - 10 * base::kNsPerSecond;
  uint64_t position_ = 0;
  int launches_ = 0;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<query::LogSource> logs_;
  std::unique_ptr<CountingCatalog> catalog_;
  std::unique_ptr<catalog::Findings> findings_;
  std::unique_ptr<catalog::Knowledge> knowledge_;
  std::unique_ptr<Diagnostician> diagnostician_;
};

TEST_F(DiagnosticianTest, AJobThatTheFullDiskKeepsIsCountedUntilItGoes) {
  Launch("j", 0);
  diagnostician_->Start();
  AwaitKnown("j");
  EXPECT_EQ(StoppedInsights().jobs, 1U);
  {
    FullDisk full;
    EXPECT_FALSE(diagnostician_->ForgetJob("j").ok());
  }
  EXPECT_EQ(diagnostician_->Summarize()->jobs, 1U);
  EXPECT_TRUE(diagnostician_->ForgetJob("j").ok());
  EXPECT_EQ(diagnostician_->Summarize()->jobs, 0U);
}

TEST_F(DiagnosticianTest, AJobWithALabelThatIsNoUtf8IsCountedOnceWhenItIsLaunchedAgain) {
  Launch("j", 0, "tiny\xff");
  diagnostician_->Start();
  AwaitKnown("j");
  std::string first = (*knowledge_->Find("j"))->seen;
  Launch("j", 0, "tiny\xff");
  AwaitKnown("j", [&](const catalog::KnownJob& known) { return known.seen != first; });
  auto models = StoppedInsights().groups["model"];
  ASSERT_EQ(models.size(), 1U);
  EXPECT_EQ(models[0].value, "tiny\uFFFD");
  EXPECT_EQ(models[0].jobs, 1U);
}

TEST_F(DiagnosticianTest, OfAJobThatIsLaunchedAgainUnderItsIdTheLastLaunchIsTold) {
  Launch("j", 1, "tiny", 39, "KeyError: 'caption'");
  Launch("j", 1, "tiny", 6, "ValueError: no such key");
  auto failed = diagnostician_->DiagnoseNow("j", nullptr);
  ASSERT_TRUE(failed.ok());
  EXPECT_EQ(failed->root_line, "ValueError: no such key");
  ASSERT_TRUE(failed->culprit);
  EXPECT_EQ(failed->culprit->step, 6);
  Launch("j", 0, "tiny", 40);
  Print("j", "Training completed.");
  auto healthy = diagnostician_->DiagnoseNow("j", nullptr);
  ASSERT_TRUE(healthy.ok());
  EXPECT_TRUE(healthy->healthy) << healthy->failure;
}

TEST_F(DiagnosticianTest, OfAJobThatTrainsAfterAFailedLaunchTheOneThatTrainsIsToldAndThatFailureNamed) {
  Launch("j", 1, "tiny", 39, "KeyError: 'caption'");
  BeginLaunch("j", "tiny", 0);
  EXPECT_EQ(diagnostician_->DiagnoseNow("j", nullptr)->failure, "python_exception_one_rank");  // it has yet to train
  for (int step = 1; step <= 5; ++step) Print("j", "{'loss': 2.5, 'step': " + std::to_string(step) + "}");
  auto verdict = diagnostician_->DiagnoseNow("j", nullptr);
  ASSERT_TRUE(verdict.ok());
  EXPECT_TRUE(verdict->healthy) << verdict->failure;
  ASSERT_EQ(verdict->alternatives.size(), 1U);
  EXPECT_EQ(verdict->alternatives[0].failure, "python_exception_one_rank");
}

TEST_F(DiagnosticianTest, AnIncidentOfAJobThatHasEndedDoesNotMakeEveryRoundOneOfOneJob) {
  constexpr int kJobs = 100;
  Launch("old", 1);
  diagnostician_->Start();
  AwaitKnown("old");
  diagnose::Incident incident;
  incident.job = "old";
  incident.severity = detect::Severity::kCritical;
  ASSERT_TRUE(diagnostician_->Take({&incident, 1}).ok());
  int before = catalog_->asked;
  for (int i = 0; i < kJobs; ++i) Launch("j" + std::to_string(i), 0);
  for (int i = 0; i < kJobs; ++i) AwaitKnown("j" + std::to_string(i));
  EXPECT_LT(catalog_->asked - before, kJobs / 2);
}

TEST_F(DiagnosticianTest, AJobWhoseTracebackWasHalfSaidIsDiagnosedAgainWhenItsEndComesWithAnOlderTime) {
  BeginLaunch("j", "tiny", 5);
  Print("j", kHalfSaid);
  Append("j", {{"event", std::string("node_end")}, {"run", std::to_string(launches_)}, {"exit_code", int64_t{1}}});
  diagnostician_->Start();
  AwaitKnown("j");
  EXPECT_EQ(diagnostician_->DiagnoseNow("j", nullptr)->root_line, "    raise load(key)");
  time_ -= 2 * base::kNsPerMs;
  Print("j", kItsEnd);
  AwaitKnown("j", [](const catalog::KnownJob& known) { return known.facts.find("no caption") != std::string::npos; });
}

TEST_F(DiagnosticianTest, ARunningJobIsDiagnosedAgainSecondsAfterItsIncident) {
  BeginLaunch("j", "tiny", 5);
  Print("j", kHalfSaid);
  diagnose::Incident incident;
  incident.job = "j";
  incident.severity = detect::Severity::kCritical;
  ASSERT_TRUE(diagnostician_->Take({&incident, 1}).ok());
  diagnostician_->Start();
  AwaitTold("    raise load(key)");
  const int64_t began = base::MonotonicNow();
  Print("j", kItsEnd);
  AwaitTold("UnknownCaption: no caption for 88");
  EXPECT_LT(base::MonotonicNow() - began, 30 * base::kNsPerSecond);
}

// Detection may be behind the end of the job.
TEST_F(DiagnosticianTest, AJobThatEndedWellIsReadAgainWhenAnIncidentIsFoundAndWhenItIsDismissed) {
  const std::string run = BeginLaunch("j", "tiny", 20);
  for (int step = 21; step <= 40; ++step) Print("j", "{'loss': nan, 'step': " + std::to_string(step) + "}");
  Append("j", {{"event", std::string("node_end")}, {"run", run}, {"exit_code", int64_t{0}}});
  diagnostician_->Start();
  AwaitKnown("j", [](const catalog::KnownJob& known) { return diagnose::FactsFromJson(known.facts)->healthy; });
  diagnose::Incident incident;
  incident.job = "j";
  catalog::Findings::Changes changes;
  changes.incidents.resize(1);
  catalog::IncidentRow& row = changes.incidents[0];
  row.id = "i-1";
  row.job = "j";
  row.state = row.decision = "potential";
  row.severity = "WARNING";
  row.json = "{}";
  ASSERT_TRUE(findings_->Save(changes).ok());
  ASSERT_TRUE(diagnostician_->Take({&incident, 1}).ok());
  AwaitKnown("j", [](const catalog::KnownJob& known) {
    auto facts = diagnose::FactsFromJson(known.facts);
    return facts->failure == "nan_or_inf_loss" && facts->incident == "i-1";
  });
  row.state = row.decision = "dismissed";
  ASSERT_TRUE(findings_->Save(changes).ok());
  ASSERT_TRUE(diagnostician_->Take({&incident, 1}).ok());
  AwaitKnown("j", [](const catalog::KnownJob& known) { return diagnose::FactsFromJson(known.facts)->healthy; });
}

TEST_F(DiagnosticianTest, AJobThatFailedWithoutAWordIsSaidToHaveRecordsThatDoNotSayWhy) {
  Launch("j", 1);
  diagnostician_->Start();
  AwaitKnown("j");
  auto lives = catalog_->Lives(base::WallNow(), kLostAfter, 0);
  ASSERT_EQ(lives.size(), 1U);
  ASSERT_EQ(lives[0].state, "failed");
  auto verdict = diagnostician_->VerdictOf(lives[0]);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->failure, "unknown");
  auto page = diagnostician_->DiagnoseNow("j", nullptr);
  ASSERT_TRUE(page.ok());
  EXPECT_FALSE(page->healthy);
  EXPECT_EQ(page->summary, "it failed (the command ended: exit 1), and nothing in its records tells why");
  LifeContext context{"default", "", base::WallNow(), 0, 0, kLostAfter};
  auto update = LifeUpdate(lives[0], {}, &*verdict, context);
  ASSERT_TRUE(update);
  EXPECT_EQ(update->title, lives[0].reason);
  EXPECT_EQ(update->text, std::vector<std::string>{"Diagnosis: its records do not say why"});
}

}  // namespace
}  // namespace rankscope::monitor
