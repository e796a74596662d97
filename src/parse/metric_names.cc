#include "parse/metric_names.h"

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
  }
  AddOnce(name, value, fields);
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
