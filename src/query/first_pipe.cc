#include <unordered_map>

#include "query/cell.h"
#include "query/pipes.h"

namespace rankscope::query {
namespace {

constexpr size_t kEntryBytes = 64;

class FirstStage : public Stage {
 public:
  FirstStage(const FirstPipe& pipe, Execution* execution, Stage* next)
      : count_(pipe.count), budget_(execution->budget), next_(next) {
    for (const std::string& name : pipe.by) keys_.push_back(model::RecordKey::Of(name));
  }
  bool Take(const Row& row) override {
    identity_.clear();
    for (const auto& key : keys_) AppendIdentity(row.Get(key), &identity_);
    auto [seen, fresh] = seen_.try_emplace(identity_, 0);
    if (fresh) budget_->Take(identity_.size() + kEntryBytes);
    if (seen->second >= count_) return true;
    ++seen->second;
    return next_->Take(row);
  }
  void Finish() override { next_->Finish(); }

 private:
  const uint64_t count_;
  base::Budget* budget_;
  Stage* next_;
  std::vector<model::RecordKey> keys_;
  std::string identity_;
  std::unordered_map<std::string, uint64_t> seen_;
};

}  // namespace

// first [N] by (NAME, …)
base::Result<Pipe> ParseFirst(Scanner* scanner) {
  FirstPipe first;
  if (!scanner->TakeKeyword("by")) {
    size_t begin = scanner->position();
    auto count = scanner->Count();
    if (!count.ok() || *count == 0) return scanner->WrongAt(begin, "expected by, or how many, as in first 3 by (rank)");
    first.count = *count;
    scanner->SkipBlanks();
    if (!scanner->TakeKeyword("by")) return scanner->Wrong("expected by (NAME, …)");
  }
  RETURN_IF_ERROR(scanner->List([&]() -> base::Status {
    ASSIGN_OR_RETURN(std::string name, scanner->Column());
    first.by.push_back(std::move(name));
    return {};
  }));
  return Pipe(std::move(first));
}

std::unique_ptr<Stage> Start(const FirstPipe& pipe, Execution* execution, Stage* next) {
  return std::make_unique<FirstStage>(pipe, execution, next);
}

}  // namespace rankscope::query
