#pragma once

#include <string>
#include <utility>
#include <vector>

#include "model/aggregation.h"
#include "model/record.h"
#include "model/record_value.h"

namespace rankscope::query {

// A row on its way through the pipes: a record, with the columns that pipes have added, or columns alone.
struct Row {
  const model::Record* record = nullptr;
  std::vector<std::pair<std::string, model::Cell>> columns;

  static Row Of(const model::Record& record) { return {&record, {}}; }

  // A column of that name, else the record's value; texts point into the row.
  model::ValueView Get(const model::RecordKey& key) const;
  // The same as a value of its own.
  model::Cell GetCell(const model::RecordKey& key) const;
};

// Writes rows, each as one flat JSON object, no newline. Cells without a value are left out.
class RowWriter {
 public:
  void Append(const Row& row, std::string* out);

 private:
  struct Name {
    std::string plain, json;  // after a comma, with the colon
  };
  void AppendCell(size_t column, const std::string& name, const model::Cell& cell, std::string* out);
  const std::string& JsonOf(size_t column, const std::string& name);

  std::vector<Name> names_;  // of the last row's columns, which are mostly the next one's
};
void AppendJson(const model::Cell& cell, std::string* out);

// Bytes that the row holds beside its record, about; with the record's own.
size_t MemoryOf(const Row& row);
size_t MemoryOf(const model::Record& record);

}  // namespace rankscope::query
