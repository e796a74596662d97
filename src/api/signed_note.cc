#include "api/signed_note.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "access/token.h"

namespace rankscope::api {

using Json = nlohmann::json;

namespace {

constexpr size_t kMostBytes = 64 << 10;  // it becomes a record of the job

}  // namespace

std::string SignedBy(const Request& request, std::string by) {
  if (auto token = access::ParseToken(request.token); token.ok()) {
    by += (by.empty() ? "token " : ", token ") + std::string(token->id);
  }
  return by;
}

base::Result<SignedNote> ReadSignedNote(const Request& request, const std::string& what) {
  if (request.body.size() > kMostBytes) {
    return base::Status::Invalid(what + ": a note of more than " + std::to_string(kMostBytes >> 10) + " KiB");
  }
  Json body = Json::parse(request.body.empty() ? "{}" : request.body, nullptr, /*allow_exceptions=*/false);
  bool known = body.is_object() && std::all_of(body.items().begin(), body.items().end(), [](const auto& item) {
                 return (item.key() == "by" || item.key() == "note") && item.value().is_string();
               });
  if (!known) return base::Status::Invalid(what + ": want {\"by\": WHO, \"note\": WHY}");
  return SignedNote{SignedBy(request, body.value("by", "")), body.value("note", "")};
}

}  // namespace rankscope::api
