#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rankscope::notify {

// Cutting and escaping of what goes into messages. A cut text ends in "…", which counts, and never within a character;
// bytes that are no UTF-8 count as characters of one byte.

std::string CutBytes(std::string_view text, size_t most_bytes);
std::string CutRunes(std::string_view text, size_t most_runes);
size_t CountRunes(std::string_view text);

// As model::Shown.
std::string OneLine(std::string_view text);
// `& < >` as Slack and Feishu want them, so that no text mentions people or makes tags.
std::string EscapeAngles(std::string_view text);
// A backslash before each character that Markdown takes for more than itself; no mentions, no tags.
std::string EscapeMarkdown(std::string_view text);

}  // namespace rankscope::notify
