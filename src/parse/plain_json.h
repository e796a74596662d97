#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "parse/json_keys.h"
#include "parse/json_value.h"

namespace rankscope::parse {

// Reads one flat JSON object, written as programs write them: texts with the short escapes only, no values that are
// objects or arrays. All else it leaves to a reader of all JSON, which then begins anew. One thread.
class PlainJson {
 public:
  // Bytes that must be readable behind each line, whatever they are.
  static constexpr size_t kReadable = 64;

  // REQUIRES the keys outlive it.
  explicit PlainJson(JsonKeys* keys) : keys_(keys) {}

  // REQUIRES that the line lives until it has been read, and that keys begin a line too.
  void Begin(std::string_view line);
  // The next member, whose text lives until the next Begin. False at the end, or where the line is not so.
  bool Next(JsonKey* key, std::string_view* name, JsonValue* value);
  // Whether it has been read to its end and was so: then, not before, what Next gave is UTF-8.
  bool whole() const { return whole_; }

 private:
  char Peek() const { return at_ < end_ ? *at_ : '\0'; }
  bool Skip(char c) {
    bool is = Peek() == c;
    at_ += is;
    return is;
  }
  void SkipBlanks() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\r')) ++at_;
  }
  bool ReadKey(JsonKey* key, std::string_view* name);
  bool ReadValue(JsonValue* value);
  bool ReadNumber(std::string_view* text);
  bool ReadWord(std::string_view word, std::string_view* text);
  bool ReadText(std::string_view* text);
  bool ReadEscaped(const char* begin, std::string_view* text);
  enum class StepEnd { kGoesOn, kStop, kUnknown };
  StepEnd TakeStep();
  void CopyTo(const char* end);
  void FindEnd();
  bool Close();

  JsonKeys* const keys_;
  std::string_view line_;
  const char* at_ = nullptr;
  const char* end_ = nullptr;
  size_t place_ = 0;
  bool open_ = false, whole_ = false;
  bool ascii_ = true;             // so far
  std::unique_ptr<char[]> room_;  // for texts whose escapes are taken out
  size_t room_bytes_ = 0;
  char* free_ = nullptr;  // in it
};

}  // namespace rankscope::parse
