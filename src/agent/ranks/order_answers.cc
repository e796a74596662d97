#include "agent/ranks/order_answers.h"

#include "base/clock.h"
#include "model/event.h"

namespace rankscope::agent {
namespace {

std::string Sentence(const std::string& outcome, std::optional<int64_t> step) {
  std::string where = step ? " at step " + std::to_string(*step) : "";
  if (outcome == "held") return "waits" + where;
  if (outcome == "left") return "has waited long enough and goes on" + where;
  if (outcome == "ending") return "ends" + where;
  if (outcome == "ended") return "has ended";
  if (outcome == "resumed") return "goes on" + where;
  if (outcome == "captured") return "has said where it is" + where;
  if (outcome == "set") return "has the new setting";
  return outcome + where;
}

}  // namespace

model::JobAnswer AnswerTo(const model::JobOrder& order, const RunConfig& config) {
  model::JobAnswer answer;
  answer.action = order.action;
  answer.kind = order.kind;
  answer.order_step = order.step;
  answer.host = config.host;
  answer.node_rank = config.node_rank;
  return answer;
}

model::Record ActionEvent(const model::JobOrder& order, const model::Origin& origin, const std::string& outcome,
                          std::optional<int64_t> step, const std::string& detail) {
  std::string text = "rank " + std::to_string(origin.rank.value_or(0)) + " " + Sentence(outcome, step) + " (" +
                     order.name + (order.reason.empty() ? "" : ", " + order.reason) + ")";
  if (!detail.empty()) text += ": " + detail;
  model::Record record = model::MakeEvent("action", base::WallNow(), text);
  record.origin = origin;
  record.step = step;
  record.level = outcome == "cannot" || outcome == "left" ? "warning" : "info";
  record.fields.emplace_back("action", order.name);
  record.fields.emplace_back("action_id", order.action);
  record.fields.emplace_back("outcome", outcome);
  if (!detail.empty()) record.fields.emplace_back("detail", detail);
  return record;
}

}  // namespace rankscope::agent
