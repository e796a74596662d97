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
  return by.empty() ? "anonymous" : by;
}

base::Result<SignedNote> ReadSignedNote(const Request& request, const std::string& what,
                                        std::initializer_list<std::string_view> others) {
  if (request.body.size() > kMostBytes) {
    return base::Status::Invalid(what + ": a note of more than " + std::to_string(kMostBytes >> 10) + " KiB");
  }
  Json body = Json::parse(request.body.empty() ? "{}" : request.body, nullptr, /*allow_exceptions=*/false);
  auto knows = [&](const std::string& key) {
    return key == "by" || key == "note" || std::find(others.begin(), others.end(), key) != others.end();
  };
  bool known = body.is_object() && std::all_of(body.items().begin(), body.items().end(), [&](const auto& item) {
                 return knows(item.key()) && item.value().is_string();
               });
  if (known) {
    SignedNote note{SignedBy(request, body.value("by", "")), body.value("note", ""), {}};
    for (std::string_view other : others) note.others[std::string(other)] = body.value(std::string(other), "");
    return note;
  }
  std::string want = what + R"(: want {"by": WHO, "note": WHY)";
  for (std::string_view other : others) want += ", \"" + std::string(other) + "\": TEXT";
  return base::Status::Invalid(want + "}");
}

}  // namespace rankscope::api
