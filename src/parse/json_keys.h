#pragma once

#include <simdjson.h>

#include <array>
#include <deque>
#include <string>
#include <string_view>

namespace rankscope::parse {

// What a key of a record's JSON form stands for.
enum class JsonKey : uint8_t {
  kField,
  kTime,
  kProject,
  kJob,
  kAttempt,
  kNodeRank,
  kRank,
  kLocalRank,
  kHost,
  kStream,
  kSeq,
  kStep,
  kLevel,
  kText,
  // Other names, which count where the record has no such key by its own name, and are fields where it has.
  kTimeAlias,
  kJobAlias,
  kTextAlias,
};
// Those of time and text, the first ones first where a record has several.
constexpr std::array<std::string_view, 4> kTimeAliases = {"@timestamp", "_time", "time", "ts"};
constexpr std::array<std::string_view, 4> kTextAliases = {"message", "text", "log", "_msg"};

// The keys of the lines so far, by their place in the line: lines mostly have the keys of lines before at the same
// places, and few kinds of lines take turns. One thread.
class JsonKeys {
 public:
  void BeginLine();
  // What the key at this place of the line is; its name, without escapes, lives as long as this does.
  JsonKey Next(simdjson::ondemand::field* field, size_t place, std::string_view* name, simdjson::error_code* fault);
  // The line so far is one that can be kept; a later one with its keys in their order is SameAsKept.
  void KeepLine() { kept_ = line_; }
  bool SameAsKept() const { return same_; }

 private:
  struct Known {
    std::string name;
    JsonKey key;
  };
  struct Place {
    std::array<Known, 3> keys;
    size_t count = 0, last = 0;
    uint64_t line = 0;  // that had `last` here
  };

  uint64_t line_ = 0, kept_ = 0;
  bool same_ = true;
  std::deque<Place> places_;  // names that were given out point into it
};

}  // namespace rankscope::parse
