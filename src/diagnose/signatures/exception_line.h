#pragma once

#include <string_view>

namespace rankscope::diagnose {

// Begins the line in which a traceback names its exception, as exceptions are named.
inline constexpr std::string_view kException =
    R"(^(?:[\w.]+\.)?[A-Z]\w*(?:Error|Exception|Interrupt|Exit|Iteration|Fault|Failure|Timeout|Invalid)(?::|$))";

}  // namespace rankscope::diagnose
