#include "agent/hook_exits.h"

#include <algorithm>
#include <string>

namespace rankscope::agent {
namespace {

bool Says(const model::Record& record, std::string_view name, const std::string& value) {
  const auto* field = model::FindField(record.fields, name);
  return field && *field == model::FieldValue(value);
}

}  // namespace

void HookExits::Resolve(std::vector<model::Record>* records) {
  for (const model::Record& record : *records) {
    if (!record.origin.rank || !Says(record, "event", "uncaught_exception")) continue;
    const auto* code = model::FindField(record.fields, "exit_code");
    if (const auto* number = code ? std::get_if<int64_t>(code) : nullptr) {
      codes_[{record.origin.attempt, *record.origin.rank}] = *number;
    }
  }
  for (model::Record& record : *records) {
    if (record.origin.rank && Says(record, "event", "rank_exit") && Says(record, "exit_source", "unknown")) {
      Complete(&record);
    }
  }
}

void HookExits::Complete(model::Record* exit) const {
  auto found = codes_.find({exit->origin.attempt, *exit->origin.rank});
  if (found == codes_.end()) return;
  auto source = std::find_if(exit->fields.begin(), exit->fields.end(),
                             [](const auto& field) { return field.first == "exit_source"; });
  source->second = std::string("hook");
  exit->fields.emplace_back("exit_code", found->second);
  exit->level = "error";
  exit->text = "rank " + std::to_string(*exit->origin.rank) + " ended: exit " + std::to_string(found->second);
}

}  // namespace rankscope::agent
