#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

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

// The keys of the lines so far: by their place in the line, since lines mostly have the keys of lines before at the
// same places and few kinds of lines take turns; and by name. One thread.
class JsonKeys {
 public:
  void BeginLine();
  // What the key at this place of the line is, and its name without escapes, which lives until the next BeginLine.
  // First as it is written, behind its quote: false where no line before had it at this place. REQUIRES kReadable bytes
  // to read.
  static constexpr size_t kReadable = 64;
  bool Guess(const char* written, size_t place, JsonKey* key, std::string_view* name);
  // Then by its name, which is UTF-8.
  JsonKey Find(size_t place, std::string_view* name);
  // Whether the line so far has a key twice.
  bool repeated() const { return repeated_; }

 private:
  static constexpr size_t kMaxBytes = 1 << 20;  // of names, beyond which they are forgotten
  static constexpr size_t kPerPlace = 3;

  static constexpr size_t kShort = 32;

  struct Known {
    JsonKey key;
    uint64_t line = 0;                   // that had it last
    std::array<char, kShort> written{};  // name and closing quote, as far as there is room
  };
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  using Names = std::unordered_map<std::string, Known, Hash, std::equal_to<>>;
  struct Place {
    std::array<Names::value_type*, kPerPlace> keys{};
    size_t count = 0, last = 0;
  };

  static bool IsWritten(const Names::value_type& known, const char* written);
  JsonKey Take(Names::value_type* known, std::string_view* name);
  Names::value_type* FindOrAdd(std::string_view name);

  uint64_t line_ = 0;
  bool repeated_ = false;
  size_t bytes_ = 0;
  Names names_;
  std::vector<Place> places_;  // of names that are written as they are, in less than kReadable bytes
};

}  // namespace rankscope::parse
