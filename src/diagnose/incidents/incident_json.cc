#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "diagnose/incidents/incident.h"
#include "model/record_json.h"
#include "model/time_text.h"
#include "parse/json_record.h"

namespace rankscope::diagnose {
namespace {

using Json = nlohmann::ordered_json;

Json TimeJson(base::TimeNs time) { return time == 0 ? Json() : Json(model::FormatTime(time)); }

template <typename Number>
Json OrNull(const std::optional<Number>& number) {
  return number ? Json(*number) : Json();
}

Json RecordJson(const model::Record& record) {
  std::string text;
  model::AppendJson(record, &text);
  return Json::parse(text, nullptr, /*allow_exceptions=*/false);
}

Json ToJson(const IncidentMember& member) {
  return {{"rule", member.rule},
          {"class", member.finding_class},
          {"role", NameOf(member.role)},
          {"severity", detect::SeverityName(member.severity)},
          {"first_finding", member.first_finding},
          {"findings", member.findings},
          {"active", member.active},
          {"ranks", member.ranks.ToText()},
          {"nodes", member.nodes.ToText()},
          {"step", OrNull(member.step)},
          {"began", TimeJson(member.began)},
          {"last", TimeJson(member.last)}};
}

Json ToJson(const Acknowledgement& acknowledgement) {
  return {{"by", acknowledgement.by},
          {"note", acknowledgement.note},
          {"at", TimeJson(acknowledgement.at)},
          {"until", TimeJson(acknowledgement.until)},
          {"severity", detect::SeverityName(acknowledgement.severity)},
          {"rank_count", acknowledgement.rank_count},
          {"nodes", acknowledgement.nodes.ToText()}};
}

Json ToJson(const IncidentDecision& decision) {
  if (decision.at == 0) return nullptr;
  return {
      {"state", NameOf(decision.state)}, {"by", decision.by}, {"note", decision.note}, {"at", TimeJson(decision.at)}};
}

Json ToJson(const IncidentCost& cost) {
  Json json = {{"rank_hours", cost.rank_hours}};
  if (cost.money) json["money"] = *cost.money;
  return json;
}

template <typename Part>
Json ListJson(const std::vector<Part>& parts, Json (*to_json)(const Part&)) {
  Json list = Json::array();
  for (const Part& part : parts) list.push_back(to_json(part));
  return list;
}

Json CauseJson(const detect::Cause& cause) {
  return {{"cause", cause.cause}, {"probability", cause.probability}, {"why", cause.why}};
}

// Reads the members of one object. What is missing, or is of another type, is as if it were not known.
class Reader {
 public:
  explicit Reader(const Json& object) : object_(object) {}

  const Json* Find(const char* name) const {
    auto found = object_.find(name);
    return object_.is_object() && found != object_.end() && !found->is_null() ? &*found : nullptr;
  }
  std::string Text(const char* name) const {
    const Json* value = Find(name);
    return value && value->is_string() ? value->get<std::string>() : std::string();
  }
  template <typename Number>
  std::optional<Number> Maybe(const char* name) const {
    const Json* value = Find(name);
    if (!value || !value->is_number()) return std::nullopt;
    return value->get<Number>();
  }
  int64_t Integer(const char* name) const { return Maybe<int64_t>(name).value_or(0); }
  base::TimeNs Time(const char* name) const { return model::ParseTime(Text(name)).value_or(0); }
  NumberSet Set(const char* name) const {
    auto set = NumberSet::FromText(Text(name));
    return set.ok() ? *set : NumberSet();
  }
  detect::Severity Severity() const {
    return detect::ParseSeverity(Text("severity")).value_or(detect::Severity::kWarning);
  }
  ChainRole RoleOf() const { return ParseChainRole(Text("role")).value_or(ChainRole::kSymptom); }
  IncidentState State() const { return ParseIncidentState(Text("state")).value_or(IncidentState::kPotential); }
  Json List(const char* name) const {
    const Json* value = Find(name);
    return value && value->is_array() ? *value : Json::array();
  }

 private:
  const Json& object_;
};

IncidentMember MemberFrom(const Json& json) {
  Reader reader(json);
  IncidentMember member;
  member.rule = reader.Text("rule");
  member.finding_class = reader.Text("class");
  member.role = reader.RoleOf();
  member.severity = reader.Severity();
  member.first_finding = reader.Text("first_finding");
  member.findings = reader.Integer("findings");
  member.active = reader.Integer("active");
  member.ranks = reader.Set("ranks");
  member.nodes = reader.Set("nodes");
  member.step = reader.Maybe<int64_t>("step");
  member.began = reader.Time("began");
  member.last = reader.Time("last");
  return member;
}

std::optional<Acknowledgement> AcknowledgementFrom(const Json* json) {
  if (!json) return std::nullopt;
  Reader reader(*json);
  return Acknowledgement{reader.Text("by"), reader.Text("note"),          reader.Time("at"),  reader.Time("until"),
                         reader.Severity(), reader.Integer("rank_count"), reader.Set("nodes")};
}

IncidentDecision DecisionFrom(const Json* json) {
  if (!json) return {};
  Reader reader(*json);
  return {reader.State(), reader.Text("by"), reader.Text("note"), reader.Time("at")};
}

IncidentCost CostFrom(const Json* json) {
  if (!json) return {};
  Reader reader(*json);
  return {reader.Maybe<double>("rank_hours").value_or(0), reader.Maybe<double>("money")};
}

void ReadWhat(const Reader& reader, Incident* incident) {
  incident->finding = reader.Text("finding_id");
  incident->rule = reader.Text("rule");
  incident->incident_class = reader.Text("class");
  incident->role = reader.RoleOf();
  incident->title = reader.Text("title");
  incident->action = reader.Text("action");
  for (const Json& channel : reader.List("channels")) incident->channels.push_back(channel.get<std::string>());
  for (const Json& cause : reader.List("likely")) {
    Reader one(cause);
    incident->likely.push_back({one.Text("cause"), one.Maybe<double>("probability").value_or(0), one.Text("why")});
  }
}

void ReadWhere(const Reader& reader, Incident* incident) {
  incident->ranks = reader.Set("ranks");
  incident->nodes = reader.Set("nodes");
  incident->told_rank_count = reader.Integer("told_rank_count");
  incident->world_size = reader.Integer("world_size");
  incident->step = reader.Maybe<int64_t>("step");
  incident->started = reader.Time("started");
  incident->ended = reader.Time("ended");
  for (const Json& member : reader.List("members")) incident->members.push_back(MemberFrom(member));
}

base::Status ReadEvidence(const Reader& reader, Incident* incident) {
  std::vector<std::string> lines;
  for (const Json& record : reader.List("evidence")) lines.push_back(record.dump());
  ASSIGN_OR_RETURN(incident->evidence, parse::RecordsFromJson(lines));
  return {};
}

}  // namespace

void AppendJson(const Incident& incident, std::string* out) {
  Json json = {{"id", incident.id},
               {"version", incident.version},
               {"change", NameOf(incident.change)},
               {"changed", TimeJson(incident.changed)},
               {"changed_by", incident.changed_by},
               {"change_note", incident.change_note},
               {"project", incident.project},
               {"job_id", incident.job},
               {"attempt", incident.attempt},
               {"state", NameOf(incident.state)},
               {"severity", detect::SeverityName(incident.severity)},
               {"class", incident.incident_class},
               {"role", NameOf(incident.role)},
               {"rule", incident.rule},
               {"finding_id", incident.finding},
               {"title", incident.title},
               {"where", WhereOf(incident)},
               {"ranks", incident.ranks.ToText()},
               {"rank_count", incident.rank_count()},
               {"told_rank_count", incident.told_rank_count},
               {"world_size", incident.world_size},
               {"nodes", incident.nodes.ToText()},
               {"step", OrNull(incident.step)},
               {"started", TimeJson(incident.started)},
               {"ended", TimeJson(incident.ended)},
               {"likely", ListJson(incident.likely, CauseJson)},
               {"action", incident.action},
               {"channels", incident.channels},
               {"members", ListJson(incident.members, ToJson)},
               {"evidence", ListJson(incident.evidence, RecordJson)},
               {"decision", ToJson(incident.decision)},
               {"acknowledged", incident.acknowledgement ? ToJson(*incident.acknowledgement) : Json()},
               {"superseded_by", incident.superseded_by.empty() ? Json() : Json(incident.superseded_by)},
               {"cost", ToJson(incident.cost)}};
  *out += base::JsonText(json);
}

base::Result<Incident> IncidentFromJson(std::string_view text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  Reader reader(json);
  Incident incident;
  incident.id = reader.Text("id");
  if (incident.id.empty()) return base::Status::Corrupt("an incident's JSON has no id");
  incident.version = static_cast<uint64_t>(reader.Integer("version"));
  incident.change = ParseChange(reader.Text("change")).value_or(Change::kOpened);
  incident.changed = reader.Time("changed");
  incident.changed_by = reader.Text("changed_by");
  incident.change_note = reader.Text("change_note");
  incident.project = reader.Text("project");
  incident.job = reader.Text("job_id");
  incident.attempt = static_cast<int32_t>(reader.Integer("attempt"));
  incident.state = reader.State();
  incident.severity = reader.Severity();
  ReadWhat(reader, &incident);
  ReadWhere(reader, &incident);
  RETURN_IF_ERROR(ReadEvidence(reader, &incident));
  incident.decision = DecisionFrom(reader.Find("decision"));
  incident.acknowledgement = AcknowledgementFrom(reader.Find("acknowledged"));
  incident.superseded_by = reader.Text("superseded_by");
  incident.cost = CostFrom(reader.Find("cost"));
  return incident;
}

}  // namespace rankscope::diagnose
