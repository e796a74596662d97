#include "query/pipes.h"
#include "store/scan/pattern_counter.h"

namespace rankscope::query {
namespace {

class PatternsStage : public Stage {
 public:
  PatternsStage(Execution* execution, Stage* next) : counter_(execution->budget), next_(next) {}
  bool Take(const Row& row) override {
    counter_.Take(*row.record);
    return true;
  }
  void Finish() override {
    PushPatterns(counter_.Finish(), next_);
    next_->Finish();
  }

 private:
  store::PatternCounter counter_;
  Stage* next_;
};

std::string ToText(const model::NumberSet& set) {
  std::string text;
  for (const auto& range : set.ranges) {
    text += (text.empty() ? "" : ",") + std::to_string(range.first);
    if (range.last != range.first) text += "-" + std::to_string(range.last);
  }
  return text;
}

model::Cell OrNone(std::string text) { return text.empty() ? model::Cell() : model::Cell(std::move(text)); }

}  // namespace

base::Result<Pipe> ParsePatterns(Scanner*) { return Pipe(PatternsPipe{}); }

std::unique_ptr<Stage> Start(const PatternsPipe&, Execution* execution, Stage* next) {
  return std::make_unique<PatternsStage>(execution, next);
}

void PushPatterns(const std::vector<model::Pattern>& patterns, Stage* next) {
  for (const model::Pattern& pattern : patterns) {
    Row row;
    row.columns = {{"job_id", OrNone(pattern.job)},
                   {"count", static_cast<int64_t>(pattern.count)},
                   {"pattern", pattern.text},
                   {"ranks", OrNone(ToText(pattern.ranks))},
                   {"first_seen", model::Time{pattern.first_seen}},
                   {"last_seen", model::Time{pattern.last_seen}},
                   {"example", pattern.example}};
    if (!next->Take(row)) return;
  }
}

}  // namespace rankscope::query
