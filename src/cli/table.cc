#include "cli/table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <numeric>
#include <string_view>
#include <utility>

#include "base/json_text.h"
#include "model/shown.h"
#include "model/words.h"

namespace rankscope::cli {
namespace {

constexpr size_t kWidest = 60;      // of a column but the last one; without a terminal what is longer sticks out
constexpr size_t kNarrowText = 16;  // a text is not cut to less; for fields' sake, not to less than a third of all
constexpr char32_t kReplacement = 0xfffd;

bool IsWide(char32_t point) {
  return (point >= 0x1100 && point <= 0x115f) || (point >= 0x2e80 && point <= 0xa4cf) ||
         (point >= 0xac00 && point <= 0xd7a3) || (point >= 0xf900 && point <= 0xfaff) ||
         (point >= 0xfe30 && point <= 0xfe6f) || (point >= 0xff00 && point <= 0xff60) ||
         (point >= 0x1f300 && point <= 0x1faff) || (point >= 0x20000 && point <= 0x3fffd);
}

// A record's own keys, as its JSON form has them.
constexpr std::array<std::string_view, 13> kRecordKeys = {"timestamp", "project",    "job_id", "attempt", "node_rank",
                                                          "rank",      "local_rank", "host",   "stream",  "seq",
                                                          "step",      "level",      "msg"};

// Fields come after all of them.
size_t PlaceOf(std::string_view name) {
  return static_cast<size_t>(std::find(kRecordKeys.begin(), kRecordKeys.end(), name) - kRecordKeys.begin());
}

bool IsText(std::string_view column) { return column == "msg" || column == "pattern"; }

bool Has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string CsvCell(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string out = "\"";
  for (char c : text) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  return out + "\"";
}

std::string RawValue(const nlohmann::ordered_json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_null() ? "" : base::JsonText(value);
}

}  // namespace

std::string ShownNumber(double number) {
  bool large = std::fabs(number) >= 1e5 && std::fabs(number) < 1e15;
  char text[32];
  std::snprintf(text, sizeof text, large ? "%.0f" : "%.6g", number);
  return text;
}

std::string ShownValue(const nlohmann::ordered_json& value) {
  if (value.is_number_float()) return ShownNumber(value.get<double>());
  std::string out;
  const std::string raw = RawValue(value);
  for (std::string_view rest = raw; !rest.empty();) {
    model::CodePoint point = model::FirstCodePoint(rest);
    if (point.value == '\n') {
      out += "\\n";
    } else if (point.value == '\t') {
      out += "  ";
    } else if (model::IsControl(point.value)) {
      char shown[8];
      std::snprintf(shown, sizeof shown, "\\x%02x", static_cast<unsigned>(point.value));
      out += shown;
    } else {
      out += point.value == kReplacement ? "\ufffd" : rest.substr(0, point.size);
    }
    rest.remove_prefix(point.size);
  }
  return out;
}

size_t DisplayWidth(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    model::CodePoint point = model::FirstCodePoint(text);
    width += IsWide(point.value) ? 2 : 1;
    text.remove_prefix(point.size);
  }
  return width;
}

std::string CutToWidth(const std::string& text, size_t width) {
  if (DisplayWidth(text) <= width) return text;
  std::string out;
  size_t used = 1;
  for (std::string_view rest = text; !rest.empty();) {
    model::CodePoint point = model::FirstCodePoint(rest);
    used += IsWide(point.value) ? 2 : 1;
    if (used > width) break;
    out += rest.substr(0, point.size);
    rest.remove_prefix(point.size);
  }
  return out + "…";
}

bool TableWriter::Add(const Row& row) {
  ++rows_;
  if (begun_) return Print(row);
  waiting_.push_back(row);
  if (waiting_.size() == kLookAhead) Begin();
  return true;
}

void TableWriter::Begin() {
  begun_ = true;
  if (columns_.empty()) FindColumns();
  MeasureColumns();
  if (terminal_ > 0) FitTerminal();
  if (!columns_.empty() && (rows_ > 0 || format_ == Format::kCsv)) PrintCells(columns_);
  for (const Row& row : std::exchange(waiting_, {})) Print(row);
}

void TableWriter::FindColumns() {
  if (format_ == Format::kTable) HideWhatMachinesWant();
  for (const Row& row : waiting_) {
    bool first = &row == &waiting_.front();
    for (const auto& [name, value] : row.items()) {
      if (!Has(hidden_, name) && !Has(columns_, name)) AddColumn(name, first);
    }
  }
  // A pattern is as long as it likes, and stands last.
  auto pattern = std::find(columns_.begin(), columns_.end(), "pattern");
  if (format_ == Format::kTable && pattern != columns_.end()) std::rotate(pattern, pattern + 1, columns_.end());
}

// Rows that a pipe has made are not whole: they have what was asked for.
void TableWriter::HideWhatMachinesWant() {
  const std::string_view kOfWhole[] = {"project", "attempt", "seq"};
  auto has = [this](std::string_view name) { return waiting_.front().contains(name); };
  if (waiting_.empty() || !std::all_of(std::begin(kOfWhole), std::end(kOfWhole), has)) return;
  hidden_.insert(hidden_.end(), {"project", "seq", "local_rank"});
  bool first =
      std::all_of(waiting_.begin(), waiting_.end(), [](const Row& row) { return row.value("attempt", Row()) == 0; });
  if (first) hidden_.emplace_back("attempt");
}

void TableWriter::AddColumn(const std::string& name, bool of_first_row) {
  size_t place = PlaceOf(name);
  auto behind = [&](const std::string& column) { return PlaceOf(column) > place; };
  auto at = of_first_row ? columns_.end() : std::find_if(columns_.begin(), columns_.end(), behind);
  columns_.insert(at, name);
}

void TableWriter::MeasureColumns() {
  for (const std::string& name : columns_) {
    size_t width = DisplayWidth(name);
    for (const Row& row : waiting_) {
      if (row.contains(name)) width = std::max(width, DisplayWidth(ShownValue(row[name])));
    }
    bool may_fill = IsText(name) && terminal_ > 0;
    widths_.push_back(may_fill ? width : std::min(width, kWidest));
  }
}

size_t TableWriter::LineWidth() const {
  return std::accumulate(widths_.begin(), widths_.end(), 2 * (std::max<size_t>(widths_.size(), 1) - 1));
}

// Of records, the last fields go as far as there is no room, then where they are from; the text takes what is left.
// Where it stands last without fields it may wrap, and so may other tables.
void TableWriter::FitTerminal() {
  if (!Has(columns_, "timestamp")) return;
  auto text = [this] { return std::find(columns_.begin(), columns_.end(), "msg") - columns_.begin(); };
  auto width_of_text = widths_.begin() + text();
  const size_t natural = width_of_text == widths_.end() ? 0 : *width_of_text;
  if (natural > 0) *width_of_text = std::min(natural, std::max(kNarrowText, terminal_ / 3));
  auto is_narrow = [this] { return LineWidth() <= terminal_; };
  while (!is_narrow() && PlaceOf(columns_.back()) == kRecordKeys.size()) LeaveOut(columns_.back());
  if (natural > 0 && !is_narrow()) widths_[static_cast<size_t>(text())] = std::min(natural, kNarrowText);
  for (const char* name : {"host", "node_rank", "job_id"}) {
    if (!is_narrow() && Has(columns_, name)) LeaveOut(name);
  }
  size_t room = is_narrow() ? terminal_ - LineWidth() : 0;
  if (natural > 0)
    widths_[static_cast<size_t>(text())] = std::min(natural, widths_[static_cast<size_t>(text())] + room);
}

void TableWriter::LeaveOut(std::string name) {
  left_out_.insert(left_out_.begin(), name);
  auto at = std::find(columns_.begin(), columns_.end(), name);
  widths_.erase(widths_.begin() + (at - columns_.begin()));
  columns_.erase(at);
  hidden_.push_back(std::move(name));
}

bool TableWriter::Print(const Row& row) {
  std::vector<std::string> cells;
  for (const std::string& name : columns_) {
    bool there = row.contains(name);
    cells.push_back(!there ? "" : format_ == Format::kCsv ? RawValue(row[name]) : ShownValue(row[name]));
  }
  for (const auto& [name, value] : row.items()) {
    dropped_ += Has(columns_, name) || Has(hidden_, name) ? 0 : 1;
  }
  return PrintCells(cells);
}

bool TableWriter::PrintCells(const std::vector<std::string>& cells) {
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i) {
    if (format_ == Format::kCsv) {
      line += (i > 0 ? "," : "") + CsvCell(cells[i]);
    } else {
      bool whole = terminal_ == 0 || (i + 1 == cells.size() && left_out_.empty());
      std::string cell = whole ? cells[i] : CutToWidth(cells[i], widths_[i]);
      size_t width = DisplayWidth(cell);
      line += (i > 0 ? "  " : "") + cell + std::string(widths_[i] > width ? widths_[i] - width : 0, ' ');
    }
  }
  if (format_ == Format::kTable) line.erase(line.find_last_not_of(' ') + 1);
  line.push_back('\n');
  return std::fwrite(line.data(), 1, line.size(), out_) == line.size();
}

void TableWriter::Finish() {
  if (!begun_) Begin();
}

}  // namespace rankscope::cli
