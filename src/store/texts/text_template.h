#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rankscope::store {

// A line with its variables taken out. A template is the line's bytes with one marker byte (a control character that
// texts rarely hold) in the place of each variable; a text that holds such a byte, is long, or has very many variables
// is not split at all. Joining gives the very bytes that were split.
enum class Slot : uint8_t {
  kInteger = 0x10,  // digits, at most 18: value, length (leading zeros)
  kDecimal,         // digits.digits: all digits as an integer, how many are decimals
  kScientific,      // digits.digits e sign two digits: likewise, and the exponent
  kHexLower,        // [0-9a-f]+ with a letter, or anything of it behind 0x: text
  kHexUpper,        // [0-9A-F]+ likewise
  kUuid,            // 8-4-4-4-12 of [0-9a-f]: 16 bytes
  kWord,            // what is left of letters and digits mixed: text
};
constexpr char kFirstMarker = 0x10, kLastMarker = 0x16;
constexpr bool IsMarker(char c) { return c >= kFirstMarker && c <= kLastMarker; }

struct Variable {
  // kInteger: value and number of digits. kDecimal: digits and decimals. kScientific: digits and
  // decimals | (exponent + 128) << 8. Others: `text`, which lies in the line.
  union {
    int64_t value;
    const char* text;
  };
  uint32_t detail;  // or the text's length
  Slot slot;

  std::string_view Text() const { return {text, detail}; }
};

constexpr size_t kMaxSplitBytes = 4096;
constexpr size_t kMaxSlots = 48;

// Overwrites *form with the template and appends the variables. False: not split; nothing is appended.
bool SplitText(std::string_view text, std::string* form, std::vector<Variable>* variables);

// Appends the variable as it was written.
void AppendVariable(const Variable& variable, std::string* out);
// Appends the line. REQUIRES one variable for each marker of the template.
void JoinText(std::string_view form, const Variable* variables, std::string* out);

// The template as people read it: <int>, <float>, <hex>, <uuid>, <*>.
std::string ReadableTemplate(std::string_view form);

}  // namespace rankscope::store
