#include "cli/answer_end.h"

#include <nlohmann/json.hpp>
#include <string>

namespace rankscope::cli {

base::Status EndSaidBy(std::string_view line) {
  // Told by their beginning, so that rows are not parsed for it.
  if (!line.starts_with("{\"error\":") && !line.starts_with("{\"_partial\":")) return {};
  auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || json.size() != 1) return {};
  const auto entry = json.begin();
  const std::string& name = entry.key();
  const auto& value = entry.value();
  if (name == "error" && value.is_string()) {
    return base::Status::Corrupt("the answer is not whole: " + value.get<std::string>());
  }
  if (name != "_partial" || !value.is_object()) return {};
  return base::Status::Corrupt("the answer is partial: " + value.value("message", ""));
}

}  // namespace rankscope::cli
