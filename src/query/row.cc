#include "query/row.h"

#include <charconv>

#include "model/record_json.h"
#include "query/cell.h"

namespace rankscope::query {
namespace {

const model::Cell* FindColumn(const Row& row, std::string_view name) {
  for (const auto& [column, cell] : row.columns) {
    if (column == name) return &cell;
  }
  return nullptr;
}

struct CellWriter {
  std::string* out;
  void operator()(std::monostate) const { *out += "null"; }
  void operator()(int64_t value) const {
    char text[24];
    out->append(text, std::to_chars(text, text + sizeof text, value).ptr);
  }
  void operator()(double value) const { model::AppendJsonNumber(value, out); }
  void operator()(const std::string& value) const { model::AppendJsonString(value, out); }
  void operator()(model::Time value) const {
    out->push_back('"');
    model::AppendTime(value.ns, out);
    out->push_back('"');
  }
  void operator()(const model::Points& points) const {
    out->push_back('[');
    for (const auto& [at, value] : points) {
      *out += (out->back() == '[' ? "[" : ",[") + std::to_string(at) + ",";
      model::AppendJsonNumber(value, out);
      out->push_back(']');
    }
    out->push_back(']');
  }
};

}  // namespace

model::ValueView Row::Get(const model::RecordKey& key) const {
  if (const model::Cell* cell = FindColumn(*this, key.name)) return ViewOf(*cell);
  return record ? model::ValueOf(*record, key) : model::ValueView();
}

model::Cell Row::GetCell(const model::RecordKey& key) const {
  if (const model::Cell* cell = FindColumn(*this, key.name)) return *cell;
  return record ? model::ToCell(model::ValueOf(*record, key)) : model::Cell();
}

void AppendJson(const model::Cell& cell, std::string* out) { std::visit(CellWriter{out}, cell); }

const std::string& RowWriter::JsonOf(size_t column, const std::string& name) {
  if (column >= names_.size()) names_.resize(column + 1);
  auto& [plain, json] = names_[column];
  if (plain != name || json.empty()) {
    plain = name;
    json = ",";
    model::AppendJsonString(name, &json);
    json.push_back(':');
  }
  return json;
}

void RowWriter::AppendCell(size_t column, const std::string& name, const model::Cell& cell, std::string* out) {
  if (std::holds_alternative<std::monostate>(cell)) return;
  const std::string& json = JsonOf(column, name);
  size_t comma = out->back() == '{' ? 1 : 0;
  out->append(json.data() + comma, json.size() - comma);
  AppendJson(cell, out);
}

void RowWriter::Append(const Row& row, std::string* out) {
  if (row.record) {
    model::AppendJson(*row.record, out);
    out->pop_back();
  } else {
    out->push_back('{');
  }
  for (size_t i = 0; i < row.columns.size(); ++i) AppendCell(i, row.columns[i].first, row.columns[i].second, out);
  out->push_back('}');
}

size_t MemoryOf(const model::Record& record) {
  const model::Origin& origin = record.origin;
  size_t bytes = sizeof record + record.text.size() + origin.job.size() + origin.host.size();
  for (const auto& [name, value] : record.fields) {
    const auto* text = std::get_if<std::string>(&value);
    bytes += sizeof(record.fields.front()) + name.size() + (text ? text->size() : 0);
  }
  return bytes;
}

size_t MemoryOf(const Row& row) {
  size_t bytes = sizeof row + (row.record ? MemoryOf(*row.record) : 0);
  for (const auto& [name, cell] : row.columns) {
    bytes += sizeof(row.columns.front()) + name.size();
    if (const auto* text = std::get_if<std::string>(&cell)) bytes += text->size();
    if (const auto* points = std::get_if<model::Points>(&cell)) bytes += points->size() * sizeof(points->front());
  }
  return bytes;
}

}  // namespace rankscope::query
