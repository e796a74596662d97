#include "agent/exit_witnesses.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "agent/life_events.h"

namespace rankscope::agent {
namespace {

constexpr size_t kMaxUnknown = 1024;  // a launcher that restarts ranks for ever does not fill our memory

bool Says(const model::Record& record, std::string_view name, const std::string& value) {
  const auto* field = model::FindField(record.fields, name);
  return field && *field == model::FieldValue(value);
}

std::optional<int64_t> Integer(const model::Record& record, std::string_view name) {
  const auto* field = model::FindField(record.fields, name);
  const auto* number = field ? std::get_if<int64_t>(field) : nullptr;
  return number ? std::optional<int64_t>(*number) : std::nullopt;
}

std::optional<int> NumberAfter(std::string_view text, std::string_view label) {
  size_t at = text.find(label);
  if (at == std::string_view::npos) return std::nullopt;
  int value = 0;
  auto [end, error] = std::from_chars(text.data() + at + label.size(), text.data() + text.size(), value);
  return error == std::errc() ? std::optional<int>(value) : std::nullopt;
}

// As waitpid gives it; torchelastic and Python's multiprocessing say -N for signal N.
int WaitStatus(int exitcode) { return exitcode < 0 ? -exitcode : (exitcode & 0xff) << 8; }

bool IsUnknownExit(const model::Record& record) {
  return record.origin.rank && Says(record, "event", "rank_exit") && Says(record, "exit_source", "unknown");
}

}  // namespace

std::optional<ToldExit> ReadTorchelasticLine(std::string_view text) {
  if (text.find("local_rank: ") == std::string_view::npos) return std::nullopt;
  auto exitcode = NumberAfter(text, "failed (exitcode: ");
  auto pid = NumberAfter(text, "(pid: ");
  if (!exitcode || !pid) return std::nullopt;
  return ToldExit{*pid, {WaitStatus(*exitcode), "torchelastic"}};
}

void ExitWitnesses::Resolve(std::vector<model::Record>* records) {
  for (const model::Record& record : *records) Hear(record);
  for (model::Record& record : *records) {
    if (IsUnknownExit(record) && !Complete(&record) && unknown_.size() < kMaxUnknown) unknown_.push_back(record);
  }
  auto known = std::partition(unknown_.begin(), unknown_.end(), [this](auto& exit) { return !Complete(&exit); });
  std::move(known, unknown_.end(), std::back_inserter(*records));
  unknown_.erase(known, unknown_.end());
}

void ExitWitnesses::Hear(const model::Record& record) {
  if (!record.origin.rank) {
    if (auto told = ReadTorchelasticLine(record.text)) launcher_[told->pid] = told->status;
    return;
  }
  if (!Says(record, "event", "uncaught_exception")) return;
  auto code = Integer(record, "exit_code");
  if (code) hooks_[{record.origin.attempt, *record.origin.rank}] = {WaitStatus(static_cast<int>(*code)), "hook"};
}

bool ExitWitnesses::Complete(model::Record* exit) const {
  auto pid = Integer(*exit, "pid");
  auto launcher = launcher_.find(static_cast<pid_t>(pid.value_or(-1)));
  auto hook = hooks_.find({exit->origin.attempt, *exit->origin.rank});
  if (launcher == launcher_.end() && hook == hooks_.end()) return false;
  std::erase_if(exit->fields, [](const auto& field) { return field.first == "exit_source"; });
  std::string how = DescribeEnd(launcher != launcher_.end() ? launcher->second : hook->second, exit);
  exit->text = "rank " + std::to_string(*exit->origin.rank) + " ended: " + how;
  return true;
}

}  // namespace rankscope::agent
