#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace rankscope::detect {

// Texts with {{ names }} in them, as in Prometheus' annotations; what each name stands for is in docs/rules.md.

// kInvalid: a name that is not known, or {{ without }}.
base::Status CheckMessage(std::string_view text);

// Replaces each name by what `value` gives for it. REQUIRES CheckMessage.
std::string FillMessage(std::string_view text, const std::function<std::string(std::string_view name)>& value);

}  // namespace rankscope::detect
