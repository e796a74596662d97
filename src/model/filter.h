#pragma once

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "model/record.h"
#include "model/selection.h"

namespace rankscope::model {

// Which records: a tree of terms. Plain data, the one form in which a condition travels from the query language to the
// engines: the store prunes and evaluates it on its columns, other sources translate it, live tails ask a Matcher.
struct Filter {
  enum class Kind : uint8_t {
    kAll,        // every record
    kAnd,        // all of children
    kOr,         // any of children
    kNot,        // not the only child
    kPhrase,     // `text` in the value of `name`, at word borders (a word: letters, digits, _; UTF-8)
    kSubstring,  // `text` anywhere in it
    kRegex,      // RE2 pattern `text` found anywhere in it
    kEquals,     // `text` is the value: equal as numbers where both are numbers, else the same text
    kRange,      // low <= value <= high as numbers, less the bounds that are open
    kSet,        // the value is in `numbers`
    kTime,       // since <= timestamp < until
    kExists,     // the record has `name`
  };

  Kind kind = Kind::kAll;
  std::vector<Filter> children;
  std::string name;  // a key of the JSON form of a record: msg, rank, job_id, level, stream, loss, …
  std::string text;
  bool case_sensitive = false;
  // Wide enough for each int64_t as well as each double.
  long double low = -std::numeric_limits<long double>::infinity();
  long double high = std::numeric_limits<long double>::infinity();
  bool low_open = false, high_open = false;
  NumberSet numbers;
  base::TimeNs since = INT64_MIN, until = INT64_MAX;

  static Filter And(std::vector<Filter> children);
  static Filter Or(std::vector<Filter> children);
  static Filter Not(Filter child);
  // kPhrase, kSubstring, kRegex or kEquals.
  static Filter Text(Kind kind, std::string name, std::string text, bool case_sensitive = false);
  static Filter Range(std::string name, long double low, long double high);
  static Filter Set(std::string name, NumberSet numbers);
  static Filter Time(base::TimeNs since, base::TimeNs until);
  static Filter Exists(std::string name);
};

// Evaluates one filter on records, one after the other: the definition of what a filter means. One thread at a time.
class Matcher {
 public:
  // kInvalid: a regex that RE2 does not take, named.
  static base::Result<Matcher> Compile(const Filter& filter);
  Matcher(Matcher&&) noexcept;
  Matcher& operator=(Matcher&&) noexcept;
  ~Matcher();

  bool Matches(const Record& record) const;

 private:
  class Node;
  explicit Matcher(std::unique_ptr<Node> root);
  std::unique_ptr<Node> root_;
};

}  // namespace rankscope::model
