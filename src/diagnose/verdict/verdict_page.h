#pragma once

#include <string>

#include "diagnose/verdict/verdict.h"

namespace rankscope::diagnose {

// One page for a terminal: what, who, why, the story in order, the evidence quoted. What is quoted cannot control the
// terminal.
std::string ToText(const Verdict& verdict, bool color);

// The same as a page that stands alone: no script, nothing loaded. What is quoted is escaped.
std::string ToHtml(const Verdict& verdict);

}  // namespace rankscope::diagnose
