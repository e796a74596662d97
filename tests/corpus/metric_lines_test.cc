// Scores the metric-line parsers on a corpus of lines as trainers print them, which lies beside the checkout
// (RANKSCOPE_SHARED/corpus/metric_lines.jsonl); where it is not there, this says so and ends well.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "parse/line_record.h"

namespace {

using nlohmann::json;

constexpr double kRightAtLeast = 0.95, kWrongAtMost = 0.01;

// The corpus's names and the product's; two where either counts.
const std::map<std::string, std::vector<std::string>> kNames = {
    {"lr", {"learning_rate"}},
    {"grad_norm", {"gradient_norm"}},
    {"tokens_per_s", {"throughput_tokens_per_sec", "throughput_tokens_per_sec_global"}},
    {"mem_gib", {"gpu_memory_gib"}},
    {"loss", {"loss"}},
    {"step", {"step"}},
    {"total_steps", {"total_steps"}},
    {"epoch", {"epoch"}},
    {"step_time_s", {"step_time_s"}},
};

std::optional<double> Number(const json& value) {
  if (value.is_number()) return value.get<double>();
  if (!value.is_string()) return std::nullopt;
  return std::strtod(value.get<std::string>().c_str(), nullptr);  // inf, nan
}

std::optional<double> Found(const rankscope::model::Record& record, const std::string& name) {
  if (name == "step" && record.step) return static_cast<double>(*record.step);
  for (const std::string& ours : kNames.at(name)) {
    if (const auto* value = rankscope::model::FindField(record.fields, ours)) return rankscope::model::AsNumber(*value);
  }
  return std::nullopt;
}

bool Same(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (std::isinf(a) || std::isinf(b)) return a == b;
  return std::fabs(a - b) <= 0.002 * std::max(std::fabs(a), std::fabs(b)) + 1e-12;
}

struct Score {
  int expected = 0, right = 0, wrong = 0;
};

bool IsAlternative(const json& line, const std::string& name, const std::optional<double>& found) {
  for (const json& other : line.value("alt_fields", json::object()).value(name, json::array())) {
    if (other.is_null() ? !found : found && Same(*Number(other), *found)) return true;
  }
  return false;
}

bool IsDerived(const json& line, const std::string& name) {
  return line.value("derived_fields", json::object()).contains(name);
}

std::string InWords(const std::optional<double>& value) { return value ? std::to_string(*value) : "nothing"; }

void ScoreField(const json& line, const std::string& name, const rankscope::model::Record& record, Score* score) {
  const std::optional<double> found = Found(record, name), wanted = Number(line["fields"].value(name, json()));
  bool right = (wanted && found && Same(*wanted, *found)) || IsAlternative(line, name, found);
  bool wrong = found && !right && !IsDerived(line, name);
  if (wanted) ++score->expected;
  if (wanted && right) ++score->right;
  if (wrong) ++score->wrong;
  if (wrong || (wanted && !right)) {
    std::printf("%s %s: wanted %s, found %s\n    %s\n", line.value("id", "?").c_str(), name.c_str(),
                InWords(wanted).c_str(), InWords(found).c_str(), record.text.substr(0, 300).c_str());
  }
}

void ScoreLine(const json& line, Score* score) {
  rankscope::model::Record record;
  record.text = line["line"];
  rankscope::parse::UnderstandLine(&record);
  for (const auto& [name, ours] : kNames) ScoreField(line, name, record, score);
}

}  // namespace

int main(int argc, char** argv) {
  const char* shared = std::getenv("RANKSCOPE_SHARED");
  std::string path = std::string(shared ? shared : argc > 1 ? argv[1] : "../shared") + "/corpus/metric_lines.jsonl";
  std::ifstream file(path);
  if (!file) {
    std::printf("left out: there is no %s\n", path.c_str());
    return 0;
  }
  Score score;
  for (std::string text; std::getline(file, text);) ScoreLine(json::parse(text), &score);
  double right = static_cast<double>(score.right) / score.expected,
         wrong = static_cast<double>(score.wrong) / score.expected;
  std::printf("fields expected %d, right %.3f (at least %.2f), wrong %.3f (at most %.2f)\n", score.expected, right,
              kRightAtLeast, wrong, kWrongAtMost);
  return right >= kRightAtLeast && wrong <= kWrongAtMost ? 0 : 1;
}
