#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "query/store_log_source.h"
#include "store/store.h"

namespace rankscope {

// A store in a scratch folder: the first half of the records in segments, the second in memory.
class ScratchStore {
 public:
  explicit ScratchStore(const std::vector<model::Record>& records, const std::string& project = "default") {
    char name[] = "/tmp/rankscope-query-XXXXXX";
    folder_ = mkdtemp(name);
    std::vector<std::string> damage;
    auto store = store::Store::Open(folder_, {.project = project}, &damage);
    if (!store.ok()) Die(store.status());
    store_ = *std::move(store);
    auto middle = records.begin() + static_cast<std::ptrdiff_t>(records.size() / 2);
    Append({records.begin(), middle});
    if (auto status = store_->Flush(); !status.ok()) Die(status);
    Append({middle, records.end()});
    source_ = query::MakeStoreLogSource(store_.get());
  }
  ~ScratchStore() {
    source_.reset();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  query::LogSource* source() { return source_.get(); }

 private:
  void Append(const std::vector<model::Record>& records) {
    if (records.empty()) return;
    position_ += records.size();
    std::string bytes;
    model::EncodeRecords(records, &bytes);
    auto batch = model::RecordBatch::Decode(std::move(bytes));
    if (!batch.ok()) Die(batch.status());
    if (auto status = store_->Append(position_, *std::move(batch)); !status.ok()) Die(status);
  }
  static void Die(const base::Status& status) {
    std::fprintf(stderr, "%s\n", status.message().c_str());
    std::exit(1);
  }

  std::string folder_;
  uint64_t position_ = 0;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<query::LogSource> source_;
};

// A store a project, as a server has them; each scan goes to its project's.
class ScratchStores : public query::LogSource {
 public:
  explicit ScratchStores(const std::vector<model::Record>& records) {
    std::map<std::string, std::vector<model::Record>> projects = {{"default", {}}};
    for (const model::Record& record : records) projects[record.origin.project].push_back(record);
    for (const auto& [project, its] : projects) stores_[project] = std::make_unique<ScratchStore>(its, project);
  }

  base::Status Read(const model::Scan& scan, base::Budget* budget,
                    const std::function<bool(const model::Record&)>& take) override {
    return Of(scan)->Read(scan, budget, take);
  }
  base::Status Aggregate(const model::Scan& scan, const model::Aggregation& aggregation, base::Budget* budget,
                         const model::TakeCells& take) override {
    return Of(scan)->Aggregate(scan, aggregation, budget, take);
  }
  base::Result<std::vector<model::Pattern>> Patterns(const model::Scan& scan, base::Budget* budget) override {
    return Of(scan)->Patterns(scan, budget);
  }
  uint64_t Subscribe(std::function<void(const std::shared_ptr<const model::RecordBatch>&)>) override { return 0; }
  void Unsubscribe(uint64_t) override {}

 private:
  query::LogSource* Of(const model::Scan& scan) {
    auto found = stores_.find(scan.project);
    return (found == stores_.end() ? stores_.at("default") : found->second)->source();
  }
  std::map<std::string, std::unique_ptr<ScratchStore>> stores_;
};

}  // namespace rankscope
