#pragma once

#include <variant>

#include "model/aggregation.h"

namespace rankscope::model {

// *to = from, without asking twice where both are of the same plain sort, as neighbours in a column are.
inline void Assign(const Cell& from, Cell* to) {
  auto assign = [&]<typename T>(T*) {
    const T* value = std::get_if<T>(&from);
    T* place = std::get_if<T>(to);
    if (value && place) *place = *value;
    return value && place;
  };
  if (assign(static_cast<double*>(nullptr)) || assign(static_cast<int64_t*>(nullptr)) ||
      assign(static_cast<Time*>(nullptr))) {
    return;
  }
  *to = from;
}

}  // namespace rankscope::model
