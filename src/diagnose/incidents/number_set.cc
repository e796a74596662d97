#include "diagnose/incidents/number_set.h"

#include <algorithm>
#include <charconv>

namespace rankscope::diagnose {
namespace {

std::optional<int32_t> NumberOf(std::string_view text) {
  int32_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

}  // namespace

bool NumberSet::Insert(int32_t number) {
  if (Contains(number)) return false;
  InsertRun(number, number);
  return true;
}

void NumberSet::Merge(const NumberSet& other) {
  for (const Run& run : other.runs_) InsertRun(run.first, run.last);
}

// In 64 bits: there is a number after the last one.
void NumberSet::InsertRun(int64_t first, int64_t last) {
  auto begin = std::find_if(runs_.begin(), runs_.end(), [&](const Run& run) { return run.last + int64_t{1} >= first; });
  auto end = begin;
  for (; end != runs_.end() && end->first <= last + 1; ++end) {
    first = std::min<int64_t>(first, end->first);
    last = std::max<int64_t>(last, end->last);
    size_ -= int64_t{end->last} - end->first + 1;
  }
  size_ += last - first + 1;
  Run whole{static_cast<int32_t>(first), static_cast<int32_t>(last)};
  runs_.insert(runs_.erase(begin, end), whole);
}

bool NumberSet::Contains(int32_t number) const {
  auto run = std::lower_bound(runs_.begin(), runs_.end(), number, [](const Run& a, int32_t b) { return a.last < b; });
  return run != runs_.end() && run->first <= number;
}

bool NumberSet::Overlaps(const NumberSet& other) const {
  for (auto a = runs_.begin(), b = other.runs_.begin(); a != runs_.end() && b != other.runs_.end();) {
    if (a->last < b->first) {
      ++a;
    } else if (b->last < a->first) {
      ++b;
    } else {
      return true;
    }
  }
  return false;
}

bool NumberSet::ContainsAll(const NumberSet& other) const {
  NumberSet both = *this;
  both.Merge(other);
  return both.size_ == size_;
}

std::vector<int32_t> NumberSet::Numbers() const {
  std::vector<int32_t> numbers;
  numbers.reserve(static_cast<size_t>(size_));
  for (const Run& run : runs_) {
    for (int64_t number = run.first; number <= run.last; ++number) numbers.push_back(static_cast<int32_t>(number));
  }
  return numbers;
}

std::string NumberSet::ToText() const {
  std::string text;
  for (const Run& run : runs_) {
    if (!text.empty()) text += ",";
    text += std::to_string(run.first);
    if (run.last > run.first) text += "-" + std::to_string(run.last);
  }
  return text;
}

base::Result<NumberSet> NumberSet::FromText(std::string_view text) {
  NumberSet set;
  for (std::string_view rest = text; !rest.empty();) {
    std::string_view part = rest.substr(0, rest.find(','));
    size_t dash = part.find('-');
    auto first = NumberOf(part.substr(0, dash));
    auto last = dash == std::string_view::npos ? first : NumberOf(part.substr(dash + 1));
    if (!first || !last || *last < *first) {
      return base::Status::Invalid("expected a set of numbers as 0-7,371, found \"" + std::string(text) + "\"");
    }
    set.InsertRun(*first, *last);
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
  }
  return set;
}

}  // namespace rankscope::diagnose
