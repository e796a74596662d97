#include "detect/rules/rule_file.h"

#include <algorithm>
#include <array>
#include <optional>

#include "detect/message.h"
#include "detect/rules/condition_reader.h"
#include "detect/rules/pattern_set.h"
#include "detect/rules/yaml_reader.h"
#include "detect/scanner.h"
#include "model/action.h"

namespace rankscope::detect {
namespace {

using Labels = std::map<std::string, std::string>;
constexpr std::array<std::string_view, 3> kRoles = {"cause", "symptom", "cascade"};

// Reads one rule: the keys into members, then one condition out of them.
class RuleReader {
 public:
  RuleReader(const YamlReader* yaml, const Labels& group_labels)
      : yaml_(yaml), conditions_(yaml), labels_(group_labels) {}

  base::Result<Rule> Read(const YAML::Node& node) {
    RETURN_IF_ERROR(yaml_->Map(node, "a rule", Keys()));
    if (rule_.name.empty()) return yaml_->Wrong(node, "expected a key alert with the rule's name, found none");
    rule_.place = yaml_->Place(node);
    RETURN_IF_ERROR(TakeCondition(node));
    RETURN_IF_ERROR(TakeLabels(node));
    RETURN_IF_ERROR(CheckLookBack(node));
    return std::move(rule_);
  }

 private:
  using Take = std::function<base::Status(const YAML::Node&)>;

  std::vector<YamlReader::Key> Keys() {
    return {
        {"alert", yaml_->Into(&rule_.name)},
        {"match", Into(&line_, &ConditionReader::Line)},
        {"metric", yaml_->Into(&metric_)},
        {"when", Series(&when_)},
        {"expr", Series(&expr_)},
        {"detector", Into(&detector_, &ConditionReader::Detector)},
        {"peers", Into(&peers_, &ConditionReader::Peers)},
        {"silence", Into(&silence_, &ConditionReader::Silence)},
        {"join", Into(&join_, &ConditionReader::Join)},
        {"for", yaml_->Into(&lasting_)},
        {"keep_firing_for", yaml_->Into(&rule_.keep_firing)},
        {"resolve_when", Series(&rule_.resolve_when)},
        {"per", [this](const YAML::Node& value) { return TakePer(value); }},
        {"look_back", [this](const YAML::Node& value) { return TakeLookBack(value); }},
        {"ignore", [this](const YAML::Node& value) { return TakeIgnored(value); }},
        {"labels", [this](const YAML::Node& value) { return AddLabels(value); }},
        {"action", [this](const YAML::Node& value) { return TakeAction(value); }},
        {"annotations", [this](const YAML::Node& value) { return TakeAnnotations(value); }},
    };
  }

  template <typename Target>
  Take Into(std::optional<Target>* target, base::Result<Target> (ConditionReader::*read)(const YAML::Node&) const) {
    return [this, target, read](const YAML::Node& value) -> base::Status {
      ASSIGN_OR_RETURN(*target, (conditions_.*read)(value));
      return {};
    };
  }

  Take Series(std::optional<When>* target) {
    return [this, target](const YAML::Node& value) -> base::Status {
      ASSIGN_OR_RETURN(*target, conditions_.Expression(value, Vocabulary::kSeries));
      return {};
    };
  }

  base::Status TakePer(const YAML::Node& value) {
    ASSIGN_OR_RETURN(rule_.per, conditions_.Scope(value));
    return {};
  }

  // from_line(GROUP): the milliseconds that a named group of the pattern holds.
  base::Status TakeLookBack(const YAML::Node& value) {
    ASSIGN_OR_RETURN(std::string text, yaml_->Text(value));
    Scanner scanner(text);
    if (scanner.TakeWord("from_line") && scanner.Take("(")) look_back_ = scanner.Name();
    if (look_back_.empty() || !scanner.Take(")")) return yaml_->Expected(value, "from_line(NAME OF A GROUP)");
    return {};
  }

  // eval, checkpoint, {warmup: 200steps}; the first two are told apart by nobody yet: both are pauses of training.
  base::Status TakeIgnored(const YAML::Node& value) {
    return yaml_->List(value, "what to ignore", [this](const YAML::Node& item) -> base::Status {
      if (item.IsMap()) {
        Span warmup;
        RETURN_IF_ERROR(yaml_->Map(item, "what to ignore", {{"warmup", yaml_->Into(&warmup)}}));
        if (warmup.steps == 0) return yaml_->Expected(item, "warmup in steps");
        rule_.warmup_steps = warmup.steps;
        return {};
      }
      ASSIGN_OR_RETURN(size_t ignored, yaml_->Word(item, {"eval", "checkpoint"}));
      (void)ignored;
      rule_.ignore_disturbed = true;
      return {};
    });
  }

  base::Status AddLabels(const YAML::Node& value) {
    if (!value.IsMap()) return yaml_->Expected(value, "labels, a map");
    for (const auto& entry : value) {
      ASSIGN_OR_RETURN(std::string name, yaml_->Text(entry.first));
      ASSIGN_OR_RETURN(labels_[name], yaml_->Text(entry.second));
    }
    return {};
  }

  base::Status TakeAction(const YAML::Node& value) {
    RETURN_IF_ERROR(yaml_->Into(&rule_.action)(value));
    auto action = model::ParseAction(rule_.action);
    return action.ok() ? base::Status() : yaml_->Wrong(value, action.status().message());
  }

  base::Status TakeAnnotations(const YAML::Node& value) {
    RETURN_IF_ERROR(yaml_->Map(value, "annotations",
                               {{"summary", yaml_->Into(&rule_.summary)}, {"runbook", yaml_->Into(&rule_.runbook)}}));
    base::Status status = CheckMessage(rule_.summary);
    return status.ok() ? status : yaml_->Wrong(value, status.message());
  }

  base::Status TakeCondition(const YAML::Node& node) {
    int kinds = int{line_.has_value()} + int{!metric_.empty()} + int{expr_.has_value()} + int{detector_.has_value()} +
                int{peers_.has_value()} + int{silence_.has_value()} + int{join_.has_value()};
    if (kinds != 1) {
      return yaml_->Wrong(node, "expected exactly one of match, metric, expr, detector, peers, silence, join; found " +
                                    std::to_string(kinds));
    }
    bool measured = !metric_.empty() || expr_;
    if (!metric_.empty() && !when_) return yaml_->Wrong(node, "expected a key when beside metric, found none");
    if (metric_.empty() && when_) return yaml_->Wrong(node, "expected no when without metric");
    if (!lasting_.empty() && !measured)
      return yaml_->Wrong(node, "expected no for here: it is of metric and expr rules");
    if (rule_.resolve_when && !measured) return yaml_->Wrong(node, "expected resolve_when in metric rules alone");
    if (!look_back_.empty() && !line_) return yaml_->Wrong(node, "expected look_back in match rules alone");
    if (line_) {
      line_->look_back_group = look_back_;
      rule_.condition = *std::move(line_);
    } else if (measured) {
      rule_.condition = MetricCondition{metric_, expr_ ? *expr_ : *when_, lasting_};
    } else if (detector_) {
      rule_.condition = *std::move(detector_);
    } else if (peers_) {
      rule_.condition = *std::move(peers_);
      rule_.per = Per::kRank;
    } else if (silence_) {
      rule_.per = silence_->steps ? Per::kJob : Per::kRank;
      rule_.condition = *silence_;
    } else {
      rule_.per = join_->same;
      rule_.condition = *std::move(join_);
    }
    return {};
  }

  base::Status TakeLabels(const YAML::Node& node) {
    rule_.finding_class = "log_pattern";
    for (auto& [name, value] : labels_) {
      if (name == "severity") {
        auto severity = ParseSeverity(value);
        if (!severity)
          return yaml_->Wrong(node, "expected severity info, warning or critical, found \"" + value + "\"");
        rule_.severity = *severity;
      } else if (name == "class") {
        rule_.finding_class = value;
      } else if (name == "role") {
        bool known = std::find(kRoles.begin(), kRoles.end(), value) != kRoles.end();
        if (!known) return yaml_->Wrong(node, "expected role cause, symptom or cascade, found \"" + value + "\"");
        rule_.role = value;
      } else {
        rule_.labels.emplace(name, value);
      }
    }
    return {};
  }

  base::Status CheckLookBack(const YAML::Node& node) const {
    const auto* line = std::get_if<LineCondition>(&rule_.condition);
    if (!line || line->look_back_group.empty()) return {};
    for (const std::string& pattern : line->patterns) {
      PatternSet alone;
      auto number = alone.Add(pattern);
      if (number.ok() && alone.HasGroup(*number, line->look_back_group)) continue;
      return yaml_->Wrong(node["match"],
                          "expected a group (?P<" + line->look_back_group + ">…) in \"" + pattern + "\", found none");
    }
    return {};
  }

  const YamlReader* yaml_;
  const ConditionReader conditions_;
  Labels labels_;
  Rule rule_;
  std::optional<LineCondition> line_;
  std::optional<DetectorCondition> detector_;
  std::optional<PeersCondition> peers_;
  std::optional<SilenceCondition> silence_;
  std::optional<JoinCondition> join_;
  std::optional<When> when_, expr_;
  std::string metric_, look_back_;
  Span lasting_;
};

base::Status ReadGroup(const YamlReader& yaml, const YAML::Node& node, std::vector<Rule>* rules) {
  std::string name;
  Labels labels;
  YAML::Node listed;
  auto take_labels = [&](const YAML::Node& value) -> base::Status {
    if (!value.IsMap()) return yaml.Expected(value, "labels, a map");
    for (const auto& entry : value) {
      ASSIGN_OR_RETURN(std::string key, yaml.Text(entry.first));
      ASSIGN_OR_RETURN(labels[key], yaml.Text(entry.second));
    }
    return {};
  };
  auto take_rules = [&](const YAML::Node& value) {
    listed.reset(value);
    return base::Status();
  };
  RETURN_IF_ERROR(
      yaml.Map(node, "a group", {{"name", yaml.Into(&name)}, {"labels", take_labels}, {"rules", take_rules}}));
  if (name.empty()) return yaml.Wrong(node, "expected a key name, found none");
  if (listed.IsNull()) return yaml.Wrong(node, "expected a key rules, found none");
  return yaml.List(listed, "rules", [&](const YAML::Node& item) -> base::Status {
    ASSIGN_OR_RETURN(Rule rule, RuleReader(&yaml, labels).Read(item));
    rules->push_back(std::move(rule));
    return {};
  });
}

}  // namespace

base::Result<std::vector<Rule>> ParseRuleFile(const std::string& name, const std::string& yaml) {
  YamlReader reader(name);
  ASSIGN_OR_RETURN(YAML::Node root, reader.Load(yaml));
  std::vector<Rule> rules;
  auto take_groups = [&](const YAML::Node& value) {
    return reader.List(value, "groups", [&](const YAML::Node& item) { return ReadGroup(reader, item, &rules); });
  };
  RETURN_IF_ERROR(reader.Map(root, "a rule file", {{"groups", take_groups}}));
  return rules;
}

}  // namespace rankscope::detect
