#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "model/record.h"

namespace rankscope::model {

// A field whose bytes lie in somebody else's memory.
struct FieldView {
  enum class Kind : uint8_t { kDouble, kInteger, kText };

  std::string_view name;
  Kind kind = Kind::kDouble;
  // kDouble: `number` is the value. Where its decimal form is known, decimals >= 0 and number == integer / 10^decimals;
  // columns take it as it is, without looking for it again.
  int8_t decimals = -1;
  double number = 0;
  int64_t integer = 0;  // of kInteger: the value; of a decimal kDouble: all its digits
  std::string_view text;

  FieldValue Value() const;
};

// A record whose texts lie in a batch's arena: valid as long as the batch, and until the cursor that filled it moves.
struct RecordView {
  const Origin* origin = nullptr;
  uint32_t origin_index = 0;  // in the batch's table
  Stream stream = Stream::kStdout;
  base::TimeNs time = 0;
  uint64_t seq = 0;
  std::optional<int64_t> step;
  std::string_view level, text;
  std::vector<FieldView> fields;

  const FieldView* FindField(std::string_view name) const;
  // Overwrites *record, whose strings keep their memory.
  void CopyTo(Record* record) const;
};

// The mantissa and decimals (0 to 18) of a double that is exactly integer / 10^decimals; false where there is none
// with an integer below 2^53.
bool FindDecimal(double value, int64_t* integer, int8_t* decimals);
// integer / 10^decimals. REQUIRES 0 <= decimals <= 18.
double DecimalValue(int64_t integer, int decimals);

}  // namespace rankscope::model
