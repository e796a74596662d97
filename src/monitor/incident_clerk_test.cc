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
    if (!readable) {
      ++refused;
      return base::Status::Unavailable("not yet");
    }
    ++read;
    return source_->Aggregate(scan, aggregation, budget, take);
  }
  uint64_t Subscribe(std::function<void(const std::shared_ptr<const model::RecordBatch>&)>) override { return 0; }
  void Unsubscribe(uint64_t) override {}

  std::atomic<bool> readable{false};
  std::atomic<int> refused{0}, read{0};

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

TEST(IncidentClerkTest, AClosedIncidentThatCannotBeReckonedNowIsReckonedLater) {
  std::string folder = testing::TempDir() + "/rankscope_incident_clerk_test";
  std::filesystem::remove_all(folder);
  std::vector<std::string> damage;
  auto store = *store::Store::Open(folder + "/store", {.project = "default"}, &damage);
  auto findings = *catalog::Findings::Open(folder, "default");
  catalog::Findings::Changes changes;
  changes.incidents = {RowOf(Closed("note", detect::Severity::kInfo)), RowOf(Closed("i", detect::Severity::kCritical))};
  ASSERT_TRUE(findings->Save(changes).ok());
  Detection detection({"default",
                       findings.get(),
                       store.get(),
                       nullptr,
                       [](const std::string&, const std::string&) {},
                       [](const std::string&) {},
                       [](const std::string&) { return 0; },
                       {},
                       [](bool) {}});
  LateSource source(store.get());
  IncidentClerk::Parts parts{"default",   findings->incidents(),
                             store.get(), &source,
                             &detection,  [](const std::string&) { return IncidentClerk::JobLife(); },
                             {},          1};
  IncidentClerk clerk(parts);
  ASSERT_TRUE(Await([&] { return source.refused > 0; }));
  source.readable = true;
  EXPECT_TRUE(Await([&] { return source.read > 0; }));
}

}  // namespace
}  // namespace rankscope::monitor
