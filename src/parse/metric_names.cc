#include "parse/metric_names.h"

#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace rankscope::parse {
namespace {

struct Name {
  std::string_view printed, canonical;
  double scale = 1;      // canonical = printed * scale
  bool inverse = false;  // canonical = 1 / printed
};

constexpr std::array kNames = {
#define RANKSCOPE_METRIC_NAME(printed, canonical, scale, inverse) Name{printed, canonical, scale, inverse != 0},
#include "parse/metric_names.inc"
#undef RANKSCOPE_METRIC_NAME
};

constexpr size_t kLongestName = 48;

std::string Normal(std::string_view name) {
  std::string out;
  for (char c : name) {
    if (c == '(' || c == ')') continue;
    out.push_back(c == ' ' || c == '-' ? '_' : (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c));
  }
  return out;
}

const Name* Find(std::string_view name) {
  static const auto* by_name = [] {
    auto* map = new std::unordered_map<std::string_view, const Name*>;
    for (const Name& known : kNames) map->emplace(known.printed, &known);
    return map;
  }();
  if (name.size() > kLongestName) return nullptr;
  auto found = by_name->find(Normal(name));
  return found == by_name->end() ? nullptr : found->second;
}

void AddOnce(std::string_view name, double value, model::Fields* fields) {
  if (!model::FindField(*fields, name)) fields->emplace_back(std::string(name), value);
}

}  // namespace

void AddMetric(std::string_view name, double value, model::Fields* fields) {
  if (const Name* known = Find(name)) {
    AddOnce(known->canonical, known->inverse ? 1 / value : value * known->scale, fields);
    if (known->canonical == name) return;
  } else if (const std::string_view unit = UnitOfName(name); !unit.empty() && NamesGpuMemory(name)) {
    AddOnce("gpu_memory_gib", Gibibytes(value, unit), fields);
  }
  AddOnce(name, value, fields);
}

namespace {

// Letters of such a name, whatever their case: a look that spares most words the rest.
bool HasLettersOfMemory(std::string_view name) {
  for (size_t i = 0; i + 2 < name.size(); ++i) {
    const char a = name[i] | 0x20, b = name[i + 1] | 0x20, c = name[i + 2] | 0x20;
    if ((a == 'm' && b == 'e' && c == 'm') || (a == 'r' && b == 'a' && c == 'm') || (a == 'l' && b == 'o' && c == 'c'))
      return true;
  }
  return false;
}

}  // namespace

bool NamesGpuMemory(std::string_view name) {
  constexpr std::string_view kOthers[] = {"cpu", "host", "free",  "avail", "total", "swap",
                                          "shm", "cach", "limit", "count", "pin",   "rss"};
  const bool has_values =
      name.find_first_of("0123456789") != std::string_view::npos && name.find(' ') != std::string_view::npos;
  if (name.size() > kLongestName || has_values || !HasLettersOfMemory(name)) return false;
  const std::string normal = Normal(name);
  const auto has = [&](std::string_view word) { return normal.find(word) != std::string::npos; };
  const bool memory = normal.starts_with("mem") || has("_mem") || has("/mem") || has("vram") || has("alloc");
  return memory && std::none_of(std::begin(kOthers), std::end(kOthers), has);
}

std::string_view UnitOfName(std::string_view name) {
  while (!name.empty() && name.back() == ')') name.remove_suffix(1);
  const size_t letters = name.find_last_of(" _-(/");
  const std::string_view unit = letters == std::string_view::npos ? "" : name.substr(letters + 1);
  return IsUnitOfMemory(unit) ? unit : "";
}

bool IsUnitOfMemory(std::string_view unit) {
  static constexpr std::string_view kUnits[] = {"gib", "gb", "g", "mib", "mb", "bytes"};
  return unit == "M" || std::find(std::begin(kUnits), std::end(kUnits), Normal(unit)) != std::end(kUnits);
}

double Gibibytes(double value, std::string_view unit) {
  constexpr double kGib = 1 << 30;
  if (unit.starts_with('G') || unit.starts_with('g')) return value;
  if (unit.starts_with('M') || unit.starts_with('m')) return value / 1024;
  if (unit == "bytes" || value > 1e6) return value / kGib;
  return value >= 512 ? value / 1024 : value;
}

bool BeginsName(std::string_view word) {
  static const auto* beginnings = [] {
    auto* set = new std::unordered_set<std::string_view>;
    for (const Name& known : kNames) {
      for (size_t at = 0; at != std::string_view::npos; at = known.printed.find('_', at + 1)) {
        if (at > 0) set->insert(known.printed.substr(0, at));
      }
      set->insert(known.printed);
    }
    return set;
  }();
  return word.size() <= kLongestName && beginnings->contains(Normal(word));
}

std::string_view CanonicalName(std::string_view name) {
  const Name* known = Find(name);
  return known ? known->canonical : std::string_view();
}

}  // namespace rankscope::parse
