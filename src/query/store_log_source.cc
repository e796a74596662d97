#include "query/store_log_source.h"

#include <algorithm>

#include "model/filter.h"

namespace rankscope::query {
namespace {

using Kind = model::Filter::Kind;

// What of a filter the store's segments can be passed over by: the terms that every record must meet.
void Narrow(const model::Filter& filter, model::Selection* selection) {
  if (filter.kind == Kind::kAnd) {
    for (const model::Filter& child : filter.children) Narrow(child, selection);
  } else if (filter.kind == Kind::kTime) {
    selection->since = std::max(selection->since, filter.since);
    selection->until = std::min(selection->until, filter.until);
  } else if (filter.kind == Kind::kEquals && filter.name == "job_id" && filter.case_sensitive) {
    selection->job = filter.text;
  }
}

class StoreLogSource : public LogSource {
 public:
  explicit StoreLogSource(store::Store* store) : store_(store) {}

  base::Status Read(const model::Scan& scan, base::Budget* budget,
                    const std::function<bool(const model::Record&)>& take) override {
    ASSIGN_OR_RETURN(model::Matcher matcher, model::Matcher::Compile(scan.filter));
    model::Selection selection;
    selection.project = scan.project;
    Narrow(scan.filter, &selection);
    uint64_t taken = 0;
    return store_->Scan(selection, scan.newest_first, [&](const model::Record& record) {
      if (budget->Spent()) return false;
      if (!matcher.Matches(record)) return true;
      return take(record) && ++taken != scan.limit;
    });
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
