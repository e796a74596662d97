#include "api/authentication.h"

#include <algorithm>
#include <iterator>

#include "api/answer.h"

namespace rankscope::api {
namespace {

using Reply = std::shared_ptr<Responder>;
using access::Gate;

bool IsPublic(const Request& request) {
  return request.path == "/healthz" || request.path == "/health" || request.path == "/api/v1/server";
}

constexpr std::string_view kQuestions[] = {"/api/v1/query", "/api/v1/series", "/api/v1/patterns", "/api/v1/fields",
                                           "/api/v1/tail"};

// A question may come as a POST: queries and topologies grow longer than URLs.
bool Asks(const Request& request) {
  if (request.method != "POST") return request.method == "GET" || request.method == "HEAD";
  return std::find(std::begin(kQuestions), std::end(kQuestions), request.path) != std::end(kQuestions) ||
         (request.path.starts_with("/api/v1/jobs/") && request.path.ends_with("/diagnosis"));
}

// To join a launch is the first step of sending its records, and to say whence they were the last.
bool Sends(const Request& request) {
  return request.path == "/api/v1/launches" ||
         (request.method == "POST" && request.path.starts_with("/api/v1/jobs/") && request.path.ends_with("/import"));
}

access::Action ActionOf(const Request& request) {
  if (Asks(request)) return access::Action::kRead;
  return Sends(request) ? access::Action::kIngest : access::Action::kControl;
}

Gate::Verdict Admit(Gate* gate, const Request& request) {
  if (IsPublic(request)) return {Gate::Verdict::kAdmitted, "default", ""};
  auto project = request.query.find("project");
  return gate->Admit(request.token, project == request.query.end() ? "" : project->second, ActionOf(request));
}

}  // namespace

HttpServer::Handler RequireAccess(Gate* gate, RoutesOfProject routes) {
  return [gate, routes = std::move(routes)](const Request& request, const Reply& reply) {
    Gate::Verdict verdict = Admit(gate, request);
    if (verdict.kind != Gate::Verdict::kAdmitted) {
      return Answer(reply, verdict.kind == Gate::Verdict::kUnknown ? 401 : 403, {{"error", verdict.message}});
    }
    auto handler = routes(verdict.project, ActionOf(request) == access::Action::kIngest || !request.token.empty());
    if (!handler.ok()) return Fail(reply, handler.status());
    (*handler)(request, reply);
  };
}

}  // namespace rankscope::api
