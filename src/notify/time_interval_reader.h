#pragma once

#include "base/yaml_reader.h"
#include "notify/time_interval.h"

namespace rankscope::notify {

// One item of `time_intervals`: times, weekdays, days_of_month, months, years, location. kInvalid: where and what.
base::Result<TimeInterval> ReadTimeInterval(const base::YamlReader& reader, const YAML::Node& node);

}  // namespace rankscope::notify
