#pragma once

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace rankscope::cli {

// Rows of JSON objects as people or spreadsheets read them. Columns are those of the first kLookAhead rows: the first
// row's in its order; what others have besides, a record's own keys in their places (time, rank, step, level, msg), its
// fields after them. What later rows have besides is counted in dropped(). Columns that are named ahead are those, in
// that order, whatever the rows have; a CSV without rows has them too.
//
// Of whole records, what tells them apart only for machines is no column: project, seq, local rank, and the attempt
// where it is the first of all. On a terminal a table of records keeps within its width: the text is cut, then the last
// fields are left out, then host, node rank and job. Elsewhere nothing is cut.
class TableWriter {
 public:
  enum class Format : uint8_t { kTable, kCsv };
  static constexpr size_t kLookAhead = 1000;

  // `hidden`: keys not to show. `out` stays open. `width`: of the terminal; 0: it is none.
  TableWriter(Format format, std::vector<std::string> hidden, FILE* out, size_t width = 0,
              std::vector<std::string> columns = {})
      : format_(format),
        hidden_(std::move(hidden)),
        out_(out),
        terminal_(format == Format::kTable ? width : 0),
        columns_(std::move(columns)) {}

  // False when whoever reads us has gone.
  bool Add(const nlohmann::ordered_json& row);
  void Finish();
  size_t rows() const { return rows_; }
  size_t dropped() const { return dropped_; }  // values
  // The columns that the terminal had no room for.
  const std::vector<std::string>& left_out() const { return left_out_; }

 private:
  using Row = nlohmann::ordered_json;
  void Begin();
  void FindColumns();
  void HideWhatMachinesWant();
  void AddColumn(const std::string& name, bool of_first_row);
  void MeasureColumns();
  void FitTerminal();
  void LeaveOut(std::string name);
  size_t LineWidth() const;
  bool Print(const Row& row);
  bool PrintCells(const std::vector<std::string>& cells);

  const Format format_;
  std::vector<std::string> hidden_;
  FILE* out_;
  const size_t terminal_;
  std::vector<Row> waiting_;
  std::vector<std::string> columns_, left_out_;
  std::vector<size_t> widths_;
  bool begun_ = false;
  size_t rows_ = 0, dropped_ = 0;
};

// For people: six digits, or all before the point.
std::string ShownNumber(double number);
// The value as text; control characters are shown, not obeyed.
std::string ShownValue(const nlohmann::ordered_json& value);
// At most so many cells of a terminal, with … for what is left out.
std::string CutToWidth(const std::string& text, size_t width);
// How many cells of a terminal the text takes: ideographs and emoji take two.
size_t DisplayWidth(std::string_view text);

}  // namespace rankscope::cli
