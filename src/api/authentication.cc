#include "api/authentication.h"

#include "api/answer.h"

namespace rankscope::api {
namespace {

using Reply = std::shared_ptr<Responder>;
using access::Gate;

bool IsPublic(const Request& request) { return request.path == "/healthz" || request.path == "/api/v1/server"; }

Gate::Verdict Admit(Gate* gate, const Request& request) {
  if (IsPublic(request)) return {Gate::Verdict::kAdmitted, "default", ""};
  auto project = request.query.find("project");
  return gate->Admit(request.token, project == request.query.end() ? "" : project->second,
                     request.method == "GET" ? access::Action::kRead : access::Action::kControl);
}

}  // namespace

HttpServer::Handler RequireAccess(Gate* gate, RoutesOfProject routes) {
  return [gate, routes = std::move(routes)](const Request& request, const Reply& reply) {
    Gate::Verdict verdict = Admit(gate, request);
    if (verdict.kind != Gate::Verdict::kAdmitted) {
      return Answer(reply, verdict.kind == Gate::Verdict::kUnknown ? 401 : 403, {{"error", verdict.message}});
    }
    auto handler = routes(verdict.project);
    if (!handler.ok()) return Fail(reply, handler.status());
    (*handler)(request, reply);
  };
}

}  // namespace rankscope::api
