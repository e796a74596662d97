#include "query/table_writer.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "model/record_json.h"
#include "query/row.h"

namespace rankscope::query {
namespace {

constexpr size_t kMostNumberBytes = 32;  // also of a time, with its quotes
constexpr size_t kHeadBytes = 32;        // are copied at a time
constexpr size_t kSomeRows = 64;

// Copies whole kHeadBytes, of which those behind the size do not count.
char* Copy(const char* from, size_t size, char* at) {
  for (size_t copied = 0; copied < size; copied += kHeadBytes) std::memcpy(at + copied, from + copied, kHeadBytes);
  return at + size;
}

}  // namespace

void TableWriter::SetColumns(const std::vector<std::string>& names) {
  if (names == names_ && !heads_.empty()) return;
  names_ = names;
  heads_.clear();
  row_bytes_ = kHeadBytes;
  for (const std::string& name : names) {
    std::string text = ",";
    model::AppendJsonString(name, &text);
    text.push_back(':');
    size_t size = text.size();
    text.resize(size + kHeadBytes + 1);
    row_bytes_ += text.size() + kMostNumberBytes;
    heads_.push_back({std::move(text), size});
  }
}

size_t TableWriter::Write(const model::Cell* cells, size_t rows, std::string* out) {
  if (out->empty()) out->resize(row_bytes_);
  char* at = out->data();
  for (size_t row = 0; row < rows; ++row, cells += heads_.size()) {
    auto size = static_cast<size_t>(at - out->data());
    if (out->size() - size < row_bytes_) {
      out->resize(2 * size + kSomeRows * row_bytes_);
      at = out->data() + size;
    }
    at = WriteRow(cells, at, out);
  }
  return static_cast<size_t>(at - out->data());
}

char* TableWriter::WriteRow(const model::Cell* cells, char* at, std::string* out) {
  *at++ = '{';
  size_t comma = 1;  // the first one is left out
  for (size_t i = 0; i < heads_.size(); ++i) {
    const model::Cell& cell = cells[i];
    if (std::holds_alternative<std::monostate>(cell)) continue;
    at = Copy(heads_[i].text.data() + comma, heads_[i].size - comma, at);
    comma = 0;
    const auto* number = std::get_if<double>(&cell);
    if (const auto* whole = std::get_if<int64_t>(&cell)) {
      at = std::to_chars(at, at + kMostNumberBytes, *whole).ptr;
    } else if (number && std::isfinite(*number) && *number != 0) {
      at = std::to_chars(at, at + kMostNumberBytes, *number).ptr;
    } else if (const auto* time = std::get_if<model::Time>(&cell)) {
      *at++ = '"';
      at = model::WriteTime(time->ns, at);
      *at++ = '"';
    } else {
      scratch_.clear();
      AppendJson(cell, &scratch_);
      auto size = static_cast<size_t>(at - out->data());
      out->resize(std::max(out->size(), size + scratch_.size() + row_bytes_));
      at = out->data() + size;
      std::memcpy(at, scratch_.data(), scratch_.size());
      at += scratch_.size();
    }
  }
  *at++ = '}';
  *at++ = '\n';
  return at;
}

}  // namespace rankscope::query
