#include "detect/rules/when.h"

#include <algorithm>
#include <cmath>

#include "detect/detectors/statistics.h"

namespace rankscope::detect {
namespace {

using Kind = Expression::Kind;
using Operator = Expression::Operator;

// Evaluates one expression for one side of the points. Truth is 1 and 0; nothing is "not known".
class Evaluation {
 public:
  Evaluation(const Surroundings& surroundings, Side side) : surroundings_(surroundings), side_(side) {}

  // Most of what is evaluated is a leaf.
  std::optional<double> Value(const Expression& e) {
    if (e.kind == Kind::kNumber) return e.number;
    if (e.kind == Kind::kVariable) return surroundings_.Variable(e.word, e.name, side_);
    return Compound(e);
  }

  bool Truth(const Expression& e) { return Value(e).value_or(0) != 0; }

  static double Apply(Operator op, double a, double b) {
    switch (op) {
      case Operator::kLess:
        return Less(a, b);
      case Operator::kMore:
        return Less(b, a);
      case Operator::kAtMost:
        return !Less(b, a);
      case Operator::kAtLeast:
        return !Less(a, b);
      case Operator::kEqual:
        return a == b;
      case Operator::kUnequal:
        return a != b;
      case Operator::kAdd:
        return a + b;
      case Operator::kTake:
        return a - b;
      case Operator::kTimes:
        return a * b;
      default:
        return a / b;
    }
  }

 private:
  std::optional<double> Compound(const Expression& e) {
    switch (e.kind) {
      case Kind::kNumber:
      case Kind::kVariable:
        break;
      case Kind::kNot:
        return Truth(e.children[0]) ? 0.0 : 1.0;
      case Kind::kNegate:
      case Kind::kFunction:
        return Unary(e);
      case Kind::kBinary:
        return Binary(e);
      case Kind::kAggregate:
        return Aggregate(e);
      case Kind::kWindow:
        return WindowPoint(e);
      case Kind::kBaseline:
        return Baseline(e.span);
      case Kind::kAbsent:
        return Absent(e);
      case Kind::kRobustZ:
        return OwnRobustZ(e.span);
    }
    return std::nullopt;
  }

  std::optional<double> Unary(const Expression& e) {
    auto value = Value(e.children[0]);
    if (!value) return std::nullopt;
    if (e.kind == Kind::kNegate) return -*value;
    if (e.name == "isnan") return std::isfinite(*value) ? 0.0 : 1.0;
    return std::fabs(*value);
  }

  // NaN stands above every number: a loss of NaN is no smaller than any limit.
  static bool Less(double a, double b) { return std::isnan(b) ? !std::isnan(a) : a < b; }

  std::optional<double> Binary(const Expression& e) {
    if (e.op == Operator::kAnd) return Truth(e.children[0]) && Truth(e.children[1]) ? 1.0 : 0.0;
    if (e.op == Operator::kOr) return Truth(e.children[0]) || Truth(e.children[1]) ? 1.0 : 0.0;
    auto a = Value(e.children[0]);
    if (!a) return std::nullopt;
    auto b = Value(e.children[1]);
    if (!b) return std::nullopt;
    return Apply(e.op, *a, *b);
  }

  // The windows below an aggregate are walked together; each must be covered.
  static const Expression* FindWindow(const Expression& e) {
    if (e.kind == Kind::kWindow) return &e;
    for (const Expression& child : e.children) {
      if (const Expression* found = FindWindow(child)) return found;
    }
    return nullptr;
  }

  std::optional<size_t> PointsOf(const Expression& window) const {
    size_t skip = 0;
    const SeriesWindow* series = surroundings_.Series(window.name, &skip);
    return series ? series->Covering(window.span, 0) : std::nullopt;
  }

  std::optional<double> Aggregate(const Expression& e) {
    auto count = PointsOf(*FindWindow(e));
    if (!count) return std::nullopt;
    if (e.name == "all") return Every(e.children[0], *count) ? 1.0 : 0.0;
    if (e.name == "any") return Some(e.children[0], *count) ? 1.0 : 0.0;
    Side usual = e.name == "min" ? Side::kLow : e.name == "max" ? Side::kHigh : Side::kMean;
    return Summary(e.name, Values(e.children[0], *count, usual));
  }

  std::vector<double> Values(const Expression& e, size_t count, Side side) {
    std::vector<double> values;
    Evaluation inner(surroundings_, side);
    for (inner.back_ = 0; inner.back_ < count; ++inner.back_) {
      auto value = inner.Value(e);
      if (value && !std::isnan(*value)) values.push_back(*value);
    }
    return values;
  }

  static std::optional<double> Summary(const std::string& name, std::vector<double> values) {
    if (name == "count") {
      return static_cast<double>(std::count_if(values.begin(), values.end(), [](double v) { return v != 0; }));
    }
    if (values.empty()) return std::nullopt;
    if (name == "min") return *std::min_element(values.begin(), values.end());
    if (name == "max") return *std::max_element(values.begin(), values.end());
    if (name == "mean") {
      double sum = 0;
      for (double value : values) sum += value;
      return sum / static_cast<double>(values.size());
    }
    double median = Median(&values);
    return name == "mad" ? MedianDeviation(median, &values) : median;
  }

  // Of an interval each step has to hold, so both its extremes.
  bool Every(const Expression& e, size_t count) {
    for (Side side : {Side::kLow, Side::kHigh}) {
      Evaluation inner(surroundings_, side);
      for (inner.back_ = 0; inner.back_ < count; ++inner.back_) {
        if (!inner.Truth(e)) return false;
      }
    }
    return true;
  }

  bool Some(const Expression& e, size_t count) {
    for (Side side : {Side::kLow, Side::kHigh, Side::kLast}) {
      Evaluation inner(surroundings_, side);
      for (inner.back_ = 0; inner.back_ < count; ++inner.back_) {
        if (inner.Truth(e)) return true;
      }
    }
    return false;
  }

  std::optional<double> WindowPoint(const Expression& e) const {
    size_t skip = 0;
    const SeriesWindow* series = surroundings_.Series(e.name, &skip);
    if (!series || back_ >= series->size()) return std::nullopt;
    return ValueOf(series->at(back_), side_);
  }

  std::vector<double> Before(Span span) const {
    size_t skip = 0;
    const SeriesWindow* series = surroundings_.Series("value", &skip);
    std::vector<double> values;
    auto count = series ? series->Covering(span, skip) : std::nullopt;
    for (size_t i = 0; count && i < *count; ++i) {
      double mean = series->at(skip + i).mean;
      if (!std::isnan(mean)) values.push_back(mean);
    }
    return values;
  }

  std::optional<double> Baseline(Span span) const {
    size_t skip = 0;
    const SeriesWindow* series = surroundings_.Series("value", &skip);
    auto count = series ? series->Covering(span, skip) : std::nullopt;
    return count ? series->Mean(skip, *count) : std::nullopt;
  }

  std::optional<double> Absent(const Expression& e) const {
    size_t skip = 0;
    const SeriesWindow* own = surroundings_.Series("value", &skip);
    const SeriesWindow* other = surroundings_.Series(e.name, &skip);
    auto count = own ? own->Covering(e.span, 0) : std::nullopt;
    if (!count || !other || other->size() == 0) return std::nullopt;
    return other->at(0).time < own->at(*count - 1).time ? 1.0 : 0.0;
  }

  std::optional<double> OwnRobustZ(Span span) const {
    auto value = surroundings_.Variable(Word::kValue, "value", side_);
    std::vector<double> values = Before(span);
    if (!value || values.empty()) return std::nullopt;
    double median = Median(&values);
    return RobustZ(*value, median, MedianDeviation(median, &values));
  }

  const Surroundings& surroundings_;
  const Side side_;
  size_t back_ = 0;  // the point of the aggregate that is being evaluated
};

const Expression* FirstComparison(const Expression& e) {
  bool compares = e.kind == Kind::kBinary && e.op >= Operator::kLess && e.op <= Operator::kUnequal;
  if (compares) return &e;
  for (const Expression& child : e.children) {
    if (const Expression* found = FirstComparison(child)) return found;
  }
  return nullptr;
}

void Collect(const Expression& e, std::vector<When::Need>* needs) {
  bool own = e.kind == Kind::kBaseline || e.kind == Kind::kRobustZ || e.kind == Kind::kAbsent;
  if (e.kind == Kind::kAbsent) needs->push_back({e.name, {}});
  if (own || e.kind == Kind::kWindow || e.kind == Kind::kVariable) {
    needs->push_back({own ? "value" : e.name, e.span});
  }
  for (const Expression& child : e.children) Collect(child, needs);
}

}  // namespace

// Of a conjunction each part.
void When::NoteLimits(const Expression& e) {
  if (e.kind != Kind::kBinary) return;
  if (e.op == Operator::kAnd) {
    for (const Expression& part : e.children) NoteLimits(part);
    return;
  }
  const Expression &left = e.children[0], &right = e.children[1];
  bool compares = e.op >= Operator::kLess && e.op <= Operator::kUnequal;
  if (!compares || left.kind != Kind::kVariable || right.kind != Kind::kNumber) return;
  limits_.push_back({left.word, left.name, e.op, right.number});
}

bool When::Holds(const Surroundings& surroundings, Side side) const {
  for (const Limit& limit : limits_) {
    auto value = surroundings.Variable(limit.word, limit.name, side);
    if (!value || Evaluation::Apply(limit.op, *value, limit.number) == 0) return false;
  }
  return Evaluation(surroundings, side).Truth(root_);
}

When::Comparison When::Compared(const Surroundings& surroundings, Side side) const {
  const Expression* comparison = FirstComparison(root_);
  if (!comparison) return {};
  Evaluation evaluation(surroundings, side);
  return {evaluation.Value(comparison->children[0]), evaluation.Value(comparison->children[1])};
}

std::vector<When::Need> When::Needs() const {
  std::vector<Need> needs;
  Collect(root_, &needs);
  return needs;
}

}  // namespace rankscope::detect
