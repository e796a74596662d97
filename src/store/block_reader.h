#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "model/record.h"
#include "store/field_column.h"
#include "store/segment.h"
#include "store/slot_column.h"

namespace rankscope::store {

// Reads columns of one block as they are asked for, and rows made of them. One thread. A method that fails leaves the
// reason in status(), and every other fails from then on. Where it was a column of some rows alone (recoverable()), the
// others can be read after Forgive.
class BlockReader {
 public:
  BlockReader(std::shared_ptr<const Segment> segment, size_t block, std::shared_ptr<const BlockHeader> header,
              std::shared_ptr<const TemplateDictionary> dictionary);

  const BlockHeader& header() const { return *header_; }
  const Segment& segment() const { return *segment_; }
  const BlockInfo& info() const { return segment_->blocks()[block_]; }
  size_t rows() const { return segment_->blocks()[block_].rows; }
  const base::Status& status() const { return status_; }
  bool ok() const { return status_.ok(); }
  bool recoverable() const { return !fatal_; }
  void Forgive() { status_ = {}; }

  // One value a row; empty after a failure.
  const std::vector<uint16_t>& classes();
  const std::vector<base::TimeNs>& times();  // ns
  const std::vector<int64_t>& seqs();
  const std::vector<int64_t>& steps();     // of those that have one, else 0
  const std::vector<uint32_t>& origins();  // index into header().origins

  // Each row's place among the rows of its pool, schema, or raw texts.
  const std::vector<uint32_t>& pool_places();
  const std::vector<uint32_t>& schema_places();

  // Null after a failure.
  const FieldColumn* Field(uint32_t schema, size_t field);
  const SlotColumn* SlotOf(uint32_t pool, size_t slot);
  const Texts* raw_texts();
  // The bytes of a column.
  std::optional<std::string> Bytes(uint32_t column);

  // Appends the row's text.
  bool AppendText(uint32_t row, std::string* out);
  // Overwrites *record; fields only when `with_fields`.
  bool ReadRow(uint32_t row, bool with_text, bool with_fields, model::Record* record);

 private:
  bool Fail(uint32_t column);
  bool ReadIntegers(uint32_t column, size_t count, std::vector<int64_t>* values);
  void Place();

  std::shared_ptr<const Segment> segment_;
  size_t block_;
  std::shared_ptr<const BlockHeader> header_;
  std::shared_ptr<const TemplateDictionary> dictionary_;
  base::Status status_;
  bool fatal_ = false;
  std::vector<char> damaged_;  // by column
  std::vector<uint16_t> classes_;
  std::vector<base::TimeNs> times_;
  std::vector<int64_t> seqs_, steps_;
  std::vector<uint32_t> origins_, pool_places_, schema_places_;
  std::vector<std::unique_ptr<FieldColumn>> fields_;
  std::vector<std::unique_ptr<SlotColumn>> slots_;
  std::unique_ptr<Texts> raw_texts_;
  std::vector<Variable> variables_;
};

}  // namespace rankscope::store
