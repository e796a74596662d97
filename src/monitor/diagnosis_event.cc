#include "monitor/diagnosis_event.h"

#include "model/event.h"

namespace rankscope::monitor {
namespace {

// Whole characters.
std::string Short(const std::string& text) {
  constexpr size_t kMost = 200;
  if (text.size() <= kMost) return text;
  size_t end = kMost;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

}  // namespace

model::Record DiagnosisEvent(const catalog::JobRow& job, const diagnose::Verdict& verdict, const std::string& reason) {
  model::Record event = model::MakeEvent(kDiagnosis, job.last_heard, verdict.summary);
  event.origin.project = job.project;
  event.origin.job = job.job;
  event.origin.attempt = job.attempt;
  if (verdict.culprit) {
    event.origin.node_rank = verdict.culprit->node_rank;
    event.origin.rank = verdict.culprit->rank;
    event.step = verdict.culprit->step;
  }
  event.level = verdict.healthy ? "info" : "error";
  event.fields.emplace_back("class", verdict.failure);
  if (!verdict.kind.empty()) event.fields.emplace_back("subclass", verdict.kind);
  event.fields.emplace_back("confidence", verdict.confidence);
  event.fields.emplace_back("reason", reason);
  if (!verdict.root_line.empty()) event.fields.emplace_back("root_line", Short(verdict.root_line));
  return event;
}

std::string GistOf(const model::Record& event) {
  const auto* field = model::FindField(event.fields, "class");
  const auto* failure = field ? std::get_if<std::string>(field) : nullptr;
  const auto* line = model::FindField(event.fields, "root_line");
  const auto* root = line ? std::get_if<std::string>(line) : nullptr;
  return (failure ? *failure : "") + " " + std::to_string(event.origin.rank.value_or(-1)) + " " + (root ? *root : "");
}

}  // namespace rankscope::monitor
