#pragma once

#include <string_view>

#include "model/record_view.h"

namespace rankscope::parse {

// Sets kind and value from a JSON number: an integer that int64_t holds; a larger one as its text, since a double would
// not have all digits; else the nearest double, with its decimal digits where they are few enough to stand for it
// exactly. False: the text is no number. REQUIRES the text outlives the field.
bool ParseJsonNumber(std::string_view text, model::FieldView* field);

}  // namespace rankscope::parse
