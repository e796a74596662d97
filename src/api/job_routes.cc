#include "api/job_routes.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "api/answer.h"
#include "api/signed_note.h"
#include "base/clock.h"
#include "model/action.h"
#include "model/job_id.h"
#include "model/record_json.h"

namespace rankscope::api {
namespace {

using Json = nlohmann::json;

template <typename T>
Json OrNull(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

// As in a record: NaN, where training broke, is a word and not null.
Json NumberOrNull(const std::optional<double>& value) {
  if (!value) return {};
  std::string text;
  model::AppendJsonNumber(*value, &text);
  return Json::parse(text);
}

Json ToJson(const catalog::Pause& pause) {
  return {{"since", model::FormatTime(pause.since)},
          {"step", OrNull(pause.step)},
          {"limit_s", pause.limit_s},
          {"by", pause.by},
          {"note", pause.note},
          {"action_id", pause.action}};
}
Json ToJson(const catalog::Pin& pin) { return {{"by", pin.by}, {"note", pin.note}, {"at", model::FormatTime(pin.at)}}; }

Json ToJson(const catalog::JobRow& job) {
  return {{"job_id", job.job},
          {"project", job.project},
          {"state", job.state},
          {"reason", job.reason},
          {"diagnosis", job.diagnosis},
          {"attempt", job.attempt},
          {"ranks_seen", job.ranks_seen},
          {"ranks_expected", job.ranks_expected},
          {"last_step", OrNull(job.last_step)},
          {"last_loss", NumberOrNull(job.last_loss)},
          {"started", model::FormatTime(job.started)},
          {"last_heard", model::FormatTime(job.last_heard)},
          {"configuration", job.configuration},
          {"pin", job.pin ? ToJson(*job.pin) : Json()},
          {"paused", job.pause ? ToJson(*job.pause) : Json()}};
}

// With `anomaly`, where the job is marked.
Json Marked(Json job, const std::map<std::string, std::string>& marks) {
  auto mark = marks.find(job["job_id"].get<std::string>());
  if (mark != marks.end()) job["anomaly"] = mark->second;
  return job;
}

Json ToJson(const catalog::RankRow& rank) {
  return {{"attempt", rank.attempt},
          {"rank", rank.rank},
          {"node_rank", OrNull(rank.node_rank)},
          {"local_rank", OrNull(rank.local_rank)},
          {"host", rank.host},
          {"pid", rank.pid},
          {"gpu_uuid", rank.gpu_uuid},
          {"source", rank.source},
          {"exit", rank.exit}};
}

}  // namespace

void JobRoutes::List(const Reply& reply) const {
  auto jobs = parts_.catalog->Jobs(base::WallNow(), parts_.lost_after_ns);
  if (!jobs.ok()) return Fail(reply, jobs.status());
  auto marks = parts_.findings->Marks();
  if (!marks.ok()) return Fail(reply, marks.status());
  reply->Begin(200, "application/x-ndjson");
  for (const auto& job : *jobs) reply->Write(Dump(Marked(ToJson(job), *marks)));
  reply->End();
}

void JobRoutes::Get(const Reply& reply, const std::string& job) const {
  auto row = parts_.catalog->Job(job, base::WallNow(), parts_.lost_after_ns);
  if (!row.ok()) return Fail(reply, row.status());
  auto ranks = parts_.catalog->Ranks(job);
  if (!ranks.ok()) return Fail(reply, ranks.status());
  auto marks = parts_.findings->Marks();
  if (!marks.ok()) return Fail(reply, marks.status());
  Json json = Marked(ToJson(*row), *marks);
  json["ranks"] = Json::array();
  for (const auto& rank : *ranks) json["ranks"].push_back(ToJson(rank));
  Answer(reply, 200, json);
}

void JobRoutes::Delete(const Request& request, const Reply& reply, const std::string& job) const {
  auto force = request.query.find("force");
  bool forced = force != request.query.end() && force->second == "true";
  if (force != request.query.end() && !forced && force->second != "false") {
    return Fail(reply, base::Status::Invalid("parameter force: true or false"));
  }
  auto status = parts_.control->Delete(job, forced);
  if (status.code() == base::Code::kInvalid) return Answer(reply, 409, {{"error", status.message()}});  // as it is now
  if (!status.ok()) return Fail(reply, status);
  Answer(reply, 200, {{"deleted", job}});
}

void JobRoutes::Pin(const Request& request, const Reply& reply, const std::string& job) const {
  auto note = ReadSignedNote(request, "pin");
  if (!note.ok()) return Fail(reply, note.status());
  catalog::Pin pin{note->by, note->note, base::WallNow()};
  if (auto status = parts_.control->Pin(job, pin); !status.ok()) return Fail(reply, status);
  Answer(reply, 200, {{"job_id", job}, {"pin", ToJson(pin)}});
}

void JobRoutes::Unpin(const Reply& reply, const std::string& job) const {
  if (auto status = parts_.control->Unpin(job); !status.ok()) return Fail(reply, status);
  Answer(reply, 200, {{"job_id", job}});
}

void JobRoutes::NoteImport(const Request& request, const Reply& reply, const std::string& job) const {
  if (auto status = model::CheckJobId(job); !status.ok()) return Fail(reply, status);
  Json import = Json::parse(request.body, nullptr, /*allow_exceptions=*/false);
  if (!import.is_object() || import.size() != 1 || !import.contains("from") || !import["from"].is_string()) {
    return Fail(reply, base::Status::Invalid("import: want {\"from\": PATH}"));
  }
  std::string from = import["from"].get<std::string>();
  if (auto status = parts_.control->NoteImport(job, from); !status.ok()) return Fail(reply, status);
  Answer(reply, 200, {{"job_id", job}, {"imported_from", from}});
}

void JobRoutes::Set(const Request& request, const Reply& reply, const std::string& job) const {
  Json settings = Json::parse(request.body, nullptr, /*allow_exceptions=*/false);
  bool known = settings.is_object() && settings.size() == 1 && settings.contains("log_interval_steps");
  const Json& steps = known ? settings["log_interval_steps"] : settings;
  if (!known || !steps.is_number_unsigned() || steps.get<uint64_t>() < 1 ||
      steps.get<uint64_t>() > model::kMostLogIntervalSteps) {
    return Fail(reply, base::Status::Invalid("settings: want {\"log_interval_steps\": N}, N from 1 to " +
                                             std::to_string(model::kMostLogIntervalSteps)));
  }
  int agents = parts_.set_log_interval_steps(parts_.project, job, steps.get<uint32_t>());
  if (agents == 0) return Fail(reply, base::Status::NotFound("job " + job + " is not running: no agent is connected"));
  Answer(reply, 200, {{"agents", agents}});
}

void JobRoutes::Launch(const Request& request, const Reply& reply) const {
  Json launch = Json::parse(request.body, nullptr, /*allow_exceptions=*/false);
  auto text = [&](const char* name) {
    return launch.is_object() && launch.contains(name) && launch[name].is_string() ? launch[name].get<std::string>()
                                                                                   : std::string();
  };
  std::string job = text("job_id"), member = text("member");
  if (job.empty() == text("key").empty() || member.empty()) {
    return Fail(reply, base::Status::Invalid("launches: want {\"key\": K, \"member\": M}, or job_id in place of key"));
  }
  // A key names the job of those who give none.
  if (auto status = model::CheckJobId(job.empty() ? text("key") : job); !status.ok()) return Fail(reply, status);
  const base::TimeNs now = base::WallNow();
  int32_t attempt = 0;  // a relaunch of the same key is another job
  if (job.empty()) {
    job = parts_.catalog->JoinLaunch(text("key"), member, now, parts_.lost_after_ns);
  } else {
    attempt = parts_.catalog->FirstAttempt(job, member, now, parts_.lost_after_ns);
  }
  Answer(reply, 200, {{"job_id", job}, {"first_attempt", attempt}});
}

}  // namespace rankscope::api
