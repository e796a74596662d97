#include "cli/table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "model/words.h"

namespace rankscope::cli {
namespace {

constexpr size_t kWidest = 60;  // of a column but the last one

bool IsWide(char32_t point) {
  return (point >= 0x1100 && point <= 0x115f) || (point >= 0x2e80 && point <= 0xa4cf) ||
         (point >= 0xac00 && point <= 0xd7a3) || (point >= 0xf900 && point <= 0xfaff) ||
         (point >= 0xfe30 && point <= 0xfe6f) || (point >= 0xff00 && point <= 0xff60) ||
         (point >= 0x1f300 && point <= 0x1faff) || (point >= 0x20000 && point <= 0x3fffd);
}

// At most so many cells, with … for what is left out.
std::string Cut(const std::string& text, size_t width) {
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
  return value.is_null() ? "" : value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
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
  for (char c : RawValue(value)) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "  ";
    } else if (byte < 0x20 || byte == 0x7f) {
      char shown[8];
      std::snprintf(shown, sizeof shown, "\\x%02x", byte);
      out += shown;
    } else {
      out.push_back(c);
    }
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

bool TableWriter::Add(const Row& row) {
  if (begun_) return Print(row);
  waiting_.push_back(row);
  if (waiting_.size() == kLookAhead) Begin();
  return true;
}

void TableWriter::Begin() {
  begun_ = true;
  for (const Row& row : waiting_) {
    for (const auto& [name, value] : row.items()) {
      bool hidden = std::find(hidden_.begin(), hidden_.end(), name) != hidden_.end();
      if (!hidden && std::find(columns_.begin(), columns_.end(), name) == columns_.end()) columns_.push_back(name);
    }
  }
  // The text last: it may be as long as it likes.
  auto message = std::find_if(columns_.begin(), columns_.end(),
                              [](const std::string& name) { return name == "msg" || name == "pattern"; });
  if (format_ == Format::kTable && message != columns_.end()) std::rotate(message, message + 1, columns_.end());
  for (const std::string& name : columns_) {
    size_t width = DisplayWidth(name);
    for (const Row& row : waiting_) {
      if (row.contains(name)) width = std::max(width, DisplayWidth(ShownValue(row[name])));
    }
    widths_.push_back(std::min(width, kWidest));
  }
  if (!columns_.empty()) PrintCells(columns_);
  for (const Row& row : std::exchange(waiting_, {})) Print(row);
}

bool TableWriter::Print(const Row& row) {
  std::vector<std::string> cells;
  for (const std::string& name : columns_) {
    bool there = row.contains(name);
    cells.push_back(!there ? "" : format_ == Format::kCsv ? RawValue(row[name]) : ShownValue(row[name]));
  }
  for (const auto& [name, value] : row.items()) {
    bool known = std::find(columns_.begin(), columns_.end(), name) != columns_.end() ||
                 std::find(hidden_.begin(), hidden_.end(), name) != hidden_.end();
    dropped_ += known ? 0 : 1;
  }
  return PrintCells(cells);
}

bool TableWriter::PrintCells(const std::vector<std::string>& cells) {
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i) {
    if (format_ == Format::kCsv) {
      line += (i > 0 ? "," : "") + CsvCell(cells[i]);
    } else {
      std::string cell = i + 1 < cells.size() ? Cut(cells[i], widths_[i]) : cells[i];
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
