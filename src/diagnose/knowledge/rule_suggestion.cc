#include "diagnose/knowledge/rule_suggestion.h"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include "diagnose/reading/line_body.h"
#include "diagnose/verdict/figures.h"
#include "parse/json_record.h"
#include "parse/line_record.h"

namespace rankscope::diagnose {
namespace {

constexpr size_t kMostPatternBytes = 400;  // of the line
constexpr double kLost = 0.8;              // of the usual speed: less than this is a failure's

// 'it''s': YAML's form in which a backslash is a backslash.
std::string Quoted(std::string_view text) {
  std::string quoted = "'";
  for (char c : text) {
    if (c == '\'') quoted += '\'';
    quoted += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return quoted + "'";
}

// cuda_oom, j-17: CudaOomOfJ17.
std::string NameFor(const JobFacts& facts) {
  std::string name;
  bool upper = true;
  for (char c : facts.failure + "_of_" + facts.job) {
    if (!std::isalnum(static_cast<unsigned char>(c))) {
      upper = true;
    } else {
      name += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
      upper = false;
    }
  }
  return name;
}

std::string RulesYaml(const JobFacts& facts, const std::string& alert, const std::string& condition,
                      const std::string& per = "rank") {
  return "groups:\n- name: suggested\n  rules:\n  - alert: " + alert + "\n" + condition + "    per: " + per +
         "\n    labels: {severity: critical, class: " + facts.failure +
         ", role: cause}\n    annotations:\n      summary: " +
         Quoted("the trouble of job " + facts.job + " is back: " + facts.failure) + "\n";
}

std::string RankOf(const JobFacts& facts) {
  return std::to_string(facts.culprit && facts.culprit->rank ? *facts.culprit->rank : 0);
}

std::string World(const JobFacts& facts) {
  return "  world: {ranks: " + std::to_string(std::stoi(RankOf(facts)) + 1) + ", step_time: 1s}\n";
}

RuleSuggestion FromLine(const JobFacts& facts, const std::string& rule_file) {
  RuleSuggestion made;
  made.alert = NameFor(facts);
  std::string line(ReadLineBody(facts.root_line).text.substr(0, kMostPatternBytes));
  made.rules = RulesYaml(facts, made.alert, "    match: " + Quoted(PatternOf(line)) + "\n");
  std::string input = "  input_lines:\n  - {at: step 5, rank: " + RankOf(facts) + ", text: ";
  made.tests = "rule_files: [" + Quoted(rule_file) + "]\ntests:\n- name: " + Quoted("the line of job " + facts.job) +
               "\n" + World(facts) + input + Quoted(line) + "}\n  expect:\n  - {alert: " + made.alert +
               ", state: firing, ranks: [" + RankOf(facts) + "]}\n- name: an ordinary line\n" + World(facts) + input +
               "'step 5 loss 2.5'}\n  expect:\n  - {alert: " + made.alert + ", state: never}\n";
  return made;
}

// What a job was slow by.
struct LostSpeed {
  std::string metric;
  double usual = 0, last = 0;
};

// The first of what jobs tell their speed by that says that it was lost.
std::optional<LostSpeed> FindLostSpeed(const JobFacts& facts) {
  for (const auto& [metric, is_time] :
       {std::pair("throughput_tokens_per_sec", false), std::pair("step_time_s", true)}) {
    auto curve = facts.curves.find(metric);
    if (curve == facts.curves.end()) continue;
    const double usual = curve->second.EarlyMedian().value_or(0), last = curve->second.LateMedian().value_or(0);
    const double left = is_time ? usual / last : last / usual;
    if (usual > 0 && last > 0 && left < kLost) return LostSpeed{metric, usual, last};
  }
  return std::nullopt;
}

RuleSuggestion FromSpeed(const JobFacts& facts, const LostSpeed& lost, const std::string& rule_file) {
  RuleSuggestion made;
  made.alert = NameFor(facts);
  const std::string compared = lost.last < lost.usual ? "value < " : "value > ";
  made.rules = RulesYaml(facts, made.alert,
                         "    metric: " + lost.metric + "\n    when: " + compared +
                             Figure(std::sqrt(lost.usual * lost.last)) + "\n    for: 5steps\n");
  auto test = [&](const char* name, double value, const char* state) {
    return "- name: " + std::string(name) + "\n" + World(facts) + "  input_series:\n  - {series: " + lost.metric +
           ", values: '" + Figure(value) +
           "x40', noise: {relative_sd: 0.01, seed: 1}}\n  expect:\n  - {alert: " + made.alert + ", state: " + state +
           "}\n";
  };
  made.tests = "rule_files: [" + Quoted(rule_file) + "]\ntests:\n" +
               test("as slow as the job became", lost.last, "firing") + test("as fast as it was", lost.usual, "never");
  return made;
}

// What a step usually took, from its own metric or from the time in which the steps that count were made.
std::optional<double> UsualStepSeconds(const JobFacts& facts) {
  auto curve = facts.curves.find("step_time_s");
  if (auto usual = curve == facts.curves.end() ? std::nullopt : curve->second.EarlyMedian()) return usual;
  const int64_t steps = facts.last_checkpoint.value_or(facts.last_step.value_or(0));
  if (steps <= 0 || facts.productive_s <= 0) return std::nullopt;
  return facts.productive_s / static_cast<double>(steps);
}

// No step for so many usual ones, at least; more where the run has never spoken of an evaluation or a checkpoint.
constexpr double kSilentSteps = 20, kUnspokenSteps = 60;
constexpr double kLeastSilence_s = 10, kLeastUnspoken_s = 60;

RuleSuggestion FromSilence(const JobFacts& facts, double step_s, const std::string& rule_file) {
  auto seconds = [](double value) { return std::to_string(std::lround(value)) + "s"; };
  const double silent = std::max(kLeastSilence_s, kSilentSteps * step_s),
               unspoken = std::max(kLeastUnspoken_s, kUnspokenSteps * step_s);
  RuleSuggestion made;
  made.alert = NameFor(facts);
  made.rules = RulesYaml(
      facts, made.alert,
      "    silence: {of: steps, times: 10, at_least: " + seconds(silent) + ", unspoken: " + seconds(unspoken) + "}\n",
      "job");
  auto test = [&](const std::string& name, const std::string& later, const char* state) {
    return "- name: " + name + "\n" + World(facts) +
           "  input_series:\n  - {series: loss, values: '2-0.001x60'}\n  input_lines:\n  - {at: " + later +
           ", node: 0, stream: host, text: sample, fields: {load_1m: 2}}\n  expect:\n  - {alert: " + made.alert +
           ", state: " + state + "}\n";
  };
  made.tests = "rule_files: [" + Quoted(rule_file) + "]\ntests:\n" +
               test("no step any more", seconds(60 + 2 * unspoken), "firing") + test("steps that come", "61s", "never");
  return made;
}

// A record of a stored job, or a line.
model::Record ReadReport(const std::string& line) {
  if (auto records = parse::RecordsFromJson({line}); records.ok() && !records->empty()) return records->front();
  model::Record record;
  record.text = line;
  parse::UnderstandLine(&record);
  return record;
}

// The first metric of the report that is no number.
std::optional<std::string> FindNonfinite(const JobFacts& facts) {
  for (const auto& [name, value] : ReadReport(facts.root_line).fields) {
    const auto* number = std::get_if<double>(&value);
    if (number && !std::isfinite(*number)) return name;
  }
  return std::nullopt;
}

RuleSuggestion FromNonfinite(const JobFacts& facts, const std::string& metric, const std::string& rule_file) {
  RuleSuggestion made;
  made.alert = NameFor(facts);
  made.rules = RulesYaml(facts, made.alert, "    metric: " + metric + "\n    when: nonfinite > 0\n");
  auto test = [&](const char* name, const char* last, const char* state) {
    return "- name: " + std::string(name) + "\n" + World(facts) + "  input_series:\n  - {series: " + metric +
           ", values: '2x10 " + last + "'}\n  expect:\n  - {alert: " + made.alert + ", state: " + state + "}\n";
  };
  made.tests = "rule_files: [" + Quoted(rule_file) + "]\ntests:\n" + test("what is no number", "nan", "firing") +
               test("numbers", "2", "never");
  return made;
}

// A loss that left its course: where, and what it had been on the way there.
struct LossJump {
  double before = 0, at = 0;
  int64_t window = 0;  // steps before it, over which it was so
};

constexpr double kLeastJump = 1.1;
constexpr int64_t kFewestSteps = 5, kMostSteps = 50;

// The report with which it began, against the curve before it.
std::optional<LossJump> FindLossJump(const JobFacts& facts) {
  const model::Record report = ReadReport(facts.root_line);
  const auto* loss = model::FindField(report.fields, "loss");
  const auto at = loss ? model::AsNumber(*loss) : std::nullopt;
  auto curve = facts.curves.find("loss");
  if (!at || !report.step || curve == facts.curves.end()) return std::nullopt;
  const int64_t window = std::min(kMostSteps, *report.step / 2);
  const double before = curve->second.Median(*report.step - window, *report.step).value_or(0);
  if (window < kFewestSteps || before <= 0 || *at < kLeastJump * before) return std::nullopt;
  return LossJump{before, *at, window};
}

RuleSuggestion FromLoss(const JobFacts& facts, const LossJump& jump, const std::string& rule_file) {
  RuleSuggestion made;
  made.alert = NameFor(facts);
  made.rules = RulesYaml(facts, made.alert,
                         "    metric: loss\n    when: value > " + Figure(std::sqrt(jump.at / jump.before)) +
                             " * baseline(" + std::to_string(jump.window) + "steps)\n");
  auto test = [&](const char* name, double value, const char* state) {
    return "- name: " + std::string(name) + "\n" + World(facts) + "  input_series:\n  - {series: loss, values: '" +
           Figure(jump.before) + "x60 " + Figure(value) + "x3'}\n  expect:\n  - {alert: " + made.alert +
           ", state: " + state + "}\n";
  };
  made.tests = "rule_files: [" + Quoted(rule_file) + "]\ntests:\n" + test("as high as it rose", jump.at, "firing") +
               test("on its course", jump.before, "never");
  return made;
}

// A report of numbers, as slowness is seen in, has no words: any report looks like it.
bool SaysWhy(const std::string& line) {
  return !line.empty() && !line.starts_with("{\"") && ReadReport(line).fields.empty();
}

// What a run of characters at `at` is that changes from line to line: its length and the pattern for it; 0: nothing.
struct Variable {
  size_t length = 0;
  std::string_view pattern;
};

bool IsWordByte(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

Variable VariableAt(std::string_view line, size_t at) {
  static const re2::RE2 kAddress(R"(^0x[0-9a-fA-F]+)"), kPath(R"(^/[\w.+@-]+(?:/[\w.+@-]*)+)"),
      kNumber(R"(^\d+(?:[.:,]\d+)*)");
  re2::StringPiece rest(line.data() + at, line.size() - at);
  const bool within = at > 0 && IsWordByte(line[at - 1]);
  for (const auto& [form, pattern] : {std::pair<const re2::RE2*, std::string_view>{&kAddress, "0x[0-9a-fA-F]+"},
                                      {&kPath, R"(\S+)"},
                                      {&kNumber, R"(\d+(?:[.:,]\d+)*)"}}) {
    re2::StringPiece left = rest;
    if (within && form != &kNumber) continue;
    if (re2::RE2::Consume(&left, *form)) return {rest.size() - left.size(), pattern};
  }
  return {};
}

}  // namespace

std::string PatternOf(std::string_view line) {
  std::string pattern, fixed;
  auto flush = [&] {
    pattern += re2::RE2::QuoteMeta(fixed);
    fixed.clear();
  };
  for (size_t at = 0; at < line.size();) {
    Variable variable = VariableAt(line, at);
    if (variable.length == 0) {
      fixed += line[at++];
      continue;
    }
    flush();
    pattern += variable.pattern;
    at += variable.length;
  }
  flush();
  return pattern;
}

base::Result<RuleSuggestion> SuggestRule(const JobFacts& facts, const std::string& rule_file) {
  if (facts.healthy) {
    return base::Status::Invalid("job " + facts.job +
                                 " is healthy as far as its lines and metrics go: there is nothing to find");
  }
  if (facts.failure == "process_hung" || facts.kind == "stack") {
    // What a hang is known by is where a thread stands: a frame that any traceback may have.
    auto step_s = UsualStepSeconds(facts);
    if (step_s) return FromSilence(facts, *step_s, rule_file);
    return base::Status::Invalid("job " + facts.job +
                                 " hung before it had made a step: what it printed is what any job " +
                                 "prints at its start, and no rule would tell them apart");
  }
  if (auto metric = FindNonfinite(facts)) return FromNonfinite(facts, *metric, rule_file);
  if (SaysWhy(facts.root_line)) return FromLine(facts, rule_file);
  if (facts.failure == "loss_spike_or_divergence") {
    if (auto jump = FindLossJump(facts)) return FromLoss(facts, *jump, rule_file);
  }
  if (auto lost = FindLostSpeed(facts)) return FromSpeed(facts, *lost, rule_file);
  return base::Status::Invalid(
      "job " + facts.job + ": " + facts.failure +
      ": no line tells of it, and neither was speed lost nor did the loss rise, so that no rule can be made of it");
}

}  // namespace rankscope::diagnose
