#pragma once

#include <cstddef>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

// Lists for people, a line an object.
namespace rankscope::cli {

// With blanks behind it, to at least so many cells of a terminal.
std::string Padded(const std::string& text, size_t width);

// "2026-11-24T10:00:00.123Z": of an RFC 3339 time what people read of it; another text is left as it is.
std::string ShownTime(const std::string& time);

// Prints each of `lines`, which are JSON; what `place` says of one is a column as wide as the widest.
void PrintAligned(const std::vector<std::string>& lines,
                  const std::function<std::string(const nlohmann::ordered_json&)>& place,
                  const std::function<void(const nlohmann::ordered_json&, size_t width)>& print);

}  // namespace rankscope::cli
