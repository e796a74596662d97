#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "model/record.h"
#include "store/columns/column_cache.h"
#include "store/columns/field_column.h"
#include "store/columns/slot_column.h"
#include "store/segment.h"

namespace rankscope::store {

// Of each row of a block: its place among the rows of its pool (or the raw texts), and of its schema.
struct RowPlaces {
  std::vector<uint32_t> in_pool, in_schema;
};

// The times of a block's rows in half the space: within a run each is start + since_start * BlockHeader::time_unit.
struct RunTimes {
  std::vector<base::TimeNs> starts;   // by run
  std::vector<uint32_t> since_start;  // by row
};

// Reads columns of one block as they are asked for, and rows made of them. One thread. A method that fails leaves the
// reason in status(), and every other fails from then on. Where it was a column of some rows alone (recoverable()), the
// others can be read after Forgive.
class BlockReader {
 public:
  // `cache`, which may be null, outlives the reader.
  BlockReader(std::shared_ptr<const Segment> segment, size_t block, std::shared_ptr<const BlockHeader> header,
              std::shared_ptr<const TemplateDictionary> dictionary, ColumnCache* cache = nullptr);

  const BlockHeader& header() const { return *header_; }
  const Segment& segment() const { return *segment_; }
  const std::shared_ptr<const TemplateDictionary>& dictionary() const { return dictionary_; }
  const BlockInfo& info() const { return segment_->blocks()[block_]; }
  size_t rows() const { return segment_->blocks()[block_].rows; }
  const base::Status& status() const { return status_; }
  bool ok() const { return status_.ok(); }
  bool recoverable() const { return !fatal_; }
  void Forgive() { status_ = {}; }

  // One value a row; empty after a failure.
  const std::vector<uint16_t>& classes();
  const std::vector<base::TimeNs>& times();  // ns
  const RunTimes* run_times();               // null also where a run is too long for that
  // The rows of a class, ascending, and the times of these rows alone; as the others, without reading them again.
  std::shared_ptr<const std::vector<uint32_t>> class_rows(uint16_t number);
  const RunTimes* class_times(uint16_t number);
  const std::vector<int64_t>& seqs();
  const std::vector<int64_t>& steps();     // of those that have one, else 0
  const std::vector<uint32_t>& origins();  // index into header().origins

  const std::vector<uint32_t>& pool_places() { return Places().in_pool; }
  const std::vector<uint32_t>& schema_places() { return Places().in_schema; }

  // The field's values, one a row of the schema. Null after a failure.
  const model::FieldView* Field(uint32_t schema, size_t field);
  // Null after a failure.
  const SlotColumn* SlotOf(uint32_t pool, size_t slot);
  const Texts* raw_texts();
  // The field's values where all are numbers of one sort. Null also where they are not.
  const NumberColumn* Numbers(uint32_t schema, size_t field);
  // The bytes of a slot of UUIDs, 16 each.
  std::shared_ptr<const std::string> Uuids(uint32_t pool, size_t slot);
  // The word filter of a slot, or of the raw texts. Null where it cannot be read, which is no failure: it only narrows.
  std::shared_ptr<const std::string> SlotFilter(uint32_t pool, size_t slot);
  std::shared_ptr<const std::string> RawTextFilter();

  // Appends the row's text.
  bool AppendText(uint32_t row, std::string* out);
  // Overwrites *record; fields only when `with_fields`.
  bool ReadRow(uint32_t row, bool with_text, bool with_fields, model::Record* record);
  // The same with the chosen fields alone: by schema, their places in its names.
  using FieldChoice = std::vector<std::vector<uint32_t>>;
  bool ReadRow(uint32_t row, bool with_text, const FieldChoice& fields, model::Record* record);

 private:
  using Form = ColumnCache::Form;

  bool Fail(uint32_t column);
  const FieldColumn* Fields(uint32_t column, size_t count);
  std::optional<std::string> Bytes(uint32_t column);
  bool ReadIntegers(uint32_t column, size_t count, std::vector<int64_t>* values);
  bool DecodeClasses(std::vector<uint16_t>* classes);
  bool DecodeTimes(std::vector<base::TimeNs>* times);
  bool DecodeRunTimes(RunTimes* times);
  std::shared_ptr<const std::string> Filter(uint32_t column);
  bool DecodeSteps(std::vector<int64_t>* steps);
  const RowPlaces& Places();
  void Place(RowPlaces* places);
  bool JoinTemplate(const RowClass& row_class, uint32_t place, std::string* out);
  bool ReadHead(uint32_t row, bool with_text, model::Record* record);
  bool ReadField(uint32_t schema, size_t field, uint32_t place, model::FieldValue* value);
  template <typename T>
  T& Of(uint32_t column, std::vector<T>* by_column) const;  // made when first asked for: many blocks end before that
  ColumnCache::Key KeyOf(uint32_t column, Form form) const;
  // From the cache, or what `decode` makes, which says whether it could and how many bytes it takes.
  template <typename T, typename Decode>
  std::shared_ptr<const T> Cached(uint32_t column, Form form, const Decode& decode);

  std::shared_ptr<const Segment> segment_;
  size_t block_;
  std::shared_ptr<const BlockHeader> header_;
  std::shared_ptr<const TemplateDictionary> dictionary_;
  base::Status status_;
  bool fatal_ = false;
  ColumnCache* cache_;
  // By column: Of() makes them.
  std::vector<char> damaged_;
  std::vector<std::shared_ptr<const FieldColumn>> fields_;
  std::vector<std::shared_ptr<const NumberColumn>> numbers_;
  std::vector<std::shared_ptr<const SlotColumn>> slots_;

  std::shared_ptr<const std::vector<uint16_t>> classes_;
  std::shared_ptr<const std::vector<base::TimeNs>> times_;
  std::shared_ptr<const RunTimes> run_times_, class_times_;
  std::shared_ptr<const std::vector<int64_t>> steps_;
  std::vector<int64_t> seqs_;
  std::vector<uint32_t> origins_;
  std::shared_ptr<const RowPlaces> places_;
  std::shared_ptr<const Texts> raw_texts_;
  std::vector<Variable> variables_;
  std::string scratch_;  // of variables
};

}  // namespace rankscope::store
