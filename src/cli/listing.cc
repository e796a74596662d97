#include "cli/listing.h"

#include <algorithm>
#include <string_view>

#include "cli/table.h"

namespace rankscope::cli {

std::string Padded(const std::string& text, size_t width) {
  return text + std::string(width - std::min(width, DisplayWidth(text)), ' ');
}

std::string ShownTime(const std::string& time) {
  constexpr size_t kMilliseconds = std::string_view("2026-11-24T10:00:00.123").size();
  bool is_finer = time.size() > kMilliseconds && time[kMilliseconds - 4] == '.' && time.back() == 'Z';
  return is_finer ? time.substr(0, kMilliseconds) + "Z" : time;
}

void PrintAligned(const std::vector<std::string>& lines,
                  const std::function<std::string(const nlohmann::ordered_json&)>& place,
                  const std::function<void(const nlohmann::ordered_json&, size_t width)>& print) {
  std::vector<nlohmann::ordered_json> objects;
  size_t width = 0;
  for (const std::string& line : lines) {
    auto object = nlohmann::ordered_json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!object.is_object()) continue;
    width = std::max(width, DisplayWidth(place(object)));
    objects.push_back(std::move(object));
  }
  for (const auto& object : objects) print(object, width);
}

}  // namespace rankscope::cli
