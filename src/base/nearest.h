#pragma once

#include <span>
#include <string>
#include <string_view>

namespace rankscope::base {

// " (nearest: KNOWN)" for the known word that the given one is likeliest meant for; empty: none is near.
std::string Nearest(std::string_view word, std::span<const std::string_view> known);

}  // namespace rankscope::base
