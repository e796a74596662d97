#pragma once

#include <yaml-cpp/yaml.h>

#include "base/status.h"
#include "detect/rules/rule.h"
#include "detect/rules/yaml_reader.h"

namespace rankscope::detect {

// The conditions of a rule, as they stand in YAML: the value of match:, detector:, peers:, silence: and join:.
// A metric rule has its keys beside the others, see rule_file.cc.
class ConditionReader {
 public:
  explicit ConditionReader(const YamlReader* yaml) : yaml_(yaml) {}

  base::Result<LineCondition> Line(const YAML::Node& node) const;
  base::Result<DetectorCondition> Detector(const YAML::Node& node) const;
  base::Result<PeersCondition> Peers(const YAML::Node& node) const;
  base::Result<SilenceCondition> Silence(const YAML::Node& node) const;
  base::Result<JoinCondition> Join(const YAML::Node& node) const;

  base::Result<When> Expression(const YAML::Node& node, Vocabulary vocabulary) const;
  base::Result<Per> Scope(const YAML::Node& node) const;  // job, node, rank

 private:
  base::Result<Fact> OneFact(const YAML::Node& node, double* by) const;
  base::Status Facts(const YAML::Node& node, std::vector<Fact>* facts) const;
  base::Status Shifts(const YAML::Node& node, double sign, std::vector<LikelyCause::Shift>* shifts) const;
  base::Result<LikelyCause> Cause(const YAML::Node& node) const;
  base::Status Streams(const YAML::Node& node, std::vector<model::Stream>* streams) const;
  base::Status Probability(const YAML::Node& node, double* target) const;

  const YamlReader* yaml_;
};

}  // namespace rankscope::detect
