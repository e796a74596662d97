#include "detect/rules/foreign_rules.h"

#include <re2/re2.h>

#include <optional>

#include "detect/finding.h"
#include "detect/message.h"
#include "detect/rules/pattern_set.h"
#include "detect/rules/yaml_reader.h"

namespace rankscope::detect {
namespace {

// metric{labels} OP number
const re2::RE2& Comparison() {
  static const re2::RE2 kRegex(
      R"(\s*([A-Za-z_][\w:]*)\s*(\{[^}]*\})?\s*((?:<=|>=|==|!=|<|>)\s*-?[\d.]+(?:[eE][-+]?\d+)?)\s*)");
  return kRegex;
}

// avg_over_time(metric{labels}[10m]) OP number
const re2::RE2& OverTime() {
  static const re2::RE2 kRegex(
      R"(\s*(avg|min|max)_over_time\(\s*([A-Za-z_][\w:]*)\s*(\{[^}]*\})?\s*\[(\d+[smh])\]\s*\)\s*)"
      R"(((?:<=|>=|==|!=|<|>)\s*-?[\d.]+(?:[eE][-+]?\d+)?)\s*)");
  return kRegex;
}

// {labels} |= "text" or |~ `regex`, once
const re2::RE2& LineFilter() {
  static const re2::RE2 kRegex("(\\{[^}]*\\})\\s*(\\|=|\\|~)\\s*(?:\"((?:[^\"\\\\]|\\\\.)*)\"|`([^`]*)`)");
  return kRegex;
}

// How often lines have to come: nothing, or once or more.
const re2::RE2& AnyCount() {
  static const re2::RE2 kRegex(R"(^[^|]*\|[^|]*(?:>\s*0|>=\s*1)\s*$)");
  return kRegex;
}

std::string Unescaped(const std::string& text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\')) ++i;
    plain.push_back(text[i]);
  }
  return plain;
}

struct Translation {
  std::string metric, when, pattern;
  std::string selector;  // of labels, which has no place in our rules
};

std::optional<Translation> TranslateExpression(const std::string& expression, std::string* why) {
  Translation translation;
  std::string operation, limit, span, quoted, raw;
  std::string* metric = &translation.metric;
  std::string* selector = &translation.selector;
  if (re2::RE2::FullMatch(expression, Comparison(), metric, selector, &limit)) {
    translation.when = "value " + limit;
    return translation;
  }
  if (re2::RE2::FullMatch(expression, OverTime(), &operation, metric, selector, &span, &limit)) {
    translation.when = (operation == "avg" ? "mean" : operation) + "(" + *metric + ", " + span + ") " + limit;
    return translation;
  }
  re2::StringPiece rest(expression);
  if (!re2::RE2::FindAndConsume(&rest, LineFilter(), selector, &operation, &quoted, &raw)) {
    *why = "the expression is neither a metric compared with a number nor a filter of lines";
    return std::nullopt;
  }
  bool whole = rest.empty() || re2::RE2::FullMatch(expression, AnyCount());
  if (rest.find('|') != re2::StringPiece::npos || !whole) {
    *why = "of lines, only whether there are any is translated, by one filter";
    return std::nullopt;
  }
  std::string text = raw.empty() ? Unescaped(quoted) : raw;
  translation.pattern = operation == "|=" ? re2::RE2::QuoteMeta(text) : text;
  if (auto number = PatternSet().Add(translation.pattern); !number.ok()) {
    *why = number.status().message();
    return std::nullopt;
  }
  return translation;
}

std::string SeverityOf(const YAML::Node& labels) {
  if (!labels.IsMap() || !labels["severity"] || !labels["severity"].IsScalar()) return "";
  return labels["severity"].Scalar();
}

class Translator {
 public:
  explicit Translator(const std::string& name) : yaml_(name) {}

  base::Result<ForeignRules> Translate(const std::string& text) {
    ASSIGN_OR_RETURN(YAML::Node root, yaml_.Load(text));
    if (!root.IsMap() || !root["groups"]) return yaml_.Expected(root, "a rule file, a map with groups");
    out_ << YAML::BeginMap << YAML::Key << "groups" << YAML::Value << YAML::BeginSeq;
    RETURN_IF_ERROR(yaml_.List(root["groups"], "groups", [this](const YAML::Node& group) { return Group(group); }));
    out_ << YAML::EndSeq << YAML::EndMap;
    rules_.yaml = std::string(out_.c_str()) + "\n";
    return std::move(rules_);
  }

 private:
  base::Status Group(const YAML::Node& group) {
    if (!group.IsMap() || !group["name"] || !group["rules"])
      return yaml_.Expected(group, "a group with name and rules");
    out_ << YAML::BeginMap << YAML::Key << "name" << YAML::Value << group["name"].Scalar();
    out_ << YAML::Key << "rules" << YAML::Value << YAML::BeginSeq;
    RETURN_IF_ERROR(yaml_.List(group["rules"], "rules", [this](const YAML::Node& rule) { return Rule(rule); }));
    out_ << YAML::EndSeq << YAML::EndMap;
    return {};
  }

  base::Status Rule(const YAML::Node& rule) {
    if (!rule.IsMap()) return yaml_.Expected(rule, "a rule, a map");
    if (!rule["alert"]) {
      LeaveOut(rule, rule["record"] ? rule["record"].Scalar() : "a rule", "it records and does not alert");
      return {};
    }
    if (!rule["expr"]) return yaml_.Expected(rule, "a rule with an expr");
    ASSIGN_OR_RETURN(std::string name, yaml_.Text(rule["alert"]));
    ASSIGN_OR_RETURN(std::string expression, yaml_.Text(rule["expr"]));
    std::string why;
    auto translation = TranslateExpression(expression, &why);
    if (translation) {
      Write(name, *translation, rule);
    } else {
      LeaveOut(rule, name, why + ": " + expression);
    }
    return {};
  }

  void LeaveOut(const YAML::Node& rule, const std::string& name, const std::string& why) {
    rules_.left_out.push_back(yaml_.Place(rule) + ": " + name + ": " + why);
  }

  void Write(const std::string& name, const Translation& translation, const YAML::Node& rule) {
    if (translation.selector.size() > 2) {
      LeaveOut(rule, name, "it is now of every job and rank, without " + translation.selector);
    }
    out_ << YAML::BeginMap << YAML::Key << "alert" << YAML::Value << name;
    if (translation.pattern.empty()) {
      out_ << YAML::Key << "metric" << YAML::Value << translation.metric;
      out_ << YAML::Key << "when" << YAML::Value << translation.when;
      if (rule["for"]) out_ << YAML::Key << "for" << YAML::Value << rule["for"];
    } else {
      out_ << YAML::Key << "match" << YAML::Value << YAML::SingleQuoted << translation.pattern;
      if (rule["for"]) LeaveOut(rule, name, "for, since a line does not last, is left out");
    }
    if (rule["keep_firing_for"]) out_ << YAML::Key << "keep_firing_for" << YAML::Value << rule["keep_firing_for"];
    WriteLabels(name, rule);
    WriteSummary(name, rule);
    out_ << YAML::EndMap;
  }

  // Severities of their own (`page`) would have the file refused; what is left out makes a warning.
  void WriteLabels(const std::string& name, const YAML::Node& rule) {
    const YAML::Node theirs = rule["labels"];
    if (!theirs) return;
    YAML::Node labels = YAML::Clone(theirs);
    if (const std::string own = SeverityOf(theirs); !own.empty() && !ParseSeverity(own)) {
      LeaveOut(rule, name, "its severity is none of info, warning and critical, and left out: " + own);
      labels.remove("severity");
    }
    out_ << YAML::Key << "labels" << YAML::Value << labels;
  }

  // Their templates are a language of its own, of which a few words have a match here.
  static std::string OwnTemplates(std::string text) {
    static const re2::RE2 kValue(R"(\{\{\s*\$value\s*(?:\|[^}]*)?\}\})");
    static const re2::RE2 kLabel(R"(\{\{\s*\$labels\.(job|node|rank)\s*\}\})");
    re2::RE2::GlobalReplace(&text, kValue, "{{ value }}");
    re2::RE2::GlobalReplace(&text, kLabel, R"({{ \1 }})");
    return text;
  }

  void WriteSummary(const std::string& name, const YAML::Node& rule) {
    const YAML::Node notes = rule["annotations"];
    if (!notes || !notes.IsMap()) return;
    for (const char* key : {"summary", "description", "message"}) {
      if (!notes[key] || !notes[key].IsScalar()) continue;
      const std::string text = OwnTemplates(notes[key].Scalar());
      if (!CheckMessage(text).ok()) {
        LeaveOut(rule, name, std::string("its ") + key + " has templates that are not ours: " + text);
        continue;
      }
      out_ << YAML::Key << "annotations" << YAML::Value << YAML::BeginMap;
      out_ << YAML::Key << "summary" << YAML::Value << YAML::DoubleQuoted << text << YAML::EndMap;
      return;
    }
  }

  const YamlReader yaml_;
  YAML::Emitter out_;
  ForeignRules rules_;
};

}  // namespace

base::Result<ForeignRules> TranslateRules(const std::string& name, const std::string& yaml) {
  try {
    return Translator(name).Translate(yaml);
  } catch (const YAML::Exception& error) {
    return base::Status::Invalid(name + ": " + error.what());
  }
}

}  // namespace rankscope::detect
