#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/record_view.h"
#include "store/columns/text_column.h"

namespace rankscope::store {

// The values of one field: integers, decimals as scaled integers, other doubles as they are, texts; mixed as they come.
void EncodeFields(const std::vector<model::FieldView>& values, std::string* out);

struct FieldColumn {
  std::vector<model::FieldView> values;  // without names
  Texts texts;
};
// False when the bytes are not `count` values.
bool DecodeFields(std::string_view bytes, size_t count, FieldColumn* column);

// The same as numbers alone.
struct NumberColumn {
  bool integers = false;        // all are; else all in `doubles`
  std::vector<int64_t> whole;   // where integers
  std::vector<double> doubles;  // where not
};
// False also where some value is a text, or integers and others are mixed.
bool DecodeNumbers(std::string_view bytes, size_t count, NumberColumn* column);

}  // namespace rankscope::store
