#include "query/pipes.h"

namespace rankscope::query {
namespace {

class LimitStage : public Stage {
 public:
  LimitStage(uint64_t count, Stage* next) : left_(count), next_(next) {}
  bool Take(const Row& row) override {
    if (left_ == 0) return false;
    --left_;
    return next_->Take(row) && left_ > 0;
  }
  void Finish() override { next_->Finish(); }

 private:
  uint64_t left_;
  Stage* next_;
};

}  // namespace

base::Result<Pipe> ParseLimit(Scanner* scanner) {
  LimitPipe limit;
  ASSIGN_OR_RETURN(limit.count, scanner->Count());
  return Pipe(limit);
}

std::unique_ptr<Stage> Start(const LimitPipe& pipe, Execution*, Stage* next) {
  return std::make_unique<LimitStage>(pipe.count, next);
}

}  // namespace rankscope::query
