#include "parse/step_prefix.h"

#include <algorithm>
#include <optional>

#include "parse/metric_names.h"
#include "parse/number.h"

namespace rankscope::parse {
namespace {

constexpr std::string_view kTraining = "(train)";  // mmengine's, beside (val) and (test)

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Whether the text ends with a label of what the brackets behind it count: "Epoch ", "Epoch: ", "Epoch(train)  ".
bool EndsWithLabel(std::string_view text) {
  text = text.substr(0, text.find_last_not_of(" :") + 1);
  if (text.ends_with(kTraining)) text.remove_suffix(kTraining.size());
  return text.ends_with("Epoch") || text.ends_with("Train");
}

// "50/8000".
void AddStepOfTotal(std::string_view text, model::Fields* fields) {
  size_t slash = text.find('/');
  if (slash == std::string_view::npos) return;
  auto step = ParseNumber(text.substr(0, slash)), total = ParseNumber(text.substr(slash + 1));
  if (!step || !total) return;
  AddMetric("step", *step, fields);
  AddMetric("total_steps", *total, fields);
}

// What stands in the brackets that open there; empty: none do.
std::string_view InBrackets(std::string_view text, size_t open) {
  if (open >= text.size() || text[open] != '[') return {};
  size_t close = text.find(']', open);
  return close == std::string_view::npos ? std::string_view() : text.substr(open + 1, close - open - 1);
}

// Epoch (of how many), then step and steps of the epoch.
void AddBracketPair(std::string_view text, model::Fields* fields) {
  size_t open = text.find('[');
  while (open != std::string_view::npos && !EndsWithLabel(text.substr(0, open))) open = text.find('[', open + 1);
  const std::string_view epoch = InBrackets(text, open);
  if (epoch.empty()) return;
  auto number = ParseNumber(epoch.substr(0, epoch.find('/')));
  if (!number) return;
  const size_t before = fields->size();
  AddStepOfTotal(InBrackets(text, text.find_first_not_of(' ', open + epoch.size() + 2)), fields);
  if (fields->size() > before) AddMetric("epoch", *number, fields);
}

void AddBracket(std::string_view text, model::Fields* fields) {
  constexpr std::string_view kLabel = "Iter(train)";
  size_t label = text.find(kLabel);
  if (label == std::string_view::npos) return;
  AddStepOfTotal(InBrackets(text, text.find_first_not_of(' ', label + kLabel.size())), fields);
}

void AddPipedPrefix(std::string_view text, model::Fields* fields) {
  size_t loss = text.find("|Loss:");
  if (loss == std::string_view::npos) return;
  size_t step = loss;
  while (step > 0 && IsDigit(text[step - 1])) --step;
  if (step == loss || step == 0 || text[step - 1] != '|') return;
  size_t epoch = step - 1;
  while (epoch > 0 && IsDigit(text[epoch - 1])) --epoch;
  auto e = ParseNumber(text.substr(epoch, step - 1 - epoch)), s = ParseNumber(text.substr(step, loss - step));
  if (!e || !s) return;
  AddMetric("epoch", *e, fields);
  AddMetric("step", *s, fields);
}

}  // namespace

void AddStepPrefix(std::string_view text, model::Fields* fields) {
  AddPipedPrefix(text, fields);
  AddBracketPair(text, fields);
  AddBracket(text, fields);
}

}  // namespace rankscope::parse
