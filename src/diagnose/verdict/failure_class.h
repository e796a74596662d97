#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace rankscope::diagnose {

// What a class of failure means, and what to do. Its name is an interface: JSON, docs/failures/NAME.md, rules and
// incidents use it.
struct FailureClass {
  std::string_view name;
  std::string_view meaning;              // "the GPU's memory did not suffice"
  std::vector<std::string_view> advice;  // most useful first
};

std::span<const FailureClass> FailureClasses();
// Null: no such class.
const FailureClass* FindFailureClass(std::string_view name);
// Of a job that lives: it can save before it is ended.
bool IsSlowness(std::string_view name);

}  // namespace rankscope::diagnose
