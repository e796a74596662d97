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
  // Where reading goes on is handed from one to the next, since a member would be written and read again each time;
  // null: not so.
  bool Is(const char* at, char c) const { return at < end_ && *at == c; }
  const char* SkipBlanks(const char* at) const {
    while (at < end_ && (*at == ' ' || *at == '\t' || *at == '\r')) ++at;
    return at;
  }
  const char* ReadKey(const char* at, JsonKey* key, std::string_view* name);
  const char* ReadValue(const char* at, JsonValue* value);
  const char* ReadNumber(const char* at, std::string_view* text) const;
  const char* ReadWord(const char* at, std::string_view word, std::string_view* text) const;
  const char* ReadText(const char* at, std::string_view* text);
  const char* ReadEscaped(const char* begin, const char* at, std::string_view* text);
  const char* FindStop(const char* at);
  bool Close(const char* at);

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
