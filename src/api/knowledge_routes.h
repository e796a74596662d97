#pragma once

#include <memory>
#include <string>

#include "api/http_server.h"
#include "diagnose/knowledge/knowledge_base.h"

namespace rankscope::api {

// The routes of diagnosis and of what jobs teach.
class KnowledgeRoutes {
 public:
  using Reply = std::shared_ptr<Responder>;
  explicit KnowledgeRoutes(diagnose::KnowledgeBase* knowledge) : knowledge_(knowledge) {}

  // The verdict on the job as it is stored now. A POST may bring {"topology": YAML, "topology_file": NAME}.
  void Diagnose(const Request& request, const Reply& reply, const std::string& job) const;
  // against=OLD
  void Diff(const Request& request, const Reply& reply, const std::string& job) const;
  // against=OLD
  void VerifyFix(const Request& request, const Reply& reply, const std::string& job) const;
  // rule_file=NAME: what the test calls the rule's file.
  void SuggestRule(const Request& request, const Reply& reply, const std::string& job) const;
  void Insights(const Reply& reply) const;

 private:
  struct Pair {
    diagnose::JobFacts old, now;
  };
  base::Result<Pair> Against(const Request& request, const std::string& job) const;

  diagnose::KnowledgeBase* knowledge_;
};

}  // namespace rankscope::api
