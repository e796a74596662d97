#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "catalog/job_pause.h"
#include "catalog/job_state.h"
#include "model/record_json.h"

namespace rankscope::catalog {
namespace {

using Json = nlohmann::json;

Json Optional(const std::optional<int32_t>& value) { return value ? Json(*value) : Json(); }

std::optional<int32_t> FromOptional(const Json& json, const char* name) {
  return json.contains(name) && json[name].is_number() ? std::optional(json[name].get<int32_t>()) : std::nullopt;
}

// As text, since JSON has no number for NaN; earlier versions kept a number, and null for NaN.
std::string LossText(double loss) {
  std::string text;
  model::AppendJsonNumber(loss, &text);
  return text.starts_with('"') ? text.substr(1, text.size() - 2) : text;
}

std::optional<double> LossFrom(const Json& json) {
  if (json.is_number()) return json.get<double>();
  if (!json.is_string()) return std::nullopt;
  return std::strtod(json.get_ref<const std::string&>().c_str(), nullptr);
}

}  // namespace

std::string JobState::ToJson() const {
  Json json = {{"project", row_.project}, {"job", row_.job},
               {"attempt", row_.attempt}, {"ranks_expected", row_.ranks_expected},
               {"started", row_.started}, {"last_heard", row_.last_heard},
               {"records", row_.records}, {"configuration", row_.configuration}};
  if (!row_.diagnosis.empty()) json["diagnosis"] = row_.diagnosis;
  if (diagnosed_attempt_ != 0) json["diagnosed_attempt"] = diagnosed_attempt_;
  if (row_.last_step) json["last_step"] = *row_.last_step;
  if (row_.last_loss) json["last_loss"] = LossText(*row_.last_loss);
  if (last_loss_time_ != 0) json["last_loss_time"] = last_loss_time_;
  if (first_attempt_ != 0) json["first_attempt"] = first_attempt_;
  if (imported_at_ != 0) json["imported_at"] = imported_at_;
  if (row_.pause) json["pause"] = catalog::ToJson(*row_.pause);
  for (const auto& [key, rank] : ranks_) {
    json["ranks"].push_back({{"attempt", rank.attempt},
                             {"rank", rank.rank},
                             {"node_rank", Optional(rank.node_rank)},
                             {"local_rank", Optional(rank.local_rank)},
                             {"host", rank.host},
                             {"gpu_uuid", rank.gpu_uuid},
                             {"source", rank.source},
                             {"run", rank.run},
                             {"pid", rank.pid},
                             {"exit", rank.exit}});
  }
  for (const auto& [name, run] : runs_) {
    json["runs"][name] = {
        {"member", run.member}, {"exit", run.exit}, {"ended_at", run.ended_at}, {"started_at", run.started_at}};
    if (run.of_files) json["runs"][name]["of_files"] = true;
  }
  for (const auto& [attempt, end] : first_bad_end_) {
    json["first_bad_end"][std::to_string(attempt)] = {{"time", end.time}, {"reason", end.reason}};
  }
  return base::JsonText(json);
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
  state.row_.records = json.value("records", uint64_t{0});
  state.row_.configuration = json.value("configuration", std::map<std::string, std::string>());
  state.row_.diagnosis = json.value("diagnosis", "");
  state.diagnosed_attempt_ = json.value("diagnosed_attempt", 0);
  if (json.contains("last_step")) state.row_.last_step = json.value("last_step", int64_t{0});
  if (json.contains("last_loss")) state.row_.last_loss = LossFrom(json["last_loss"]);
  state.last_loss_time_ = json.value("last_loss_time", int64_t{0});
  state.first_attempt_ = json.value("first_attempt", 0);
  // Earlier versions took each run of a job that was imported for one of files.
  const bool by_name = state.row_.configuration.contains(kImportedFrom) && !json.contains("imported_at");
  state.imported_at_ = json.value("imported_at", by_name ? std::max<int64_t>(state.row_.last_heard, 1) : 0);
  state.row_.pause = PauseFromJson(json.value("pause", ""));
  for (const Json& entry : json.value("ranks", Json::array())) {
    RankRow rank;
    rank.attempt = entry.value("attempt", 0);
    rank.rank = entry.value("rank", 0);
    rank.node_rank = FromOptional(entry, "node_rank");
    rank.local_rank = FromOptional(entry, "local_rank");
    rank.host = entry.value("host", "");
    rank.gpu_uuid = entry.value("gpu_uuid", "");
    rank.source = entry.value("source", "");
    rank.run = entry.value("run", "");
    rank.pid = entry.value("pid", int64_t{0});
    rank.exit = entry.value("exit", "");
    state.ranks_[{rank.attempt, rank.rank}] = rank;
  }
  const Json runs = json.value("runs", Json::object());
  for (const auto& [name, run] : runs.items()) {
    state.runs_[name] = {run.value("member", ""), run.value("exit", ""), run.value("ended_at", int64_t{0}),
                         run.value("started_at", int64_t{0}), run.value("of_files", by_name)};
  }
  const Json ends = json.value("first_bad_end", Json::object());
  for (const auto& [attempt, end] : ends.items()) {
    state.first_bad_end_[std::atoi(attempt.c_str())] = {end.value("time", int64_t{0}), end.value("reason", "")};
  }
  return state;
}

}  // namespace rankscope::catalog
