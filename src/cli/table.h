#pragma once

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace rankscope::cli {

// Rows of JSON objects as people or spreadsheets read them. Columns are those of the first kLookAhead rows, in the
// order of their first appearance; what later rows have besides is counted in dropped().
class TableWriter {
 public:
  enum class Format : uint8_t { kTable, kCsv };
  static constexpr size_t kLookAhead = 1000;

  // `hidden`: keys not to show. `out` stays open.
  TableWriter(Format format, std::vector<std::string> hidden, FILE* out)
      : format_(format), hidden_(std::move(hidden)), out_(out) {}

  // False when whoever reads us has gone.
  bool Add(const nlohmann::ordered_json& row);
  void Finish();
  size_t dropped() const { return dropped_; }

 private:
  using Row = nlohmann::ordered_json;
  void Begin();
  bool Print(const Row& row);
  bool PrintCells(const std::vector<std::string>& cells);

  const Format format_;
  const std::vector<std::string> hidden_;
  FILE* out_;
  std::vector<Row> waiting_;
  std::vector<std::string> columns_;
  std::vector<size_t> widths_;
  bool begun_ = false;
  size_t dropped_ = 0;
};

// For people: six digits, or all before the point.
std::string ShownNumber(double number);
// The value as text; control characters are shown, not obeyed.
std::string ShownValue(const nlohmann::ordered_json& value);
// How many cells of a terminal the text takes: ideographs and emoji take two.
size_t DisplayWidth(std::string_view text);

}  // namespace rankscope::cli
