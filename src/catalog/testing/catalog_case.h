#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "catalog/catalog.h"

namespace rankscope::catalog {

inline constexpr int64_t kLostAfter = 60 * base::kNsPerSecond;

class CatalogTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/rankscope_catalog_test";
    std::filesystem::remove_all(folder_);
    Open();
  }
  void Open() {
    catalog_.reset();
    auto catalog = Catalog::Open(folder_, "default");
    ASSERT_TRUE(catalog.ok()) << catalog.status().message();
    catalog_ = *std::move(catalog);
  }
  void Event(const std::string& name, std::optional<int32_t> rank, model::Fields fields, int32_t attempt = 0) {
    model::Record record;
    record.origin.job = "j";
    record.origin.rank = rank;
    record.origin.attempt = attempt;
    record.stream = model::Stream::kEvent;
    record.time = ++time_ * base::kNsPerSecond;
    record.fields = std::move(fields);
    record.fields.emplace_back("event", name);
    std::string bytes;
    model::EncodeRecords({record}, &bytes);
    ASSERT_TRUE(catalog_->Append(static_cast<uint64_t>(time_), *model::RecordBatch::Decode(bytes)).ok());
  }
  // A keeper's event: of the run, on the node, at a second of its own.
  void KeeperEvent(const std::string& name, const std::string& run, int32_t node, std::optional<int32_t> rank,
                   model::Fields fields, std::optional<int64_t> second = {}, std::string member = "") {
    model::Record record;
    record.origin.job = job_;
    record.origin.attempt = attempt_;
    record.origin.node_rank = node;
    record.origin.host = "h" + std::to_string(node);
    record.origin.rank = rank;
    record.stream = model::Stream::kEvent;
    record.time = second.value_or(++time_) * base::kNsPerSecond;
    record.fields = std::move(fields);
    if (member.empty()) member = "node " + std::to_string(node);
    record.fields.insert(record.fields.end(), {{"event", name}, {"run", run}, {"member", member}});
    std::string bytes;
    model::EncodeRecords({record}, &bytes);
    ASSERT_TRUE(catalog_->Append(static_cast<uint64_t>(time_), *model::RecordBatch::Decode(std::move(bytes))).ok());
  }
  // Time that nobody hears of the job is real: asks until there are some.
  std::vector<model::JobTime> AwaitSilentJobs(base::TimeNs now) {
    std::vector<model::JobTime> silent;
    while ((silent = catalog_->SilentJobs(now)).empty()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return silent;
  }
  std::vector<JobLife> Lives() { return catalog_->Lives(time_ * base::kNsPerSecond, kLostAfter, 0); }
  JobRow Row(int64_t seconds_later = 0) {
    return *catalog_->Job("j", (time_ + seconds_later) * base::kNsPerSecond, kLostAfter);
  }

  std::string folder_, job_ = "j";
  int64_t time_ = 0;
  int32_t attempt_ = 0;
  std::unique_ptr<Catalog> catalog_;
};

}  // namespace rankscope::catalog
