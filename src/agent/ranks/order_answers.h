#pragma once

#include <functional>
#include <optional>
#include <string>

#include "agent/run_directory.h"
#include "model/job_order.h"
#include "model/record.h"

// What is said of an order: to the server as an answer, to the job's readers as an `event` record.
namespace rankscope::agent {

using SendAnswer = std::function<void(model::JobAnswer)>;

// Of this node, without its ranks.
model::JobAnswer AnswerTo(const model::JobOrder& order, const RunConfig& config);

model::Record ActionEvent(const model::JobOrder& order, const model::Origin& origin, const std::string& outcome,
                          std::optional<int64_t> step, const std::string& detail);

}  // namespace rankscope::agent
