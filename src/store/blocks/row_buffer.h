#pragma once

#include <array>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/record_view.h"
#include "store/columns/text_pieces.h"
#include "store/texts/arena.h"
#include "store/texts/hash_index.h"
#include "store/texts/new_forms.h"
#include "store/texts/template_dictionary.h"
#include "store/texts/text_template.h"

namespace rankscope::store {

// A record on its way into a block. Its texts lie in the batch that it came from.
struct Row {
  static constexpr uint32_t kEmptyText = 0, kRawText = 1, kFirstTemplate = 2;

  base::TimeNs time;
  uint64_t seq;
  int64_t step;
  const char* text;
  const model::FieldView* fields;
  uint32_t text_size;
  uint32_t origin, schema;  // indexes into the buffer's tables
  uint32_t form;            // kEmptyText, kRawText, or kFirstTemplate + number of the template
  union {
    uint32_t first_variable;
    uint32_t cut;  // of a raw text: its number among the buffer's pieces
  };
  uint16_t level;
  model::Stream stream;
  bool has_step;

  std::string_view Text() const { return {text, text_size}; }
};
static_assert(sizeof(Row) == 64, "a cache line: there are as many as records in memory");

// The records of one job, split into templates and variables, to be sorted and written as blocks. One thread.
class RowBuffer {
 public:
  explicit RowBuffer(std::shared_ptr<TemplateDictionary> dictionary) : dictionary_(std::move(dictionary)) {}

  // Makes room for so many records.
  void Reserve(size_t records);
  // REQUIRES what the record's texts lie in outlives the buffer.
  void Add(const model::RecordView& record);
  // After the last Add: decides which texts are templates, and the order of the rows: by (origin's rank, time, seq,
  // arrival).
  void Finish();

  size_t size() const { return rows_.size(); }
  // In that order, from 0 on.
  const Row& row(size_t place) const { return rows_[order_[place]]; }
  std::vector<Row> Rows(size_t begin, size_t end) const;
  const std::vector<model::Origin>& origins() const { return origins_; }
  const std::vector<std::string>& levels() const { return levels_; }
  // Names of fields, as they come together in a record.
  const std::vector<std::vector<std::string>>& schemas() const { return schemas_; }
  const Variable* variables(const Row& row) const { return variables_.data() + row.first_variable; }
  // What the raw texts are made of.
  const TextPieces& pieces() const { return pieces_; }
  const TemplateDictionary& dictionary() const { return *dictionary_; }

 private:
  static constexpr size_t kOriginPlaces = 256;
  static constexpr uint32_t kNew = uint32_t{1} << 31;  // marks the number of a new form

  uint32_t OriginOf(const model::RecordView& record);
  uint32_t FindOrAddOrigin(const model::Origin& origin);
  uint16_t LevelOf(std::string_view level);
  uint32_t SchemaOf(const model::RecordView& record);
  uint32_t FormOf(std::string_view text);
  uint32_t SplitForm(std::string_view text);
  // The forms of rows by the numbers of their new ones.
  std::vector<uint32_t> SettleNewForms();
  // Gives the new numbers of origins by their old ones.
  std::vector<uint32_t> SortOrigins();
  void OrderRows();

  std::shared_ptr<TemplateDictionary> dictionary_;
  std::vector<Row> rows_;  // as they came
  std::vector<uint32_t> order_;
  std::vector<Variable> variables_;
  Arena<model::FieldView> fields_;
  std::vector<model::Origin> origins_;
  std::vector<std::string> levels_;
  std::vector<std::vector<std::string>> schemas_;
  HashIndex schema_index_;  // by the hash of the names
  NewForms new_forms_;
  TextPieces pieces_;
  // Of batches' origins that came lately, each at the place that its address gives.
  std::array<std::pair<const model::Origin*, uint32_t>, kOriginPlaces> known_origins_{};
  uint32_t last_schema_ = 0;
  std::unordered_map<std::string, uint32_t> origin_index_;
  std::string form_, key_;
};

}  // namespace rankscope::store
