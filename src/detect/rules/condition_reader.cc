#include "detect/rules/condition_reader.h"

#include <optional>

#include "detect/detectors/detector.h"
#include "detect/rules/pattern_set.h"

namespace rankscope::detect {
namespace {

std::string DetectorNames() {
  std::string names;
  for (const DetectorKind& kind : DetectorKinds()) names += (names.empty() ? "" : ", ") + std::string(kind.name);
  return names;
}

std::string Quoted(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "\"" : " or \"") + text + "\"";
  return all;
}

}  // namespace

base::Result<When> ConditionReader::Expression(const YAML::Node& node, Vocabulary vocabulary) const {
  ASSIGN_OR_RETURN(std::string text, yaml_->Text(node));
  auto when = When::Parse(text, vocabulary);
  if (!when.ok()) return yaml_->Wrong(node, "in \"" + text + "\", " + when.status().message());
  return when;
}

base::Result<Per> ConditionReader::Scope(const YAML::Node& node) const {
  ASSIGN_OR_RETURN(size_t word, yaml_->Word(node, {"job", "node", "rank"}));
  return static_cast<Per>(word);
}

base::Status ConditionReader::Streams(const YAML::Node& node, std::vector<model::Stream>* streams) const {
  ASSIGN_OR_RETURN(auto names, yaml_->Texts(node));
  for (const std::string& name : names) {
    auto stream = model::ParseStream(name);
    if (!stream) return yaml_->Expected(node, "streams (stdout, stderr, metric, batch, event, host, gpu, stack)");
    streams->push_back(*stream);
  }
  return {};
}

base::Result<LineCondition> ConditionReader::Line(const YAML::Node& node) const {
  LineCondition line;
  if (node.IsMap()) {
    auto take_streams = [&](const YAML::Node& value) { return Streams(value, &line.streams); };
    RETURN_IF_ERROR(yaml_->Map(node, "match", {{"any", yaml_->Into(&line.patterns)}, {"streams", take_streams}}));
  } else {
    ASSIGN_OR_RETURN(line.patterns, yaml_->Texts(node));
  }
  if (line.patterns.empty()) return yaml_->Wrong(node, "expected a key any with the patterns, found none");
  for (const std::string& pattern : line.patterns) {
    auto number = PatternSet().Add(pattern);
    if (!number.ok()) return yaml_->Wrong(node, number.status().message());
  }
  return line;
}

base::Result<DetectorCondition> ConditionReader::Detector(const YAML::Node& node) const {
  DetectorCondition condition;
  const YAML::Node name = node.IsMap() ? node["kind"] : YAML::Node();
  if (!name) return yaml_->Expected(node, "detector, a map with kind and metric");
  ASSIGN_OR_RETURN(condition.detector, yaml_->Text(name));
  const DetectorKind* kind = FindDetectorKind(condition.detector);
  if (!kind) return yaml_->Expected(name, "one of " + DetectorNames());
  std::vector<YamlReader::Key> keys = {{"kind", [](const YAML::Node&) { return base::Status(); }},
                                       {"metric", yaml_->Into(&condition.metric)}};
  for (const auto& parameter : kind->parameters) {
    double& value = condition.parameters[std::string(parameter.name)];
    value = parameter.value;
    keys.push_back({parameter.name, yaml_->Into(&value)});
  }
  RETURN_IF_ERROR(yaml_->Map(node, "the detector " + condition.detector, keys));
  if (condition.metric.empty()) return yaml_->Wrong(node, "expected a key metric, found none");
  return condition;
}

base::Status ConditionReader::Probability(const YAML::Node& node, double* target) const {
  ASSIGN_OR_RETURN(*target, yaml_->Number(node));
  return *target >= 0 && *target <= 1 ? base::Status() : yaml_->Expected(node, "a number from 0 to 1");
}

base::Result<PeersCondition> ConditionReader::Peers(const YAML::Node& node) const {
  PeersCondition peers;
  std::optional<When> when;
  auto take_when = [&](const YAML::Node& value) -> base::Status {
    ASSIGN_OR_RETURN(when, Expression(value, Vocabulary::kPeers));
    return {};
  };
  auto take_group = [&](const YAML::Node& value) -> base::Status {
    ASSIGN_OR_RETURN(size_t word, yaml_->Word(value, {"job", "node", "data_parallel"}));
    peers.group = static_cast<detect::Peers>(word);
    return {};
  };
  RETURN_IF_ERROR(
      yaml_->Map(node, "peers",
                 {{"metric", yaml_->Into(&peers.metric)},
                  {"group", take_group},
                  {"when", take_when},
                  {"for", yaml_->Into(&peers.lasting)},
                  {"min_peers", yaml_->Into(&peers.min_peers)},
                  {"max_fraction", [&](const YAML::Node& v) { return Probability(v, &peers.max_fraction); }}}));
  if (peers.metric.empty() || !when) return yaml_->Wrong(node, "expected the keys metric and when, found not both");
  if (peers.lasting.ns > 0) return yaml_->Wrong(node, "expected for in steps: peers are compared step by step");
  peers.when = *std::move(when);
  return peers;
}

base::Result<SilenceCondition> ConditionReader::Silence(const YAML::Node& node) const {
  SilenceCondition silence;
  auto take_of = [&](const YAML::Node& value) -> base::Status {
    ASSIGN_OR_RETURN(size_t word, yaml_->Word(value, {"records", "steps"}));
    silence.steps = word == 1;
    return {};
  };
  RETURN_IF_ERROR(yaml_->Map(node, "silence",
                             {{"of", take_of},
                              {"times", yaml_->Into(&silence.times)},
                              {"at_least", yaml_->Into(&silence.at_least)},
                              {"unspoken", yaml_->Into(&silence.unspoken)}}));
  if (silence.at_least.ns == 0) return yaml_->Wrong(node, "expected a key at_least with a time, found none");
  return silence;
}

base::Result<Fact> ConditionReader::OneFact(const YAML::Node& node, double* by) const {
  Fact fact;
  std::optional<LineCondition> line;
  MetricCondition metric;
  FindingCondition finding;
  bool compares = false;
  auto take_line = [&](const YAML::Node& value) -> base::Status {
    ASSIGN_OR_RETURN(line, Line(value));
    return {};
  };
  auto take_when = [&](const YAML::Node& value) -> base::Status {
    ASSIGN_OR_RETURN(metric.when, Expression(value, Vocabulary::kSeries));
    compares = true;
    return {};
  };
  std::vector<YamlReader::Key> keys = {
      {"match", take_line},
      {"metric", yaml_->Into(&metric.metric)},
      {"when", take_when},
      {"for", yaml_->Into(&metric.lasting)},
      {"rule", yaml_->Into(&finding.rules)},
      {"class", yaml_->Into(&finding.classes)},
      {"count", yaml_->Into(&fact.count)},
  };
  if (by) keys.push_back({"by", [&](const YAML::Node& value) { return Probability(value, by); }});
  RETURN_IF_ERROR(yaml_->Map(node, "a fact", keys));
  bool found = !finding.rules.empty() || !finding.classes.empty();
  bool measured = compares && !metric.metric.empty();
  if (int{line.has_value()} + int{measured} + int{found} != 1 || (!measured && (compares || !metric.metric.empty()))) {
    return yaml_->Wrong(node, "expected exactly one of match, metric with when, rule or class");
  }
  if (fact.count == 0) return yaml_->Wrong(node, "expected a count of at least 1");
  if (line) {
    fact.text = Quoted(line->patterns);
    fact.condition = *std::move(line);
  } else if (measured) {
    fact.text = metric.metric + ": " + metric.when.text();
    fact.condition = std::move(metric);
  } else {
    fact.text = Quoted(finding.rules.empty() ? finding.classes : finding.rules);
    fact.condition = std::move(finding);
  }
  return fact;
}

base::Status ConditionReader::Facts(const YAML::Node& node, std::vector<Fact>* facts) const {
  return yaml_->List(node, "facts", [&](const YAML::Node& item) -> base::Status {
    ASSIGN_OR_RETURN(Fact fact, OneFact(item, nullptr));
    facts->push_back(std::move(fact));
    return {};
  });
}

base::Status ConditionReader::Shifts(const YAML::Node& node, double sign,
                                     std::vector<LikelyCause::Shift>* shifts) const {
  return yaml_->List(node, "facts", [&](const YAML::Node& item) -> base::Status {
    LikelyCause::Shift shift;
    ASSIGN_OR_RETURN(shift.fact, OneFact(item, &shift.by));
    shift.by *= sign;
    shifts->push_back(std::move(shift));
    return {};
  });
}

base::Result<LikelyCause> ConditionReader::Cause(const YAML::Node& node) const {
  LikelyCause cause;
  RETURN_IF_ERROR(
      yaml_->Map(node, "a likely cause",
                 {{"cause", yaml_->Into(&cause.cause)},
                  {"why", yaml_->Into(&cause.why)},
                  {"probability", [&](const YAML::Node& value) { return Probability(value, &cause.probability); }},
                  {"raised_by", [&](const YAML::Node& value) { return Shifts(value, 1, &cause.shifts); }},
                  {"lowered_by", [&](const YAML::Node& value) { return Shifts(value, -1, &cause.shifts); }}}));
  if (cause.cause.empty()) return yaml_->Wrong(node, "expected a key cause, found none");
  return cause;
}

base::Result<JoinCondition> ConditionReader::Join(const YAML::Node& node) const {
  JoinCondition join;
  auto facts = [&](std::vector<Fact>* target) {
    return [this, target](const YAML::Node& value) { return Facts(value, target); };
  };
  auto take_same = [&](const YAML::Node& value) -> base::Status {
    ASSIGN_OR_RETURN(join.same, Scope(value.IsSequence() && value.size() == 1 ? value[0] : value));
    return {};
  };
  auto take_likely = [&](const YAML::Node& value) {
    return yaml_->List(value, "likely causes", [&](const YAML::Node& item) -> base::Status {
      ASSIGN_OR_RETURN(LikelyCause cause, Cause(item));
      join.likely.push_back(std::move(cause));
      return {};
    });
  };
  RETURN_IF_ERROR(yaml_->Map(node, "join",
                             {{"all_of", facts(&join.all_of)},
                              {"any_of", facts(&join.any_of)},
                              {"none_of", facts(&join.none_of)},
                              {"followed_by", facts(&join.followed_by)},
                              {"within", yaml_->Into(&join.within)},
                              {"for", yaml_->Into(&join.lasting)},
                              {"same", take_same},
                              {"likely", take_likely}}));
  if (join.all_of.empty() && join.any_of.empty()) return yaml_->Wrong(node, "expected all_of or any_of, found neither");
  if (join.lasting.steps > 0) return yaml_->Wrong(node, "expected for in time, as 60s: a joint rule has no steps");
  if (join.within.ns == 0) return yaml_->Wrong(node, "expected a key within with a time, as 10m");
  return join;
}

}  // namespace rankscope::detect
