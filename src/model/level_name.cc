#include "model/level_name.h"

#include <array>

namespace rankscope::model {
namespace {

struct LevelName {
  std::string_view name, level;
};
constexpr std::array<LevelName, 13> kLevels = {{{"debug", "debug"},
                                                {"trace", "debug"},
                                                {"info", "info"},
                                                {"information", "info"},
                                                {"notice", "info"},
                                                {"warning", "warning"},
                                                {"warn", "warning"},
                                                {"error", "error"},
                                                {"err", "error"},
                                                {"critical", "critical"},
                                                {"crit", "critical"},
                                                {"fatal", "critical"},
                                                {"panic", "critical"}}};

}  // namespace

void SetLevel(std::string_view name, std::string* level) {
  level->clear();
  for (char c : name) level->push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
  for (const LevelName& known : kLevels) {
    if (known.name == *level) *level = known.level;
  }
}

}  // namespace rankscope::model
