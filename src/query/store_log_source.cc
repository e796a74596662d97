#include "query/store_log_source.h"

namespace rankscope::query {
namespace {

class StoreLogSource : public LogSource {
 public:
  explicit StoreLogSource(store::Store* store) : store_(store) {}
  base::Status Scan(const model::Selection& selection, bool newest_first,
                    const std::function<bool(const model::Record&)>& take) override {
    return store_->Scan(selection, newest_first, take);
  }
  uint64_t Subscribe(std::function<void(const model::RecordBatch&)> take) override {
    return store_->Subscribe(std::move(take));
  }
  void Unsubscribe(uint64_t token) override { store_->Unsubscribe(token); }

 private:
  store::Store* store_;
};

}  // namespace

std::unique_ptr<LogSource> MakeStoreLogSource(store::Store* store) { return std::make_unique<StoreLogSource>(store); }

}  // namespace rankscope::query
