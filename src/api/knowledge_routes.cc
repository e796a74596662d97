#include "api/knowledge_routes.h"

#include "api/answer.h"
#include "api/parameters.h"
#include "diagnose/knowledge/fix_check.h"
#include "diagnose/knowledge/insights.h"
#include "diagnose/knowledge/job_diff.h"
#include "diagnose/knowledge/rule_suggestion.h"
#include "diagnose/verdict/verdict_json.h"

namespace rankscope::api {
namespace {

void AnswerJson(const std::shared_ptr<Responder>& reply, const std::string& json) {
  reply->Begin(200, "application/json");
  reply->Write(json + "\n");
  reply->End();
}

}  // namespace

void KnowledgeRoutes::Diagnose(const Request& request, const Reply& reply, const std::string& job) const {
  auto diagnose = [&]() -> base::Result<diagnose::Verdict> {
    ASSIGN_OR_RETURN(Parameters parameters, Parameters::Of(request));
    std::string yaml = parameters.Text("topology"), file = parameters.Text("topology_file");
    if (yaml.empty()) return knowledge_->DiagnoseNow(job, nullptr);
    ASSIGN_OR_RETURN(diagnose::Topology topology, diagnose::ReadTopology(file.empty() ? "topology" : file, yaml));
    return knowledge_->DiagnoseNow(job, &topology);
  };
  auto verdict = diagnose();
  if (!verdict.ok()) return Fail(reply, verdict.status());
  AnswerJson(reply, diagnose::ToJson(*verdict));
}

base::Result<KnowledgeRoutes::Pair> KnowledgeRoutes::Against(const Request& request, const std::string& job) const {
  ASSIGN_OR_RETURN(Parameters parameters, Parameters::Of(request));
  ASSIGN_OR_RETURN(std::string old_job, parameters.Needed("against"));
  Pair pair;
  ASSIGN_OR_RETURN(pair.old, knowledge_->FactsOf(old_job));
  ASSIGN_OR_RETURN(pair.now, knowledge_->FactsOf(job));
  return pair;
}

void KnowledgeRoutes::Diff(const Request& request, const Reply& reply, const std::string& job) const {
  auto pair = Against(request, job);
  if (!pair.ok()) return Fail(reply, pair.status());
  AnswerJson(reply, diagnose::ToJson(diagnose::Compare(pair->old, pair->now)));
}

void KnowledgeRoutes::VerifyFix(const Request& request, const Reply& reply, const std::string& job) const {
  auto pair = Against(request, job);
  if (!pair.ok()) return Fail(reply, pair.status());
  if (pair->old.healthy) {
    return Fail(reply, base::Status::Invalid("job \"" + pair->old.job + "\" is healthy: there is nothing to verify"));
  }
  AnswerJson(reply, diagnose::ToJson(diagnose::CheckFix(pair->old, pair->now)));
}

void KnowledgeRoutes::SuggestRule(const Request& request, const Reply& reply, const std::string& job) const {
  auto suggest = [&]() -> base::Result<diagnose::RuleSuggestion> {
    ASSIGN_OR_RETURN(Parameters parameters, Parameters::Of(request));
    ASSIGN_OR_RETURN(std::string rule_file, parameters.Needed("rule_file"));
    ASSIGN_OR_RETURN(diagnose::JobFacts facts, knowledge_->FactsOf(job));
    return diagnose::SuggestRule(facts, rule_file);
  };
  auto made = suggest();
  if (!made.ok()) return Fail(reply, made.status());
  Answer(reply, 200, {{"alert", made->alert}, {"rules", made->rules}, {"tests", made->tests}});
}

void KnowledgeRoutes::Insights(const Reply& reply) const {
  auto insights = knowledge_->Summarize();
  if (!insights.ok()) return Fail(reply, insights.status());
  AnswerJson(reply, diagnose::ToJson(*insights));
}

}  // namespace rankscope::api
