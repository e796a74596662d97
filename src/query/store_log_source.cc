#include "query/store_log_source.h"

namespace rankscope::query {
namespace {

class StoreLogSource : public LogSource {
 public:
  explicit StoreLogSource(store::Store* store) : store_(store) {}

  base::Status Read(const model::Scan& scan, base::Budget* budget,
                    const std::function<bool(const model::Record&)>& take) override {
    return store_->Read(scan, budget, take);
  }

  base::Status Aggregate(const model::Scan& scan, const model::Aggregation& aggregation, base::Budget* budget,
                         const model::TakeCells& take) override {
    ASSIGN_OR_RETURN(bool done, store_->Aggregate(scan, aggregation, budget, take));
    return done ? base::Status() : LogSource::Aggregate(scan, aggregation, budget, take);
  }

  base::Result<std::vector<model::Pattern>> Patterns(const model::Scan& scan, base::Budget* budget) override {
    return store_->Patterns(scan, budget);
  }

  uint64_t Subscribe(std::function<void(const std::shared_ptr<const model::RecordBatch>&)> take) override {
    return store_->Subscribe(std::move(take));
  }
  void Unsubscribe(uint64_t token) override { store_->Unsubscribe(token); }

 private:
  store::Store* store_;
};

}  // namespace

std::unique_ptr<LogSource> MakeStoreLogSource(store::Store* store) { return std::make_unique<StoreLogSource>(store); }

}  // namespace rankscope::query
