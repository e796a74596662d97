#pragma once

#include <string_view>

#include "model/record_view.h"

namespace rankscope::parse {

// Sets kind and value from a JSON number: an integer that int64_t holds, else the nearest double, with its decimal
// digits where they are few enough to stand for it exactly. False: the text is no number.
bool ParseJsonNumber(std::string_view text, model::FieldView* field);

}  // namespace rankscope::parse
