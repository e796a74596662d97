#include "query/accumulator.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <vector>

#include "query/cell.h"

namespace rankscope::query {
namespace {

using model::Cell;
using model::ValueView;
using Function = model::Aggregate::Function;

bool IsNothing(const ValueView& value) { return std::holds_alternative<std::monostate>(value); }

class Count : public Accumulator {
 public:
  void Take(const ValueView& value, base::Budget*) override { count_ += IsNothing(value) ? 0 : 1; }
  Cell Result() override { return count_; }

 private:
  int64_t count_ = 0;
};

class CountDistinct : public Accumulator {
 public:
  void Take(const ValueView& value, base::Budget* budget) override {
    if (IsNothing(value)) return;
    identity_.clear();
    AppendIdentity(value, &identity_);
    if (seen_.insert(identity_).second) budget->Take(identity_.size() + kNodeBytes);
  }
  Cell Result() override { return static_cast<int64_t>(seen_.size()); }

 private:
  static constexpr size_t kNodeBytes = 64;
  std::string identity_;
  std::unordered_set<std::string> seen_;
};

// Integers are added as integers until they no longer fit.
class Sum : public Accumulator {
 public:
  void Take(const ValueView& value, base::Budget*) override {
    auto number = model::WideNumber(value);
    if (!number) return;
    ++count_;
    const auto* integer = std::get_if<int64_t>(&value);
    exact_ = exact_ && integer && !__builtin_add_overflow(integers_, *integer, &integers_);
    sum_ += *number;
  }
  Cell Result() override {
    if (count_ == 0) return {};
    return exact_ ? Cell(integers_) : Cell(static_cast<double>(sum_));
  }

 protected:
  int64_t count_ = 0;
  long double sum_ = 0;

 private:
  int64_t integers_ = 0;
  bool exact_ = true;
};

class Average : public Sum {
 public:
  Cell Result() override {
    if (count_ == 0) return {};
    return static_cast<double>(sum_ / static_cast<long double>(count_));
  }
};

bool IsNan(const ValueView& value) {
  const auto* number = std::get_if<double>(&value);
  return number && std::isnan(*number);
}

class Extreme : public Accumulator {
 public:
  explicit Extreme(int sign) : sign_(sign) {}
  void Take(const ValueView& value, base::Budget*) override {
    if (IsNothing(value) || std::holds_alternative<std::string_view>(value)) return;
    bool better = IsNothing(best_) || IsNan(best_) || (!IsNan(value) && Compare(value, best_) == sign_);
    if (better) best_ = value;
  }
  Cell Result() override { return model::ToCell(best_); }

 private:
  const int sign_;
  ValueView best_;  // never a text
};

class Quantile : public Accumulator {
 public:
  explicit Quantile(double at) : at_(at) {}
  void Take(const ValueView& value, base::Budget* budget) override {
    auto number = model::WideNumber(value);
    if (!number || std::isnan(*number)) return;
    budget->Take(sizeof(double));
    values_.push_back(static_cast<double>(*number));
  }
  Cell Result() override {
    if (values_.empty()) return {};
    double position = at_ * static_cast<double>(values_.size() - 1);
    auto below = static_cast<size_t>(position);
    double share = position - static_cast<double>(below);
    std::nth_element(values_.begin(), Nth(below), values_.end());
    double low = values_[below];
    if (share == 0) return low;
    double high = *std::min_element(Nth(below + 1), values_.end());
    return low == high ? low : low + (high - low) * share;
  }

 private:
  std::vector<double>::iterator Nth(size_t n) { return values_.begin() + static_cast<std::ptrdiff_t>(n); }
  const double at_;
  std::vector<double> values_;
};

class Nonfinite : public Accumulator {
 public:
  void Take(const ValueView& value, base::Budget*) override {
    auto number = model::WideNumber(value);
    count_ += number && !std::isfinite(*number) ? 1 : 0;
  }
  Cell Result() override { return count_; }

 private:
  int64_t count_ = 0;
};

class Edge : public Accumulator {
 public:
  explicit Edge(bool last) : last_(last) {}
  void Take(const ValueView& value, base::Budget* budget) override {
    bool keeps = last_ || std::holds_alternative<std::monostate>(cell_);
    if (IsNothing(value) || !keeps) return;
    budget->Give(MemoryOf());
    cell_ = model::ToCell(value);
    budget->Take(MemoryOf());
  }
  Cell Result() override { return std::move(cell_); }

 private:
  size_t MemoryOf() const {
    const auto* text = std::get_if<std::string>(&cell_);
    return text ? text->size() : 0;
  }
  const bool last_;
  Cell cell_;
};

}  // namespace

std::unique_ptr<Accumulator> MakeAccumulator(const model::Aggregate& aggregate) {
  switch (aggregate.function) {
    case Function::kCount:
      return std::make_unique<Count>();
    case Function::kCountDistinct:
      return std::make_unique<CountDistinct>();
    case Function::kSum:
      return std::make_unique<Sum>();
    case Function::kAvg:
      return std::make_unique<Average>();
    case Function::kMin:
      return std::make_unique<Extreme>(-1);
    case Function::kMax:
      return std::make_unique<Extreme>(1);
    case Function::kQuantile:
      return std::make_unique<Quantile>(aggregate.argument);
    case Function::kNonfinite:
      return std::make_unique<Nonfinite>();
    case Function::kFirst:
      return std::make_unique<Edge>(false);
    case Function::kLast:
      return std::make_unique<Edge>(true);
  }
  return nullptr;
}

}  // namespace rankscope::query
