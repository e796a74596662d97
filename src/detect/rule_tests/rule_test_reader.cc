#include <array>
#include <limits>

#include "detect/rule_tests/rule_test.h"
#include "detect/rule_tests/series_notation.h"
#include "detect/rules/yaml_reader.h"
#include "detect/scanner.h"
#include "model/time_text.h"

namespace rankscope::detect {
namespace {

constexpr int64_t kMostRanks = 4096;
constexpr int64_t kMostIntervals = 1000;

class RuleTestReader {
 public:
  explicit RuleTestReader(const YamlReader* yaml) : yaml_(yaml) {}

  base::Result<RuleTest> Read(const YAML::Node& node) {
    test_.place = yaml_->Place(node);
    test_.world.start = *model::ParseTime("2026-01-01T00:00:00Z");
    RETURN_IF_ERROR(yaml_->Map(node, "a test",
                               {{"name", yaml_->Into(&test_.name)},
                                {"world", Call(&RuleTestReader::World)},
                                {"input_series", Each(&RuleTestReader::Series)},
                                {"input_lines", Each(&RuleTestReader::Line)},
                                {"pauses", Each(&RuleTestReader::Pause)},
                                {"from", yaml_->Into(&test_.from)},
                                {"expect", Each(&RuleTestReader::Expect)}}));
    if (test_.expectations.empty()) return yaml_->Wrong(node, "expected a key expect with at least one expectation");
    return std::move(test_);
  }

 private:
  using Take = std::function<base::Status(const YAML::Node&)>;
  using Method = base::Status (RuleTestReader::*)(const YAML::Node&);

  Take Call(Method method) {
    return [this, method](const YAML::Node& node) { return (this->*method)(node); };
  }
  Take Each(Method method) {
    return [this, method](const YAML::Node& node) { return yaml_->List(node, "entries", Call(method)); };
  }

  base::Status Number32(const YAML::Node& node, int64_t most, int32_t* target) const {
    ASSIGN_OR_RETURN(int64_t number, yaml_->Count(node));
    if (number > most) return yaml_->Expected(node, "a number up to " + std::to_string(most));
    *target = static_cast<int32_t>(number);
    return {};
  }

  base::Status World(const YAML::Node& node) {
    TestWorld& world = test_.world;
    Span step{.steps = 0, .ns = world.step_ns};
    auto take_start = [&](const YAML::Node& value) -> base::Status {
      ASSIGN_OR_RETURN(std::string text, yaml_->Text(value));
      auto start = model::ParseTime(text);
      if (!start) return yaml_->Expected(value, "a time as 2026-11-01T00:00:00Z");
      world.start = *start;
      return {};
    };
    auto take_intervals = [&](const YAML::Node& value) -> base::Status {
      world.intervals.clear();
      return yaml_->List(value, "intervals", [&](const YAML::Node& item) -> base::Status {
        ASSIGN_OR_RETURN(int64_t interval, yaml_->Count(item));
        if (interval < 1 || interval > kMostIntervals) return yaml_->Expected(item, "an interval from 1 to 1000");
        world.intervals.push_back(interval);
        return {};
      });
    };
    RETURN_IF_ERROR(
        yaml_->Map(node, "world",
                   {{"job", yaml_->Into(&world.job)},
                    {"ranks", [&](const YAML::Node& value) { return Number32(value, kMostRanks, &world.ranks); }},
                    {"nodes", [&](const YAML::Node& value) { return Number32(value, kMostRanks, &world.nodes); }},
                    {"groups", [](const YAML::Node&) { return base::Status(); }},
                    {"first_step", yaml_->Into(&world.first_step)},
                    {"step_time", yaml_->Into(&step)},
                    {"start", take_start},
                    {"intervals", take_intervals}}));
    if (step.ns == 0) return yaml_->Wrong(node, "expected step_time in time, as 2s");
    if (world.ranks < 1 || world.nodes < 1) return yaml_->Wrong(node, "expected at least one rank and one node");
    world.step_ns = step.ns;
    return {};
  }

  // loss{rank="0-6"}
  base::Status Selector(const YAML::Node& node, TestSeries* series) const {
    ASSIGN_OR_RETURN(std::string text, yaml_->Text(node));
    Scanner scanner(text);
    series->metric = scanner.Name();
    size_t open = text.find("{rank=\""), close = text.find("\"}");
    if (open != std::string::npos && close != std::string::npos && close > open) {
      auto ranks = model::NumberSet::Parse(std::string_view(text).substr(open + 7, close - open - 7));
      if (!ranks.ok()) return yaml_->Wrong(node, ranks.status().message());
      series->ranks = *std::move(ranks);
    } else if (scanner.SkipBlanks(); !scanner.at_end()) {
      return yaml_->Expected(node, "a series as loss or loss{rank=\"0-6\"}");
    }
    return series->metric.empty() ? yaml_->Expected(node, "a series as loss{rank=\"0-6\"}") : base::Status();
  }

  base::Status Series(const YAML::Node& node) {
    TestSeries series;
    auto take_values = [&](const YAML::Node& value) -> base::Status {
      ASSIGN_OR_RETURN(std::string text, yaml_->Text(value));
      auto values = ParseSeriesValues(text);
      if (!values.ok()) return yaml_->Wrong(value, "in \"" + text + "\", " + values.status().message());
      series.values = *std::move(values);
      return {};
    };
    auto take_noise = [&](const YAML::Node& value) -> base::Status {
      int64_t seed = 1;
      RETURN_IF_ERROR(yaml_->Map(value, "noise",
                                 {{"sd", yaml_->Into(&series.noise)},
                                  {"relative_sd", yaml_->Into(&series.relative_noise)},
                                  {"seed", yaml_->Into(&seed)}}));
      series.seed = static_cast<uint64_t>(seed);
      return {};
    };
    auto take_stream = [&](const YAML::Node& value) -> base::Status {
      static constexpr std::array kStreams = {model::Stream::kMetric, model::Stream::kStdout, model::Stream::kBatch};
      ASSIGN_OR_RETURN(size_t stream, yaml_->Word(value, {"metric", "stdout", "batch"}));
      series.stream = kStreams[stream];
      return {};
    };
    RETURN_IF_ERROR(yaml_->Map(node, "a series",
                               {{"series", [&](const YAML::Node& value) { return Selector(value, &series); }},
                                {"values", take_values},
                                {"noise", take_noise},
                                {"stream", take_stream}}));
    if (series.metric.empty() || series.values.empty())
      return yaml_->Wrong(node, "expected the keys series and values");
    test_.series.push_back(std::move(series));
    return {};
  }

  // step 300, or a time after the start.
  base::Status Moment(const YAML::Node& node, TestLine* line) const {
    ASSIGN_OR_RETURN(std::string text, yaml_->Text(node));
    Scanner scanner(text);
    if (scanner.TakeWord("step")) {
      auto step = scanner.Number();
      if (!step) return yaml_->Expected(node, "a moment as `step 300` or `10m`");
      line->step = static_cast<int64_t>(*step);
      return {};
    }
    ASSIGN_OR_RETURN(Span after, yaml_->Duration(node));
    line->after_ns = after.ns;
    return {};
  }

  base::Status Line(const YAML::Node& node) {
    TestLine line;
    int32_t rank = -1, place = -1;
    auto take_stream = [&](const YAML::Node& value) -> base::Status {
      ASSIGN_OR_RETURN(std::string name, yaml_->Text(value));
      auto stream = model::ParseStream(name);
      if (!stream) return yaml_->Expected(value, "a stream");
      line.stream = *stream;
      return {};
    };
    auto take_fields = [&](const YAML::Node& value) -> base::Status {
      if (!value.IsMap()) return yaml_->Expected(value, "fields, a map");
      for (const auto& entry : value) {
        ASSIGN_OR_RETURN(std::string name, yaml_->Text(entry.first));
        auto number = yaml_->Number(entry.second);
        if (number.ok()) {
          line.fields.emplace_back(name, *number);
        } else {
          ASSIGN_OR_RETURN(std::string text, yaml_->Text(entry.second));
          line.fields.emplace_back(name, std::move(text));
        }
      }
      return {};
    };
    constexpr int64_t kAny = std::numeric_limits<int32_t>::max();
    RETURN_IF_ERROR(yaml_->Map(node, "a line",
                               {{"at", [&](const YAML::Node& value) { return Moment(value, &line); }},
                                {"rank", [&](const YAML::Node& value) { return Number32(value, kAny, &rank); }},
                                {"node", [&](const YAML::Node& value) { return Number32(value, kAny, &place); }},
                                {"stream", take_stream},
                                {"text", yaml_->Into(&line.text)},
                                {"fields", take_fields}}));
    if (rank >= 0) line.rank = rank;
    if (place >= 0) line.node = place;
    if (line.text.empty() && line.fields.empty()) return yaml_->Wrong(node, "expected a key text or fields");
    test_.lines.push_back(std::move(line));
    return {};
  }

  base::Status Pause(const YAML::Node& node) {
    TestPause pause;
    TestLine at;
    Span lasting;
    RETURN_IF_ERROR(yaml_->Map(
        node, "a pause",
        {{"at", [&](const YAML::Node& value) { return Moment(value, &at); }}, {"for", yaml_->Into(&lasting)}}));
    if (!at.step || lasting.ns == 0) return yaml_->Wrong(node, "expected at with a step, and for with a time");
    test_.pauses.push_back({*at.step, lasting.ns});
    return {};
  }

  base::Status Between(const YAML::Node& node, TestExpectation* expectation) const {
    TestLine from, to;
    if (!node.IsSequence() || node.size() != 2) return yaml_->Expected(node, "two steps, as [step 1, step 9]");
    RETURN_IF_ERROR(Moment(node[0], &from));
    RETURN_IF_ERROR(Moment(node[1], &to));
    expectation->from_step = from.step;
    expectation->to_step = to.step;
    return from.step && to.step ? base::Status() : yaml_->Expected(node, "two steps");
  }

  base::Status Ranks(const YAML::Node& node, TestExpectation* expectation) const {
    std::string text;
    RETURN_IF_ERROR(yaml_->List(node, "ranks", [&](const YAML::Node& item) -> base::Status {
      ASSIGN_OR_RETURN(std::string each, yaml_->Text(item));
      text += (text.empty() ? "" : ",") + each;
      return {};
    }));
    auto ranks = model::NumberSet::Parse(text);
    if (!ranks.ok()) return yaml_->Wrong(node, ranks.status().message());
    expectation->ranks = *std::move(ranks);
    return {};
  }

  base::Status Expect(const YAML::Node& node) {
    TestExpectation expectation;
    int64_t count = -1, notifications = -1;
    auto take_state = [&](const YAML::Node& value) -> base::Status {
      ASSIGN_OR_RETURN(size_t state, yaml_->Word(value, {"firing", "resolved", "never"}));
      expectation.state = static_cast<TestExpectation::State>(state);
      return {};
    };
    auto take_labels = [&](const YAML::Node& value) -> base::Status {
      if (!value.IsMap()) return yaml_->Expected(value, "labels, a map");
      for (const auto& entry : value) {
        ASSIGN_OR_RETURN(std::string name, yaml_->Text(entry.first));
        ASSIGN_OR_RETURN(expectation.labels[name], yaml_->Text(entry.second));
      }
      return {};
    };
    RETURN_IF_ERROR(yaml_->Map(node, "an expectation",
                               {{"alert", yaml_->Into(&expectation.rule)},
                                {"state", take_state},
                                {"between", [&](const YAML::Node& value) { return Between(value, &expectation); }},
                                {"ranks", [&](const YAML::Node& value) { return Ranks(value, &expectation); }},
                                {"count", yaml_->Into(&count)},
                                {"exp_labels", take_labels},
                                {"likely", yaml_->Into(&expectation.likely)},
                                {"notifications", yaml_->Into(&notifications)},
                                {"channel", [](const YAML::Node&) { return base::Status(); }}}));
    if (count >= 0) expectation.count = count;
    if (notifications >= 0) expectation.notifications = notifications;
    if (expectation.rule.empty() == !expectation.notifications) {
      return yaml_->Wrong(node, "expected either a key alert or notifications");
    }
    test_.expectations.push_back(std::move(expectation));
    return {};
  }

  const YamlReader* yaml_;
  RuleTest test_;
};

}  // namespace

base::Result<RuleTestFile> ParseRuleTests(const std::string& name, const std::string& yaml) {
  YamlReader reader(name);
  ASSIGN_OR_RETURN(YAML::Node root, reader.Load(yaml));
  RuleTestFile file;
  auto take_tests = [&](const YAML::Node& value) {
    return reader.List(value, "tests", [&](const YAML::Node& item) -> base::Status {
      ASSIGN_OR_RETURN(RuleTest test, RuleTestReader(&reader).Read(item));
      file.tests.push_back(std::move(test));
      return {};
    });
  };
  RETURN_IF_ERROR(
      reader.Map(root, "a test file", {{"rule_files", reader.Into(&file.rule_files)}, {"tests", take_tests}}));
  if (file.tests.empty()) return base::Status::Invalid(name + ": expected a key tests, found no test");
  return file;
}

}  // namespace rankscope::detect
