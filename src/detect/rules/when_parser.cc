#include <array>

#include "base/nearest.h"
#include "detect/rules/when.h"
#include "detect/scanner.h"

namespace rankscope::detect {
namespace {

using Kind = Expression::Kind;
using Operator = Expression::Operator;

constexpr int kDeepest = 32;
constexpr std::array<std::string_view, 8> kAggregates = {"all", "any", "mean", "median", "mad", "min", "max", "count"};
constexpr std::array<std::string_view, 2> kFunctions = {"abs", "isnan"};

struct Symbol {
  std::string_view text;
  Operator op;
};
constexpr std::array kComparisons = {Symbol{"<=", Operator::kAtMost}, Symbol{">=", Operator::kAtLeast},
                                     Symbol{"==", Operator::kEqual},  Symbol{"!=", Operator::kUnequal},
                                     Symbol{"<", Operator::kLess},    Symbol{">", Operator::kMore}};
constexpr std::array kSums = {Symbol{"+", Operator::kAdd}, Symbol{"-", Operator::kTake}};
constexpr std::array kProducts = {Symbol{"*", Operator::kTimes}, Symbol{"/", Operator::kBy}};

constexpr std::array<std::string_view, 6> kPeerWords = {"value", "median", "mad", "robust_z", "rel_dev", "peers"};
constexpr std::array<Word, 6> kPeerMeanings = {Word::kValue,   Word::kMedian, Word::kMad,
                                               Word::kRobustZ, Word::kRelDev, Word::kPeers};

Word WordOf(std::string_view name, Vocabulary vocabulary) {
  if (vocabulary == Vocabulary::kSeries) {
    return name == "value" ? Word::kValue : name == "nonfinite" ? Word::kNonfinite : Word::kMetric;
  }
  for (size_t i = 0; i < kPeerWords.size(); ++i) {
    if (kPeerWords[i] == name) return kPeerMeanings[i];
  }
  return Word::kMetric;
}

template <size_t N>
bool IsOneOf(const std::array<std::string_view, N>& words, std::string_view word) {
  for (std::string_view known : words) {
    if (known == word) return true;
  }
  return false;
}

Expression Binary(Operator op, Expression left, Expression right) {
  Expression e;
  e.kind = Kind::kBinary;
  e.op = op;
  e.children.push_back(std::move(left));
  e.children.push_back(std::move(right));
  return e;
}

Expression Unary(Kind kind, std::string_view name, Expression child) {
  Expression e;
  e.kind = kind;
  e.name = name;
  e.children.push_back(std::move(child));
  return e;
}

// One function a rule of the grammar in docs/rules.md.
class WhenParser {
 public:
  WhenParser(std::string_view text, Vocabulary vocabulary) : scanner_(text), vocabulary_(vocabulary) {}

  base::Result<Expression> Parse() {
    ASSIGN_OR_RETURN(Expression e, Or());
    scanner_.SkipBlanks();
    if (!scanner_.at_end()) return scanner_.Wrong("and, or, an operator or the end");
    return e;
  }

 private:
  base::Result<Expression> Or() {
    if (++depth_ > kDeepest) return scanner_.Wrong("no more than 32 levels");
    ASSIGN_OR_RETURN(Expression left, And());
    while (scanner_.TakeWord("or")) {
      ASSIGN_OR_RETURN(Expression right, And());
      left = Binary(Operator::kOr, std::move(left), std::move(right));
    }
    --depth_;
    return left;
  }

  base::Result<Expression> And() {
    ASSIGN_OR_RETURN(Expression left, Not());
    while (scanner_.TakeWord("and")) {
      ASSIGN_OR_RETURN(Expression right, Not());
      left = Binary(Operator::kAnd, std::move(left), std::move(right));
    }
    return left;
  }

  base::Result<Expression> Not() {
    bool negated = false;
    while (scanner_.TakeWord("not")) negated = !negated;
    ASSIGN_OR_RETURN(Expression e, Comparison());
    return negated ? Unary(Kind::kNot, "", std::move(e)) : std::move(e);
  }

  base::Result<Expression> Comparison() {
    ASSIGN_OR_RETURN(Expression left, Sum());
    for (const Symbol& symbol : kComparisons) {
      if (!scanner_.Take(symbol.text)) continue;
      ASSIGN_OR_RETURN(Expression right, Sum());
      return Binary(symbol.op, std::move(left), std::move(right));
    }
    return left;
  }

  base::Result<Expression> Sum() {
    ASSIGN_OR_RETURN(Expression left, Product());
    for (size_t i = 0; i < kSums.size();) {
      if (!scanner_.Take(kSums[i].text)) {
        ++i;
        continue;
      }
      ASSIGN_OR_RETURN(Expression right, Product());
      left = Binary(kSums[i].op, std::move(left), std::move(right));
      i = 0;
    }
    return left;
  }

  base::Result<Expression> Product() {
    ASSIGN_OR_RETURN(Expression left, Signed());
    for (size_t i = 0; i < kProducts.size();) {
      if (!scanner_.Take(kProducts[i].text)) {
        ++i;
        continue;
      }
      ASSIGN_OR_RETURN(Expression right, Signed());
      left = Binary(kProducts[i].op, std::move(left), std::move(right));
      i = 0;
    }
    return left;
  }

  base::Result<Expression> Signed() {
    bool negative = false;
    while (scanner_.Take("-")) negative = !negative;
    ASSIGN_OR_RETURN(Expression e, Primary());
    return negative ? Unary(Kind::kNegate, "", std::move(e)) : std::move(e);
  }

  base::Result<Expression> Primary() {
    if (scanner_.Take("(")) {
      ASSIGN_OR_RETURN(Expression e, Or());
      if (!scanner_.Take(")")) return scanner_.Wrong(")");
      return e;
    }
    if (auto number = scanner_.Number()) {
      Expression e;
      e.number = *number;
      return e;
    }
    scanner_.SkipBlanks();
    size_t begin = scanner_.position();
    std::string_view name = scanner_.Name();
    if (name.empty() || IsOneOf<3>({"and", "or", "not"}, name)) {
      return scanner_.WrongAt(begin, "a number, a metric, a function or (");
    }
    if (scanner_.Take("(")) return Call(name, begin);
    return Variable(name, begin);
  }

  base::Result<Expression> Variable(std::string_view name, size_t begin) {
    Word word = WordOf(name, vocabulary_);
    if (vocabulary_ == Vocabulary::kPeers && word == Word::kMetric) {
      return scanner_.WrongAt(begin,
                              "one of value, median, mad, robust_z, rel_dev, peers" + base::Nearest(name, kPeerWords));
    }
    Expression e;
    e.kind = Kind::kVariable;
    e.word = word;
    e.name = name;
    return e;
  }

  base::Result<Expression> Call(std::string_view name, size_t begin) {
    if (IsOneOf(kFunctions, name)) return Closed(Function(name));
    if (vocabulary_ == Vocabulary::kSeries) {
      if (IsOneOf(kAggregates, name)) return Closed(Aggregate(name, begin));
      if (name == "last") return Closed(Last(begin));
      if (name == "absent") return Closed(MetricAndSpan(Kind::kAbsent));
      if (name == "baseline") return Closed(Own(Kind::kBaseline));
      if (name == "robust_z") return Closed(Own(Kind::kRobustZ));
    }
    static constexpr std::array<std::string_view, 14> kCallable = {"absent", "abs",    "isnan",    "all",     "any",
                                                                   "mean",   "median", "mad",      "min",     "max",
                                                                   "count",  "last",   "baseline", "robust_z"};
    return scanner_.WrongAt(begin, "a function" + base::Nearest(name, kCallable));
  }

  base::Result<Expression> Closed(base::Result<Expression> inner) {
    if (inner.ok() && !scanner_.Take(")")) return scanner_.Wrong(")");
    return inner;
  }

  base::Result<Expression> Function(std::string_view name) {
    ASSIGN_OR_RETURN(Expression argument, Or());
    return Unary(Kind::kFunction, name, std::move(argument));
  }

  // mean(loss, 200steps) is mean(last(loss, 200steps)).
  base::Result<Expression> Aggregate(std::string_view name, size_t begin) {
    if (inside_) return scanner_.WrongAt(begin, "no aggregate inside another");
    inside_ = true;
    windows_ = 0;
    ASSIGN_OR_RETURN(Expression argument, Or());
    if (argument.kind == Kind::kVariable && scanner_.Take(",")) {
      ASSIGN_OR_RETURN(argument.span, scanner_.TakeSpan(/*bare_steps=*/true));
      argument.kind = Kind::kWindow;
      ++windows_;
    }
    inside_ = false;
    if (windows_ == 0) return scanner_.WrongAt(begin, "a window in it, as last(loss, 5)");
    return Unary(Kind::kAggregate, name, std::move(argument));
  }

  base::Result<Expression> Last(size_t begin) {
    if (!inside_) return scanner_.WrongAt(begin, "last(…) inside all, any, mean, median, mad, min, max or count");
    ++windows_;
    return MetricAndSpan(Kind::kWindow);
  }

  base::Result<Expression> MetricAndSpan(Kind kind) {
    Expression e;
    e.kind = kind;
    e.name = scanner_.Name();
    if (e.name.empty()) return scanner_.Wrong("a metric");
    if (!scanner_.Take(",")) return scanner_.Wrong(", and how many steps");
    ASSIGN_OR_RETURN(e.span, scanner_.TakeSpan(/*bare_steps=*/true));
    return e;
  }

  base::Result<Expression> Own(Kind kind) {
    Expression e;
    e.kind = kind;
    ASSIGN_OR_RETURN(e.span, scanner_.TakeSpan(/*bare_steps=*/true));
    return e;
  }

  Scanner scanner_;
  const Vocabulary vocabulary_;
  int depth_ = 0;
  bool inside_ = false;  // of an aggregate
  int windows_ = 0;      // in it
};

}  // namespace

base::Result<When> When::Parse(std::string_view text, Vocabulary vocabulary) {
  When when;
  when.text_ = text;
  ASSIGN_OR_RETURN(when.root_, WhenParser(text, vocabulary).Parse());
  for (const Need& need : when.Needs()) {
    if (need.span.steps > static_cast<int64_t>(SeriesWindow::kMostPoints)) {
      return base::Status::Invalid("column 1: expected windows of at most " +
                                   std::to_string(SeriesWindow::kMostPoints) + " steps, found " + SpanText(need.span));
    }
  }
  when.NoteLimits(when.root_);
  return when;
}

}  // namespace rankscope::detect
