#include "cli/answer_end.h"

#include <nlohmann/json.hpp>

namespace rankscope::cli {

base::Status EndSaidBy(std::string_view line) {
  // Told by their beginning, so that rows are not parsed for it.
  if (!line.starts_with("{\"error\":") && !line.starts_with("{\"_partial\":")) return {};
  auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || json.size() != 1) return {};
  const auto& [name, value] = *json.items().begin();
  if (name == "error" && value.is_string()) {
    return base::Status::Internal("the answer is not whole: " + value.get<std::string>());
  }
  if (name != "_partial" || !value.is_object()) return {};
  return base::Status::Internal("the answer is partial: " + value.value("message", ""));
}

}  // namespace rankscope::cli
