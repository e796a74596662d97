#include "incident_words.h"

namespace rankscope {
namespace {

monitor::IncidentWord::Act ActOf(api::IncidentAct act) {
  using Act = monitor::IncidentWord::Act;
  switch (act) {
    case api::IncidentAct::kAcknowledge:
      return Act::kAcknowledge;
    case api::IncidentAct::kConfirm:
      return Act::kConfirm;
    case api::IncidentAct::kDismiss:
      return Act::kDismiss;
    case api::IncidentAct::kResolve:
      break;
  }
  return Act::kResolve;
}

}  // namespace

base::Result<std::string> IncidentWords::Say(const std::string& incident, const api::IncidentNote& note) {
  ASSIGN_OR_RETURN(auto said, detection_->Say(incident, {ActOf(note.act), note.by, note.note, note.until}));
  std::string json;
  diagnose::AppendJson(said, &json);
  return json;
}

base::Result<catalog::FindingRow> IncidentWords::Decide(const std::string& finding, const catalog::Decision& decision) {
  return detection_->Decide(finding, decision);
}

}  // namespace rankscope
