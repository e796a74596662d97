#include "notify/update.h"

#include <algorithm>
#include <array>

#include "notify/text.h"

namespace rankscope::notify {
namespace {

constexpr size_t kWordBytes = 256, kLineBytes = 1024, kLines = 20, kNodes = 4096, kLabels = 64;

void CutTo(std::string* text, size_t bytes) { *text = CutBytes(*text, bytes); }

std::string_view EventOf(Kind kind) { return IsLife(kind) ? NameOf(kind) : "incident"; }

}  // namespace

std::string_view NameOf(Severity severity) {
  constexpr std::array<std::string_view, 3> kNames = {"info", "warning", "critical"};
  return kNames.at(static_cast<size_t>(severity));
}

std::string_view NameOf(Kind kind) {
  constexpr std::array<std::string_view, 8> kNames = {"firing",  "resolved", "superseded", "acknowledged",
                                                      "started", "finished", "failed",     "stalled"};
  return kNames.at(static_cast<size_t>(kind));
}

bool IsOpen(Kind kind) { return kind == Kind::kFiring || kind == Kind::kAcknowledged || kind == Kind::kStalled; }

bool IsLife(Kind kind) { return kind >= Kind::kStarted; }

bool IsTrouble(Kind kind) { return IsOpen(kind) || kind == Kind::kFailed; }

base::TimeNs LapsesAt(Kind kind, base::TimeNs told) {
  constexpr int64_t kFailedForNs = 4 * 3600 * base::kNsPerSecond;  // about when Alertmanager would repeat it
  return kind == Kind::kFailed ? told + kFailedForNs : 0;
}

Labels LabelsOf(const Update& update) {
  Labels labels = update.labels;
  labels.emplace("alertname", update.incident_class.empty() ? EventOf(update.kind) : update.incident_class);
  labels["project"] = update.project;
  labels["job"] = update.job;
  labels["severity"] = NameOf(update.severity);
  labels["class"] = update.incident_class;
  labels["event"] = EventOf(update.kind);
  return labels;
}

void Trim(Update* update) {
  for (std::string* word : {&update->subject, &update->project, &update->job, &update->incident_class, &update->ranks,
                            &update->superseded_by}) {
    CutTo(word, kWordBytes);
  }
  for (std::string* line : {&update->title, &update->evidence, &update->link}) CutTo(line, kLineBytes);
  if (update->text.size() > kLines) update->text.resize(kLines);
  for (std::string& line : update->text) CutTo(&line, kLineBytes);
  if (update->nodes.size() > kNodes) update->nodes.resize(kNodes);
  while (update->labels.size() > kLabels) update->labels.erase(std::prev(update->labels.end()));
  for (auto& [name, value] : update->labels) CutTo(&value, kWordBytes);
  if (!update->acknowledgement) return;
  CutTo(&update->acknowledgement->by, kWordBytes);
  CutTo(&update->acknowledgement->note, kLineBytes);
}

bool StillAcknowledged(const Acknowledgement& acknowledgement, const Update& update, base::TimeNs now) {
  if (acknowledgement.until != 0 && now >= acknowledgement.until) return false;
  if (update.severity > acknowledgement.severity) return false;
  if (update.rank_count > 2 * acknowledgement.rank_count && acknowledgement.rank_count > 0) return false;
  return std::includes(acknowledgement.nodes.begin(), acknowledgement.nodes.end(), update.nodes.begin(),
                       update.nodes.end());
}

}  // namespace rankscope::notify
