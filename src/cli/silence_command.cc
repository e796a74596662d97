#include "cli/silence_command.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "base/url.h"
#include "cli/http_client.h"

namespace rankscope::cli {
namespace {

using Json = nlohmann::ordered_json;

// ID  until TIME  matchers  by WHO: why
void Print(const Json& silence) {
  std::string matchers;
  for (const Json& matcher : silence.value("matchers", Json::array())) {
    matchers += (matchers.empty() ? "" : ", ") + matcher.get<std::string>();
  }
  std::printf("%s  until %s  %s  by %s: %s\n", silence.value("id", "").c_str(), silence.value("ends", "").c_str(),
              matchers.c_str(), silence.value("by", "").c_str(), silence.value("note", "").c_str());
}

bool Show(std::string_view line, bool json) {
  if (json) {
    std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
  } else if (Json silence = Json::parse(line, nullptr, /*allow_exceptions=*/false); silence.is_object()) {
    Print(silence);
  }
  return true;
}

}  // namespace

base::Status RunSilenceAdd(const SilenceOptions& options) {
  Json body = {{"matchers", options.matchers}, {"for", options.lasts}, {"note", options.note}, {"by", options.by}};
  std::string text = base::JsonText(body);
  return PostLines(options.server, "/api/v1/silences", text,
                   [&](std::string_view line) { return Show(line, options.json); });
}

base::Status RunSilenceList(const SilenceOptions& options) {
  return GetLines(options.server, "/api/v1/silences", [&](std::string_view line) { return Show(line, options.json); });
}

base::Status RunSilenceEnd(const SilenceOptions& options, const std::string& id) {
  return DeleteLines(options.server, "/api/v1/silences/" + base::UrlEncode(id), [](std::string_view) { return true; });
}

}  // namespace rankscope::cli
