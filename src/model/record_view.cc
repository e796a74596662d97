#include "model/record_view.h"

#include <cmath>

namespace rankscope::model {
namespace {

constexpr double kPowers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                              1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
constexpr int kMaxDecimals = 18;
constexpr double kExact = 9007199254740992.0;  // 2^53

}  // namespace

double DecimalValue(int64_t integer, int decimals) { return static_cast<double>(integer) / kPowers[decimals]; }

bool FindDecimal(double value, int64_t* integer, int8_t* decimals) {
  if (value == 0 && std::signbit(value)) return false;
  for (int i = 0; i <= kMaxDecimals; ++i) {
    double scaled = std::nearbyint(value * kPowers[i]);
    if (!(std::fabs(scaled) < kExact)) return false;
    if (scaled / kPowers[i] != value) continue;
    *integer = static_cast<int64_t>(scaled);
    *decimals = static_cast<int8_t>(i);
    return true;
  }
  return false;
}

FieldValue FieldView::Value() const {
  switch (kind) {
    case Kind::kDouble:
      return number;
    case Kind::kInteger:
      return integer;
    case Kind::kText:
      break;
  }
  return std::string(text);
}

const FieldView* RecordView::FindField(std::string_view name) const {
  for (const FieldView& field : fields) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

void RecordView::CopyTo(Record* record) const {
  if (!(record->origin == *origin)) record->origin = *origin;
  record->stream = stream;
  record->time = time;
  record->seq = seq;
  record->step = step;
  record->level = level;
  record->text = text;
  record->fields.resize(fields.size());
  for (size_t i = 0; i < fields.size(); ++i) {
    auto& [name, value] = record->fields[i];
    name = fields[i].name;
    auto* held = std::get_if<std::string>(&value);
    if (fields[i].kind == FieldView::Kind::kText && held) {
      *held = fields[i].text;
    } else {
      value = fields[i].Value();
    }
  }
}

}  // namespace rankscope::model
