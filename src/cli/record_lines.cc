#include "cli/record_lines.h"

#include <nlohmann/json.hpp>

#include "cli/http_client.h"

namespace rankscope::cli {
namespace {

// A line that holds nothing but an error ends an answer that is not whole. What it says; empty for a record's line.
std::string ErrorIn(std::string_view line) {
  if (!line.starts_with("{\"error\":")) return "";
  auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  bool alone = json.is_object() && json.size() == 1 && json["error"].is_string();
  return alone ? json["error"].get<std::string>() : "";
}

}  // namespace

base::Status GetRecords(const std::string& server, const std::string& path,
                        const std::function<bool(std::string_view)>& take, const std::function<bool()>& idle) {
  base::Status broken;
  RETURN_IF_ERROR(GetLines(
      server, path,
      [&](std::string_view line) {
        std::string error = ErrorIn(line);
        if (error.empty()) return take(line);
        broken = base::Status::Internal("the answer is not whole: " + error);
        return true;
      },
      idle));
  return broken;
}

}  // namespace rankscope::cli
