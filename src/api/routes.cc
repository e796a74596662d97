#include "api/routes.h"

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "api/answer.h"
#include "api/tail.h"
#include "base/clock.h"
#include "model/record_json.h"
#include "query/query.h"

namespace rankscope::api {
namespace {

using Json = nlohmann::json;
using Reply = std::shared_ptr<Responder>;

template <typename T>
Json OrNull(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

Json ToJson(const catalog::JobRow& job) {
  return {{"job_id", job.job},
          {"project", job.project},
          {"state", job.state},
          {"reason", job.reason},
          {"attempt", job.attempt},
          {"ranks_seen", job.ranks_seen},
          {"ranks_expected", job.ranks_expected},
          {"last_step", OrNull(job.last_step)},
          {"last_loss", OrNull(job.last_loss)},
          {"started", model::FormatTime(job.started)},
          {"last_heard", model::FormatTime(job.last_heard)},
          {"configuration", job.configuration}};
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

class Routes {
 public:
  explicit Routes(const Services& services) : services_(services), tails_(services.logs) {}

  void Handle(const Request& request, const Reply& reply) {
    constexpr std::string_view kJob = "/api/v1/jobs/";
    constexpr std::string_view kSettings = "/settings";
    if (request.method == "POST" && request.path.starts_with(kJob) && request.path.ends_with(kSettings)) {
      return Settings(request.path.substr(kJob.size(), request.path.size() - kJob.size() - kSettings.size()), request,
                      reply);
    }
    if (request.method == "POST" && request.path == "/api/v1/launches") return Launches(request, reply);
    if (request.method != "GET") {
      return Answer(reply, 405, {{"error", request.method + " " + request.path + ": only GET is served"}});
    }
    if (request.path == "/healthz") return Answer(reply, 200, {{"status", "ok"}});
    if (request.path == "/api/v1/server") return Server(reply);
    if (request.path == "/api/v1/query") return Query(request, reply);
    if (request.path == "/api/v1/tail") return Tail(request, reply);
    if (request.path == "/api/v1/jobs") return Jobs(reply);
    if (request.path.starts_with(kJob)) return Job(request.path.substr(kJob.size()), reply);
    Fail(reply, base::Status::NotFound("no route " + request.path));
  }

 private:
  void Server(const Reply& reply) const {
    Answer(reply, 200,
           {{"version", services_.version},
            {"grpc", services_.grpc_address},
            {"time_ns", base::WallNow()},
            {"limits", {{"max_frame_bytes", 8 << 20}}}});
  }

  // A query that names no project asks the request's.
  base::Result<query::Query> QueryOf(const Request& request) const {
    auto text = request.query.find("query");
    if (text == request.query.end()) return base::Status::Invalid("parameter query is missing");
    ASSIGN_OR_RETURN(query::Query query, query::ParseQuery(text->second, base::WallNow()));
    if (query.selection.project == model::Selection().project) query.selection.project = services_.project;
    return query;
  }

  void Query(const Request& request, const Reply& reply) {
    auto query = QueryOf(request);
    if (!query.ok()) return Fail(reply, query.status());
    reply->Begin(200, "application/x-ndjson");
    std::string line;
    base::Status status = query::RunQuery(services_.logs, *query, [&](std::string_view json) {
      line.assign(json);
      line.push_back('\n');
      return reply->Write(line);
    });
    if (!status.ok()) reply->Write(Dump({{"error", status.message()}}));
    reply->End();
  }

  void Tail(const Request& request, const Reply& reply) {
    auto query = QueryOf(request);
    if (!query.ok()) return Fail(reply, query.status());
    auto last = request.query.find("last");
    tails_.Serve(*std::move(query), last == request.query.end() ? 0 : std::strtoull(last->second.c_str(), nullptr, 10),
                 reply);
  }

  void Jobs(const Reply& reply) {
    auto jobs = services_.catalog->Jobs(base::WallNow(), services_.lost_after_ns);
    if (!jobs.ok()) return Fail(reply, jobs.status());
    reply->Begin(200, "application/x-ndjson");
    for (const auto& job : *jobs) reply->Write(Dump(ToJson(job)));
    reply->End();
  }

  void Job(const std::string& name, const Reply& reply) {
    auto job = services_.catalog->Job(name, base::WallNow(), services_.lost_after_ns);
    if (!job.ok()) return Fail(reply, job.status());
    auto ranks = services_.catalog->Ranks(name);
    if (!ranks.ok()) return Fail(reply, ranks.status());
    Json json = ToJson(*job);
    json["ranks"] = Json::array();
    for (const auto& rank : *ranks) json["ranks"].push_back(ToJson(rank));
    Answer(reply, 200, json);
  }

  void Settings(const std::string& job, const Request& request, const Reply& reply) const {
    Json settings = Json::parse(request.body, nullptr, /*allow_exceptions=*/false);
    bool known = settings.is_object() && settings.size() == 1 && settings.contains("log_interval_steps");
    const Json& steps = known ? settings["log_interval_steps"] : settings;
    if (!known || !steps.is_number_unsigned() || steps.get<uint64_t>() < 1 || steps.get<uint64_t>() > 1000000) {
      return Fail(reply, base::Status::Invalid("settings: want {\"log_interval_steps\": N}, N from 1 to 1000000"));
    }
    int agents = services_.set_log_interval_steps(services_.project, job, steps.get<uint32_t>());
    if (agents == 0)
      return Fail(reply, base::Status::NotFound("job " + job + " is not running: no agent is connected"));
    Answer(reply, 200, {{"agents", agents}});
  }

  void Launches(const Request& request, const Reply& reply) const {
    Json launch = Json::parse(request.body, nullptr, /*allow_exceptions=*/false);
    auto text = [&](const char* name) {
      return launch.is_object() && launch.contains(name) && launch[name].is_string() ? launch[name].get<std::string>()
                                                                                     : std::string();
    };
    if (text("key").empty() || text("member").empty()) {
      return Fail(reply, base::Status::Invalid("launches: want {\"key\": K, \"member\": M}"));
    }
    std::string job =
        services_.catalog->JoinLaunch(text("key"), text("member"), base::WallNow(), services_.lost_after_ns);
    Answer(reply, 200, {{"job_id", job}});
  }

  const Services services_;
  TailHub tails_;
};

}  // namespace

HttpServer::Handler MakeRoutes(const Services& services) {
  auto routes = std::make_shared<Routes>(services);
  return [routes](const Request& request, const Reply& reply) { routes->Handle(request, reply); };
}

}  // namespace rankscope::api
