#include "monitor/incident_clerk.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "monitor/incident_rows.h"
#include "query/store_log_source.h"

namespace rankscope::monitor {
namespace {

// The store's, that cannot be read at first.
class LateSource : public query::LogSource {
 public:
  explicit LateSource(store::Store* store) : source_(query::MakeStoreLogSource(store)) {}

  base::Status Read(const model::Scan&, base::Budget*, const std::function<bool(const model::Record&)>&) override {
    return base::Status::Invalid("records are not to be read one by one");
  }
  base::Status Aggregate(const model::Scan& scan, const model::Aggregation& aggregation, base::Budget* budget,
                         const model::TakeCells& take) override {
    bool refuses = !readable || scan.filter.children[0].text == never_readable;
    if (refuses) {
      ++refused;
      return base::Status::Unavailable("not yet");
    }
    for (const auto& term : scan.filter.children) {
      if (term.kind == model::Filter::Kind::kTime) read_until = std::max<int64_t>(read_until, term.until);
    }
    ++read;
    return source_->Aggregate(scan, aggregation, budget, take);
  }
  uint64_t Subscribe(std::function<void(const std::shared_ptr<const model::RecordBatch>&)>) override { return 0; }
  void Unsubscribe(uint64_t) override {}

  const std::string never_readable = "damaged";  // a job
  std::atomic<bool> readable{false};
  std::atomic<int> refused{0}, read{0};
  std::atomic<int64_t> read_until{0};

 private:
  const std::unique_ptr<query::LogSource> source_;
};

diagnose::Incident Closed(const std::string& id, detect::Severity severity) {
  diagnose::Incident incident;
  incident.id = id;
  incident.project = "default";
  incident.job = "j";
  incident.state = diagnose::IncidentState::kResolved;
  incident.severity = severity;
  incident.started = base::kNsPerSecond;
  incident.ended = 2 * base::kNsPerSecond;
  return incident;
}

// For 300 s at most: a limit for a broken build, never a measure.
bool Await(const std::function<bool()>& is_so) {
  for (int i = 0; i < 30'000 && !is_so(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return is_so();
}

class IncidentClerkTest : public testing::Test {
 protected:
  IncidentClerkTest() {
    std::string folder = testing::TempDir() + "/" + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder);
    std::vector<std::string> damage;
    store_ = *store::Store::Open(folder + "/store", {.project = "default"}, &damage);
    findings_ = *catalog::Findings::Open(folder, "default");
    source_ = std::make_unique<LateSource>(store_.get());
  }
  // Oldest first.
  void Keep(const std::vector<diagnose::Incident>& incidents) {
    catalog::Findings::Changes changes;
    for (const auto& incident : incidents) changes.incidents.push_back(RowOf(incident));
    ASSERT_TRUE(findings_->Save(changes).ok());
  }
  void Start() {
    detection_ = std::make_unique<Detection>(Detection::Parts{"default",
                                                              findings_.get(),
                                                              store_.get(),
                                                              nullptr,
                                                              [](const std::string&, const std::string&) {},
                                                              [](const std::string&) {},
                                                              [](const std::string&) { return 0; },
                                                              [](const std::string&) { return false; },
                                                              {},
                                                              [](bool) {}});
    clerk_ = std::make_unique<IncidentClerk>(IncidentClerk::Parts{"default",
                                                                  findings_->incidents(),
                                                                  store_.get(),
                                                                  source_.get(),
                                                                  detection_.get(),
                                                                  [this](const std::string&) { return life_; },
                                                                  {},
                                                                  1});
  }

  // Of one rank, a step a second.
  void MakeSteps(int64_t count) {
    model::RecordBatchBuilder builder;
    for (int64_t step = 1; step <= count; ++step) {
      model::Record record;
      record.origin.job = "j";
      record.origin.rank = 0;
      record.stream = model::Stream::kMetric;
      record.time = step * base::kNsPerSecond;
      record.step = step;
      builder.Add(record);
    }
    ASSERT_TRUE(store_->Append(1, *model::RecordBatch::Decode(builder.Take())).ok());
  }

  IncidentClerk::JobLife life_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<catalog::Findings> findings_;
  std::unique_ptr<LateSource> source_;
  std::unique_ptr<Detection> detection_;
  std::unique_ptr<IncidentClerk> clerk_;
};

TEST_F(IncidentClerkTest, AClosedIncidentThatCannotBeReckonedNowIsReckonedLater) {
  Keep({Closed("note", detect::Severity::kInfo), Closed("i", detect::Severity::kCritical)});
  Start();
  ASSERT_TRUE(Await([&] { return source_->refused > 0; }));
  source_->readable = true;
  EXPECT_TRUE(Await([&] { return source_->read > 0; }));
}

TEST_F(IncidentClerkTest, OneThatNeverCanBeReckonedHoldsUpNobody) {
  diagnose::Incident damaged = Closed("i-damaged", detect::Severity::kCritical);
  damaged.job = source_->never_readable;
  source_->readable = true;
  Keep({Closed("note", detect::Severity::kInfo), Closed("i-behind", detect::Severity::kCritical), damaged});
  Start();
  EXPECT_TRUE(Await([&] { return source_->read > 0; })) << "the newest is looked at first";
  EXPECT_TRUE(Await([&] { return source_->refused > 2; })) << "and tried again";
}

TEST_F(IncidentClerkTest, OneThatIsFoundOverLongAfterTheJobsLastWordTookNoLongerThanTheJob) {
  MakeSteps(100);
  diagnose::Incident incident = Closed("i", detect::Severity::kCritical);
  incident.started = 100 * base::kNsPerSecond;
  incident.ended = 86'400 * base::kNsPerSecond;
  incident.world_size = 1;
  life_ = {190 * base::kNsPerSecond, true};
  source_->readable = true;
  Keep({Closed("note", detect::Severity::kInfo), incident});
  Start();
  EXPECT_TRUE(Await([&] { return source_->read_until > incident.started; }));
  EXPECT_EQ(source_->read_until, life_.until);
}

}  // namespace
}  // namespace rankscope::monitor
