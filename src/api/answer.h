#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "api/http_server.h"

namespace rankscope::api {

// Whole answers, begun and ended. Bytes that are not UTF-8 are replaced.
std::string Dump(const nlohmann::json& json);  // with a newline
void Answer(const std::shared_ptr<Responder>& reply, int status, const nlohmann::json& json);
// {"error": …}: 400, 404, 503 or 500 by the status's code.
void Fail(const std::shared_ptr<Responder>& reply, const base::Status& status);

}  // namespace rankscope::api
