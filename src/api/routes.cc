#include "api/routes.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/action_routes.h"
#include "api/answer.h"
#include "api/finding_routes.h"
#include "api/incident_routes.h"
#include "api/ingest_door.h"
#include "api/job_routes.h"
#include "api/knowledge_routes.h"
#include "api/notify_routes.h"
#include "api/query_routes.h"
#include "api/server_metrics.h"
#include "api/tail.h"
#include "base/clock.h"
#include "query/query.h"

namespace rankscope::api {
namespace {

using Json = nlohmann::json;
using Reply = std::shared_ptr<Responder>;

// Answers as it is told to, and counts the status of the answer.
class Counted : public Responder {
 public:
  Counted(Reply reply, std::string route, std::shared_ptr<ServerMetrics> metrics)
      : reply_(std::move(reply)), route_(std::move(route)), metrics_(std::move(metrics)) {}
  void Begin(int status, std::string_view content_type) override {
    metrics_->CountRequest(route_, status);
    reply_->Begin(status, content_type);
  }
  bool Write(std::string_view bytes) override { return reply_->Write(bytes); }
  bool TryWrite(std::string_view bytes) override { return reply_->TryWrite(bytes); }
  void End() override { reply_->End(); }
  void OnClosed(std::function<void()> closed) override { reply_->OnClosed(std::move(closed)); }

 private:
  Reply reply_;
  const std::string route_;
  std::shared_ptr<ServerMetrics> metrics_;
};

// Whether the path is of the pattern, in which {NAME} stands for the rest up to what follows it.
bool IsOf(std::string_view pattern, std::string_view path, std::string* name) {
  size_t open = pattern.find('{');
  if (open == std::string_view::npos) return path == pattern;
  std::string_view before = pattern.substr(0, open), after = pattern.substr(pattern.find('}') + 1);
  if (path.size() <= before.size() + after.size() || !path.starts_with(before) || !path.ends_with(after)) return false;
  *name = std::string(path.substr(before.size(), path.size() - before.size() - after.size()));
  return true;
}

class Routes {
 public:
  explicit Routes(const Services& services)
      : services_(services),
        tails_(services.logs),
        jobs_({services.catalog, services.findings, services.jobs, services.project, services.lost_after_ns,
               services.set_log_interval_steps}),
        findings_(services.findings, services.incidents),
        knowledge_(services.knowledge),
        incidents_(services.findings->incidents(), services.incidents),
        notify_(services.notifier, services.project),
        actions_(services.project, services.actions),
        queries_(services.logs, services.project, services.query_limits, services.metrics.get()) {}

  void Handle(const Request& request, const Reply& reply) {
    std::string name;
    bool path_known = false;
    // To a HEAD the answer's beginning goes out alone.
    std::string_view asked = request.method;
    if (asked == "HEAD") asked = "GET";
    for (const Route& route : All()) {
      if (!IsOf(route.path, request.path, &name)) continue;
      path_known = true;
      if (route.method != asked) continue;
      auto counted = std::make_shared<Counted>(reply, std::string(route.path), services_.metrics);
      if (auto status = CheckParameters(route, request); !status.ok()) return Fail(counted, status);
      return (this->*route.handle)(request, counted, name);
    }
    path_known = path_known || request.path == kIngestPath;
    auto counted = std::make_shared<Counted>(reply, "other", services_.metrics);
    if (!path_known) return Fail(counted, base::Status::NotFound("no route " + request.path));
    Answer(counted, 405, {{"error", request.method + " " + request.path + ": not served; see the API's description"}});
  }

  struct Route {
    std::string_view method, path;
    void (Routes::*handle)(const Request&, const Reply&, const std::string&);
    std::string_view parameters = {};  // what it knows beside `project`, with blanks between
    bool also_in_body = false;         // they may come in a body, too
  };
  // Every route. Of two that a path is of, the first.
  static const std::vector<Route>& All();

 private:
  static constexpr std::string_view kAny = "*";  // for probes, Prometheus and agents that find their way

  static base::Status CheckParameters(const Route& route, const Request& request) {
    if (route.parameters == kAny) return {};
    if (!route.also_in_body) return Parameters::OfUrl(request).CheckNames(route.parameters);
    ASSIGN_OR_RETURN(Parameters parameters, Parameters::Of(request));
    return parameters.CheckNames(route.parameters);
  }

  // Everybody may ask, so no project and no job is named. 200 all the same: it serves, and a supervisor that restarts
  // it gives it no more room.
  void Health(const Request&, const Reply& reply, const std::string&) {
    if (services_.takes_records()) return Answer(reply, 200, {{"status", "ok"}});
    Answer(reply, 200,
           {{"status", "degraded"}, {"problem", "records cannot be written to disk: the server's stderr says why"}});
  }

  void Server(const Request&, const Reply& reply, const std::string&) {
    Answer(reply, 200,
           {{"version", services_.version},
            {"grpc", services_.grpc_address},
            {"time_ns", base::WallNow()},
            {"limits", {{"max_frame_bytes", 8 << 20}}}});
  }

  void Metrics(const Request&, const Reply& reply, const std::string&) {
    reply->Begin(200, "text/plain; version=0.0.4");
    reply->Write(services_.metrics->Text() + notify_.MetricsText());
    reply->End();
  }

  void Query(const Request& request, const Reply& reply, const std::string&) { queries_.Query(request, reply); }
  void Series(const Request& request, const Reply& reply, const std::string&) { queries_.Series(request, reply); }
  void Patterns(const Request& request, const Reply& reply, const std::string&) { queries_.Patterns(request, reply); }
  void Fields(const Request& request, const Reply& reply, const std::string&) { queries_.Fields(request, reply); }

  void Tail(const Request& request, const Reply& reply, const std::string&) {
    auto accept = request.headers.find("accept");
    bool events = accept != request.headers.end() && accept->second.find("text/event-stream") != std::string::npos;
    auto serve = [&]() -> base::Status {
      ASSIGN_OR_RETURN(Parameters parameters, Parameters::Of(request));
      RETURN_IF_ERROR(parameters.Needed("query").status());
      ASSIGN_OR_RETURN(query::Query query, queries_.QueryOf(parameters));
      ASSIGN_OR_RETURN(auto last, parameters.Integer("last"));
      auto count = static_cast<uint64_t>(last.value_or(0));
      if (count > TailHub::kMaxLast) {
        return base::Status::Invalid("parameter last: at most " + std::to_string(TailHub::kMaxLast));
      }
      return tails_.Serve(query, count, events ? TailHub::Format::kEvents : TailHub::Format::kLines, reply);
    };
    if (auto status = serve(); !status.ok()) Fail(reply, status);
  }

  void Findings(const Request& request, const Reply& reply, const std::string&) { findings_.List(request, reply); }
  void ConfirmFinding(const Request& request, const Reply& reply, const std::string& id) {
    findings_.Decide(request, reply, id, "confirmed");
  }
  void DismissFinding(const Request& request, const Reply& reply, const std::string& id) {
    findings_.Decide(request, reply, id, "dismissed");
  }

  void Diagnosis(const Request& request, const Reply& reply, const std::string& job) {
    knowledge_.Diagnose(request, reply, job);
  }
  void Diff(const Request& request, const Reply& reply, const std::string& job) {
    knowledge_.Diff(request, reply, job);
  }
  void VerifyFix(const Request& request, const Reply& reply, const std::string& job) {
    knowledge_.VerifyFix(request, reply, job);
  }
  void RuleSuggestion(const Request& request, const Reply& reply, const std::string& job) {
    knowledge_.SuggestRule(request, reply, job);
  }
  void Insights(const Request&, const Reply& reply, const std::string&) { knowledge_.Insights(reply); }
  void Incidents(const Request& request, const Reply& reply, const std::string&) { incidents_.List(request, reply); }
  void Incident(const Request&, const Reply& reply, const std::string& id) { incidents_.Get(reply, id); }
  template <IncidentAct kAct>
  void SayOfIncident(const Request& request, const Reply& reply, const std::string& id) {
    incidents_.Say(request, reply, id, kAct);
  }
  void RuleStats(const Request&, const Reply& reply, const std::string&) { incidents_.Stats(reply); }
  void Notifications(const Request& request, const Reply& reply, const std::string&) {
    notify_.Tellings(request, reply);
  }
  void Channels(const Request&, const Reply& reply, const std::string&) { notify_.Channels(reply); }
  void TestChannel(const Request& request, const Reply& reply, const std::string&) { notify_.Test(request, reply); }
  void Silences(const Request&, const Reply& reply, const std::string&) { notify_.ListSilences(reply); }
  void AddSilence(const Request& request, const Reply& reply, const std::string&) {
    notify_.AddSilence(request, reply);
  }
  void EndSilence(const Request&, const Reply& reply, const std::string& id) { notify_.EndSilence(reply, id); }
  void BeginAction(const Request& request, const Reply& reply, const std::string& job) {
    actions_.Begin(request, reply, job);
  }
  void Actions(const Request&, const Reply& reply, const std::string& job) { actions_.List(reply, job); }
  void ShowAction(const Request&, const Reply& reply, const std::string& id) { actions_.Show(reply, id); }

  void Jobs(const Request&, const Reply& reply, const std::string&) { jobs_.List(reply); }
  void Job(const Request&, const Reply& reply, const std::string& job) { jobs_.Get(reply, job); }
  void DeleteJob(const Request& request, const Reply& reply, const std::string& job) {
    jobs_.Delete(request, reply, job);
  }
  void PinJob(const Request& request, const Reply& reply, const std::string& job) { jobs_.Pin(request, reply, job); }
  void UnpinJob(const Request&, const Reply& reply, const std::string& job) { jobs_.Unpin(reply, job); }
  void NoteImport(const Request& request, const Reply& reply, const std::string& job) {
    jobs_.NoteImport(request, reply, job);
  }
  void Settings(const Request& request, const Reply& reply, const std::string& job) { jobs_.Set(request, reply, job); }
  void Launches(const Request& request, const Reply& reply, const std::string&) { jobs_.Launch(request, reply); }

  const Services services_;
  TailHub tails_;
  const JobRoutes jobs_;
  FindingRoutes findings_;
  KnowledgeRoutes knowledge_;
  IncidentRoutes incidents_;
  NotifyRoutes notify_;
  ActionRoutes actions_;
  QueryRoutes queries_;
};

const std::vector<Routes::Route>& Routes::All() {
  static const std::vector<Route> kRoutes = {
      {"GET", "/health", &Routes::Health, kAny},
      {"GET", "/healthz", &Routes::Health, kAny},
      {"GET", "/metrics", &Routes::Metrics, kAny},
      {"GET", "/api/v1/server", &Routes::Server, kAny},
      {"GET", "/api/v1/query", &Routes::Query, "query job_id start end timeout limit"},
      {"POST", "/api/v1/query", &Routes::Query, "query job_id start end timeout limit", true},
      {"GET", "/api/v1/series", &Routes::Series, "query job_id start end timeout metric by x from_step to_step points"},
      {"POST", "/api/v1/series", &Routes::Series, "query job_id start end timeout metric by x from_step to_step points",
       true},
      {"GET", "/api/v1/patterns", &Routes::Patterns, "query job_id start end timeout limit"},
      {"POST", "/api/v1/patterns", &Routes::Patterns, "query job_id start end timeout limit", true},
      {"GET", "/api/v1/fields", &Routes::Fields, "query job_id start end timeout sample"},
      {"POST", "/api/v1/fields", &Routes::Fields, "query job_id start end timeout sample", true},
      {"GET", "/api/v1/tail", &Routes::Tail, "query start end job_id last"},
      {"POST", "/api/v1/tail", &Routes::Tail, "query start end job_id last", true},
      {"GET", "/api/v1/jobs", &Routes::Jobs},
      {"POST", "/api/v1/launches", &Routes::Launches},
      {"GET", "/api/v1/findings", &Routes::Findings, "job_id rule class incident_id state severity limit"},
      {"POST", "/api/v1/findings/{finding_id}/confirm", &Routes::ConfirmFinding},
      {"POST", "/api/v1/findings/{finding_id}/dismiss", &Routes::DismissFinding},
      {"GET", "/api/v1/insights", &Routes::Insights},
      {"GET", "/api/v1/jobs/{job_id}/diagnosis", &Routes::Diagnosis},
      {"POST", "/api/v1/jobs/{job_id}/diagnosis", &Routes::Diagnosis, "topology topology_file", true},
      {"GET", "/api/v1/jobs/{job_id}/diff", &Routes::Diff, "against"},
      {"GET", "/api/v1/jobs/{job_id}/verify-fix", &Routes::VerifyFix, "against"},
      {"GET", "/api/v1/jobs/{job_id}/rule-suggestion", &Routes::RuleSuggestion, "rule_file"},
      {"GET", "/api/v1/incidents", &Routes::Incidents, "job_id class rule state severity limit"},
      {"GET", "/api/v1/incidents/{incident_id}", &Routes::Incident},
      {"POST", "/api/v1/incidents/{incident_id}/ack", &Routes::SayOfIncident<IncidentAct::kAcknowledge>, "for"},
      {"POST", "/api/v1/incidents/{incident_id}/confirm", &Routes::SayOfIncident<IncidentAct::kConfirm>},
      {"POST", "/api/v1/incidents/{incident_id}/dismiss", &Routes::SayOfIncident<IncidentAct::kDismiss>},
      {"POST", "/api/v1/incidents/{incident_id}/resolve", &Routes::SayOfIncident<IncidentAct::kResolve>},
      {"GET", "/api/v1/rules/stats", &Routes::RuleStats},
      {"GET", "/api/v1/notifications", &Routes::Notifications, "channel job_id incident limit"},
      {"GET", "/api/v1/notifications/channels", &Routes::Channels},
      {"POST", "/api/v1/notifications/test", &Routes::TestChannel},
      {"GET", "/api/v1/silences", &Routes::Silences},
      {"POST", "/api/v1/silences", &Routes::AddSilence},
      {"DELETE", "/api/v1/silences/{silence_id}", &Routes::EndSilence},
      {"POST", "/api/v1/jobs/{job_id}/actions", &Routes::BeginAction},
      {"GET", "/api/v1/jobs/{job_id}/actions", &Routes::Actions},
      {"GET", "/api/v1/actions/{action_id}", &Routes::ShowAction},
      {"POST", "/api/v1/jobs/{job_id}/settings", &Routes::Settings},
      {"POST", "/api/v1/jobs/{job_id}/import", &Routes::NoteImport},
      {"POST", "/api/v1/jobs/{job_id}/pin", &Routes::PinJob},
      {"DELETE", "/api/v1/jobs/{job_id}/pin", &Routes::UnpinJob},
      {"DELETE", "/api/v1/jobs/{job_id}", &Routes::DeleteJob, "force"},
      {"GET", "/api/v1/jobs/{job_id}", &Routes::Job}};
  return kRoutes;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> ListRoutes() {
  std::vector<std::pair<std::string, std::string>> list;
  for (const auto& route : Routes::All()) list.emplace_back(route.method, route.path);
  return list;
}

HttpServer::Handler MakeRoutes(const Services& services) {
  auto routes = std::make_shared<Routes>(services);
  return [routes](const Request& request, const Reply& reply) { routes->Handle(request, reply); };
}

bool IsShort(const Request& request) {
  static constexpr std::string_view kPaths[] = {"/healthz", "/health", "/metrics", "/api/v1/server",
                                                "/api/v1/launches"};
  return std::find(std::begin(kPaths), std::end(kPaths), request.path) != std::end(kPaths);
}

}  // namespace rankscope::api
