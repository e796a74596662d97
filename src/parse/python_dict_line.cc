#include <cstdlib>

#include "parse/metric_formats.h"
#include "parse/metric_names.h"
#include "parse/number.h"

namespace rankscope::parse {
namespace {

// The end of the value that begins at `at`: the next comma or closing brace outside quotes and brackets.
size_t EndOfValue(std::string_view text, size_t at) {
  int depth = 0;
  char quote = 0;
  for (; at < text.size(); ++at) {
    char c = text[at];
    if (quote) {
      if (c == quote) quote = 0;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '(' || c == '[' || c == '{') {
      ++depth;
    } else if (c == ')' || c == ']') {
      --depth;
    } else if (c == '}' || c == ',') {
      if (depth == 0) return at;
      if (c == '}') --depth;
    }
  }
  return std::string_view::npos;
}

// "5/94" is a step and how many there will be.
bool AddProgress(std::string_view key, std::string_view value, model::Fields* fields) {
  if (key != "global_step/max_steps" && key != "iteration") return false;
  std::string_view text = Trim(value);
  if (text.size() < 2) return false;
  text = text.substr(1, text.size() - 2);
  size_t slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  auto step = ParseNumber(text.substr(0, slash));
  auto total = ParseNumber(text.substr(slash + 1));
  if (!step || !total) return false;
  AddMetric("step", *step, fields);
  AddMetric("total_steps", *total, fields);
  return true;
}

}  // namespace

bool ParsePythonDictLine(std::string_view plain, model::Fields* fields) {
  size_t at = plain.find("{'");
  if (at == std::string_view::npos) at = plain.find("{\"");  // as ms-swift writes its logging.jsonl
  if (at == std::string_view::npos) return false;
  const char quote = plain[at + 1];
  model::Fields found;
  bool evaluation = false, summary = false;
  ++at;
  while (at < plain.size()) {
    while (at < plain.size() && (plain[at] == ' ' || plain[at] == ',')) ++at;
    if (at >= plain.size() || plain[at] != quote) break;
    size_t key_end = plain.find(quote, at + 1);
    if (key_end == std::string_view::npos || key_end + 1 >= plain.size() || plain[key_end + 1] != ':') return false;
    std::string_view key = plain.substr(at + 1, key_end - at - 1);
    size_t value_end = EndOfValue(plain, key_end + 2);
    if (value_end == std::string_view::npos) return false;
    std::string_view value = plain.substr(key_end + 2, value_end - key_end - 2);
    if (auto number = ParseNumber(value)) {
      AddMetric(key, *number, &found);
      evaluation = evaluation || key.starts_with("eval_");
      summary = summary || key == "train_runtime";
    } else {
      AddProgress(key, value, &found);
    }
    at = value_end;
    if (plain[at] == '}') break;
  }
  // A learning rate alone is a configuration's; the mean loss of the whole run is no step's.
  auto has = [&found](std::string_view name) { return model::FindField(found, name) != nullptr; };
  const bool scheduled = has("learning_rate") && (has("step") || has("epoch"));
  if (summary || !(has("loss") || has("gradient_norm") || has("eval_loss") || scheduled)) return false;
  // An evaluation's line repeats the epoch of the training line before it.
  if (evaluation) std::erase_if(found, [](const auto& field) { return field.first == "epoch"; });
  if (at < plain.size()) AddProgressBar(plain.substr(at), &found);
  *fields = std::move(found);
  return true;
}

}  // namespace rankscope::parse
