#pragma once

#include "base/yaml_reader.h"
#include "detect/detectors/series_window.h"

namespace rankscope::detect {

// Reads rule files: beside what every file has, durations in steps or in time.
class YamlReader : public base::YamlReader {
 public:
  using base::YamlReader::Into;
  using base::YamlReader::YamlReader;

  base::Result<Span> Duration(const YAML::Node& node) const;
  std::function<base::Status(const YAML::Node&)> Into(Span* target) const;
};

}  // namespace rankscope::detect
