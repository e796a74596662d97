#include "catalog/job_state.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace rankscope::catalog {
namespace {

using Json = nlohmann::json;

std::string TextOf(const model::FieldValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* integer = std::get_if<int64_t>(&value)) return std::to_string(*integer);
  return Json(std::get<double>(value)).dump();
}

std::string Field(const model::RecordView& record, std::string_view name) {
  const model::FieldView* field = record.FindField(name);
  return field ? TextOf(field->Value()) : "";
}

int64_t Integer(const model::RecordView& record, std::string_view name) {
  const model::FieldView* field = record.FindField(name);
  return field && field->kind == model::FieldView::Kind::kInteger ? field->integer : 0;
}

std::string EndOf(const model::RecordView& record) {
  if (std::string signal = Field(record, "signal"); !signal.empty()) {
    return Field(record, "oom_kill") == "true" ? signal + " (oom)" : signal;
  }
  std::string code = Field(record, "exit_code");
  return code.empty() ? "unknown" : "exit " + code;
}

bool Bad(const std::string& end) { return !end.empty() && end != "exit 0" && end != "unknown"; }

std::string NodeKey(const model::Origin& origin) {
  return std::to_string(origin.node_rank.value_or(-1)) + " " + origin.host;
}

Json Optional(const std::optional<int32_t>& value) { return value ? Json(*value) : Json(); }

std::optional<int32_t> FromOptional(const Json& json, const char* name) {
  return json.contains(name) && json[name].is_number() ? std::optional(json[name].get<int32_t>()) : std::nullopt;
}

}  // namespace

void JobState::TakeOrigin(const model::Origin& origin) {
  row_.project = origin.project;
  row_.job = origin.job;
  row_.attempt = std::max(row_.attempt, origin.attempt);
  if (!origin.rank) return;
  RankRow& rank = ranks_[{origin.attempt, *origin.rank}];
  rank.attempt = origin.attempt;
  rank.rank = *origin.rank;
  rank.node_rank = origin.node_rank;
  rank.local_rank = origin.local_rank;
  rank.host = origin.host;
  if (rank.source.empty()) rank.source = "console";
}

void JobState::Take(const model::RecordView& record) {
  row_.started = row_.started == 0 ? record.time : std::min(row_.started, record.time);
  row_.last_heard = std::max(row_.last_heard, record.time);
  if (record.step) row_.last_step = std::max(row_.last_step.value_or(*record.step), *record.step);
  if (!record.fields.empty()) {
    const model::FieldView* loss = record.FindField("loss");
    if (loss && loss->kind != model::FieldView::Kind::kText) row_.last_loss = model::AsNumber(loss->Value());
  }
  if (record.stream == model::Stream::kEvent) TakeEvent(Field(record, "event"), record);
}

void JobState::TakeEvent(const std::string& name, const model::RecordView& record) {
  const model::Origin& origin = *record.origin;
  if (int64_t size = Integer(record, "world_size"); size > 0) row_.ranks_expected = static_cast<int32_t>(size);
  if (name == "job_start") {
    nodes_[NodeKey(origin)] = {};
    first_bad_end_.erase(row_.attempt);
    for (const model::FieldView& field : record.fields) {
      if (field.name != "event") row_.configuration[std::string(field.name)] = TextOf(field.Value());
    }
  } else if (name == "rank_start" && origin.rank) {
    RankRow& rank = ranks_[{origin.attempt, *origin.rank}];
    rank.pid = Integer(record, "pid");
    rank.gpu_uuid = Field(record, "gpu_uuid");
    rank.source = Field(record, "source");
    rank.exit.clear();
  } else if (name == "rank_exit" && origin.rank) {
    std::string end = EndOf(record);
    ranks_[{origin.attempt, *origin.rank}].exit = end;
    if (Bad(end)) NoteBadEnd(origin.attempt, "rank " + std::to_string(*origin.rank) + ": " + end);
  } else if (name == "node_end") {
    nodes_[NodeKey(origin)] = {true, EndOf(record)};
  }
}

// The first to end badly is the one to look at; what follows are mostly its peers, ended by the launcher.
void JobState::NoteBadEnd(int32_t attempt, const std::string& reason) { first_bad_end_.try_emplace(attempt, reason); }

JobRow JobState::Row(base::TimeNs now, int64_t lost_after) const {
  JobRow row = row_;
  row.ranks_seen = static_cast<int32_t>(std::count_if(
      ranks_.begin(), ranks_.end(), [&](const auto& entry) { return entry.first.first == row_.attempt; }));
  row.ranks_expected = std::max(row.ranks_expected, row.ranks_seen);
  bool ended = !nodes_.empty();
  std::string bad_node;
  for (const auto& [key, node] : nodes_) {
    ended = ended && node.ended;
    if (node.ended && node.exit != "exit 0" && bad_node.empty()) bad_node = "the command ended: " + node.exit;
  }
  auto bad_rank = first_bad_end_.find(row.attempt);
  if (!ended) {
    bool silent = now - row.last_heard > lost_after;
    row.state = silent ? "lost" : "running";
    if (silent) row.reason = "no word for " + std::to_string((now - row.last_heard) / base::kNsPerSecond) + " s";
  } else if (bad_rank != first_bad_end_.end() || !bad_node.empty()) {
    row.state = "failed";
    row.reason = bad_rank != first_bad_end_.end() ? bad_rank->second : bad_node;
  } else {
    row.state = "finished";
  }
  return row;
}

std::vector<RankRow> JobState::Ranks() const {
  std::vector<RankRow> rows;
  for (const auto& [key, rank] : ranks_) rows.push_back(rank);
  return rows;
}

std::string JobState::ToJson() const {
  Json json = {{"project", row_.project},
               {"job", row_.job},
               {"attempt", row_.attempt},
               {"ranks_expected", row_.ranks_expected},
               {"started", row_.started},
               {"last_heard", row_.last_heard},
               {"configuration", row_.configuration}};
  if (row_.last_step) json["last_step"] = *row_.last_step;
  if (row_.last_loss) json["last_loss"] = *row_.last_loss;
  for (const auto& [key, rank] : ranks_) {
    json["ranks"].push_back({{"attempt", rank.attempt},
                             {"rank", rank.rank},
                             {"node_rank", Optional(rank.node_rank)},
                             {"local_rank", Optional(rank.local_rank)},
                             {"host", rank.host},
                             {"gpu_uuid", rank.gpu_uuid},
                             {"source", rank.source},
                             {"pid", rank.pid},
                             {"exit", rank.exit}});
  }
  for (const auto& [key, node] : nodes_) json["nodes"][key] = {{"ended", node.ended}, {"exit", node.exit}};
  for (const auto& [attempt, reason] : first_bad_end_) json["first_bad_end"][std::to_string(attempt)] = reason;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

JobState JobState::FromJson(const std::string& text) {
  JobState state;
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return state;
  state.row_.project = json.value("project", "default");
  state.row_.job = json.value("job", "");
  state.row_.attempt = json.value("attempt", 0);
  state.row_.ranks_expected = json.value("ranks_expected", 0);
  state.row_.started = json.value("started", int64_t{0});
  state.row_.last_heard = json.value("last_heard", int64_t{0});
  state.row_.configuration = json.value("configuration", std::map<std::string, std::string>());
  if (json.contains("last_step")) state.row_.last_step = json.value("last_step", int64_t{0});
  if (json.contains("last_loss") && json["last_loss"].is_number()) state.row_.last_loss = json.value("last_loss", 0.0);
  for (const Json& entry : json.value("ranks", Json::array())) {
    RankRow rank;
    rank.attempt = entry.value("attempt", 0);
    rank.rank = entry.value("rank", 0);
    rank.node_rank = FromOptional(entry, "node_rank");
    rank.local_rank = FromOptional(entry, "local_rank");
    rank.host = entry.value("host", "");
    rank.gpu_uuid = entry.value("gpu_uuid", "");
    rank.source = entry.value("source", "");
    rank.pid = entry.value("pid", int64_t{0});
    rank.exit = entry.value("exit", "");
    state.ranks_[{rank.attempt, rank.rank}] = rank;
  }
  const Json nodes = json.value("nodes", Json::object());
  for (const auto& [key, node] : nodes.items()) {
    state.nodes_[key] = {node.value("ended", false), node.value("exit", "")};
  }
  const Json ends = json.value("first_bad_end", Json::object());
  for (const auto& [attempt, reason] : ends.items()) {
    state.first_bad_end_[std::atoi(attempt.c_str())] = reason.get<std::string>();
  }
  return state;
}

}  // namespace rankscope::catalog
