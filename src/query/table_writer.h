#pragma once

#include <string>
#include <vector>

#include "model/aggregation.h"

namespace rankscope::query {

// Writes rows of one table, each as a JSON object with a newline behind it. Cells without a value are left out. Most
// cells of large tables are numbers and times: these are written straight into place. One thread.
class TableWriter {
 public:
  // The columns of the rows to come.
  void SetColumns(const std::vector<std::string>& names);
  // Writes `rows` of them, whose cells follow each other, over *out and gives how many bytes of it they take.
  size_t Write(const model::Cell* cells, size_t rows, std::string* out);

 private:
  // What stands before a value: comma, name, colon. Bytes behind it may be read.
  struct Head {
    std::string text;
    size_t size;
  };

  char* WriteRow(const model::Cell* cells, char* at, std::string* out);

  std::vector<std::string> names_;
  std::vector<Head> heads_;
  size_t row_bytes_ = 0;  // that a row of numbers and times may take
  std::string scratch_;
};

}  // namespace rankscope::query
