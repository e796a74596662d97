#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace rankscope::diagnose {

// A set of ranks or nodes, kept as its runs: a thousand neighbours cost as much as one.
class NumberSet {
 public:
  NumberSet() = default;

  // Whether it was not in it yet.
  bool Insert(int32_t number);
  void Merge(const NumberSet& other);

  bool Contains(int32_t number) const;
  bool Overlaps(const NumberSet& other) const;
  bool ContainsAll(const NumberSet& other) const;
  bool empty() const { return runs_.empty(); }
  int64_t size() const { return size_; }
  // In their order.
  std::vector<int32_t> Numbers() const;

  // "0-7,371"; of none: "".
  std::string ToText() const;
  // kInvalid: it is not of that form.
  static base::Result<NumberSet> FromText(std::string_view text);

  bool operator==(const NumberSet&) const = default;

 private:
  void InsertRun(int64_t first, int64_t last);

  struct Run {
    int32_t first = 0, last = 0;
    bool operator==(const Run&) const = default;
  };
  std::vector<Run> runs_;  // in their order; none touch each other
  int64_t size_ = 0;
};

}  // namespace rankscope::diagnose
