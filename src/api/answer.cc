#include "api/answer.h"

#include "base/json_text.h"

namespace rankscope::api {

using Json = nlohmann::json;

std::string Dump(const Json& json) { return base::JsonText(json) + "\n"; }

void Answer(const std::shared_ptr<Responder>& reply, int status, const Json& json) {
  reply->Begin(status, "application/json");
  reply->Write(Dump(json));
  reply->End();
}

void Fail(const std::shared_ptr<Responder>& reply, const base::Status& status) {
  int code = status.code() == base::Code::kInvalid       ? 400
             : status.code() == base::Code::kNotFound    ? 404
             : status.code() == base::Code::kUnavailable ? 503
                                                         : 500;
  Answer(reply, code, {{"error", status.message()}});
}

}  // namespace rankscope::api
