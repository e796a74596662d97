#include "detect/rules/yaml_reader.h"

#include "detect/scanner.h"

namespace rankscope::detect {

base::Result<Span> YamlReader::Duration(const YAML::Node& node) const {
  ASSIGN_OR_RETURN(std::string text, Text(node));
  auto span = ParseSpan(text);
  if (!span.ok()) return Expected(node, "a duration as 5steps or 10m");
  return span;
}

std::function<base::Status(const YAML::Node&)> YamlReader::Into(Span* target) const {
  return [this, target](const YAML::Node& node) -> base::Status {
    ASSIGN_OR_RETURN(*target, Duration(node));
    return {};
  };
}

}  // namespace rankscope::detect
