#include <algorithm>

#include "query/pipes.h"

namespace rankscope::query {
namespace {

class FieldsStage : public Stage {
 public:
  FieldsStage(const FieldsPipe& pipe, Stage* next) : next_(next) {
    for (const std::string& name : pipe.names) keys_.push_back(model::RecordKey::Of(name));
  }
  bool Take(const Row& row) override {
    Row chosen;
    for (const auto& key : keys_) chosen.columns.emplace_back(key.name, row.GetCell(key));
    return next_->Take(chosen);
  }
  void Finish() override { next_->Finish(); }

 private:
  std::vector<model::RecordKey> keys_;
  Stage* next_;
};

}  // namespace

base::Result<Pipe> ParseFields(Scanner* scanner) {
  FieldsPipe fields;
  RETURN_IF_ERROR(scanner->List([&]() -> base::Status {
    size_t at = scanner->position();
    ASSIGN_OR_RETURN(std::string name, scanner->Column());
    if (std::find(fields.names.begin(), fields.names.end(), name) != fields.names.end()) {
      return scanner->Complain(at, "two columns would be named \"" + name + "\"");
    }
    fields.names.push_back(std::move(name));
    return {};
  }));
  return Pipe(std::move(fields));
}

std::unique_ptr<Stage> Start(const FieldsPipe& pipe, Execution*, Stage* next) {
  return std::make_unique<FieldsStage>(pipe, next);
}

}  // namespace rankscope::query
