#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "detect/detectors/series_window.h"

namespace rankscope::detect {

// The names that are no metrics.
enum class Word : uint8_t { kMetric, kValue, kNonfinite, kMedian, kMad, kRobustZ, kRelDev, kPeers };

// A node of a parsed condition. Plain data; docs/rules.md has the grammar.
struct Expression {
  enum class Kind : uint8_t {
    kNumber,
    kVariable,  // word: the value and such, or the latest value of the metric `name`
    kNot,
    kNegate,
    kBinary,     // op, of children[0] and [1]
    kFunction,   // name: abs isnan, of children[0]
    kAggregate,  // name: all any mean median mad min max count, of children[0] over the points of its windows
    kWindow,     // last(name, span): a point of the aggregate around it
    kBaseline,   // mean of the rule's own metric over `span` before the condition began to hold
    kAbsent,     // whether the metric `name`, which was there, has not come for `span` of the rule's own points
    kRobustZ,    // 0.6745 * (value - median) / MAD over `span` before
  };
  enum class Operator : uint8_t {
    kAnd,
    kOr,
    kLess,
    kMore,
    kAtMost,
    kAtLeast,
    kEqual,
    kUnequal,
    kAdd,
    kTake,
    kTimes,
    kBy
  };
  Kind kind = Kind::kNumber;
  Operator op = Operator::kAnd;  // of kBinary
  Word word = Word::kMetric;     // of kVariable
  std::string name;
  double number = 0;
  Span span;
  std::vector<Expression> children;
};

// In which words a condition may speak.
enum class Vocabulary : uint8_t {
  kSeries,  // value, nonfinite, metrics by name, windows: `metric:` and `expr:` rules
  kPeers,   // value, median, mad, robust_z, rel_dev, peers: `peers:` rules
};

// Where an evaluation finds its numbers. Nothing: not known (yet), which makes every comparison with it false.
class Surroundings {
 public:
  virtual ~Surroundings() = default;
  // `name` is the metric's, of kMetric.
  virtual std::optional<double> Variable(Word word, std::string_view name, Side side) const = 0;
  // The points of the metric ("value": the rule's own), or null. `*skip` is how many of the newest are no baseline.
  virtual const SeriesWindow* Series(std::string_view name, size_t* skip) const = 0;
};

// A condition, parsed once. Immutable, so any thread may evaluate it.
class When {
 public:
  // kInvalid: "column N: what was expected, found what".
  static base::Result<When> Parse(std::string_view text, Vocabulary vocabulary);

  // Whether it holds, with `side` of the newest point as the value.
  bool Holds(const Surroundings& surroundings, Side side) const;
  // What its first comparison compares: the value and the threshold; nothing where either is not known.
  struct Comparison {
    std::optional<double> value, threshold;
  };
  Comparison Compared(const Surroundings& surroundings, Side side) const;

  // Metrics it names ("value" is not among them), and the longest window of each and of its own.
  struct Need {
    std::string metric;  // "value": the rule's own
    Span span;
  };
  std::vector<Need> Needs() const;
  const std::string& text() const { return text_; }
  const Expression& root() const { return root_; }

 private:
  // A comparison with a number, without which the whole cannot hold: most of what is asked is answered by these.
  struct Limit {
    Word word = Word::kValue;
    std::string name;
    Expression::Operator op = Expression::Operator::kEqual;
    double number = 0;
  };
  void NoteLimits(const Expression& e);

  std::string text_;
  Expression root_;
  std::vector<Limit> limits_;
};

}  // namespace rankscope::detect
