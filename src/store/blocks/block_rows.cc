#include "store/blocks/block_reader.h"

// The rows that BlockReader makes of the columns.
namespace rankscope::store {
namespace {

// These and no others, in this order.
bool HasMarkers(std::string_view form, std::string_view markers) {
  size_t next = 0;
  for (char c : form) {
    if (IsMarker(c) && (next == markers.size() || markers[next++] != c)) return false;
  }
  return next == markers.size();
}

}  // namespace

bool BlockReader::AppendText(uint32_t row, std::string* out) {
  if (classes().empty() || pool_places().empty()) return false;
  const RowClass& row_class = header_->classes[classes()[row]];
  if (row_class.form == Row::kEmptyText) return true;
  if (row_class.form != Row::kRawText) return JoinTemplate(row_class, pool_places()[row], out);
  const Texts* texts = raw_texts();
  if (texts) out->append(texts->texts[pool_places()[row]]);
  return texts != nullptr;
}

bool BlockReader::JoinTemplate(const RowClass& row_class, uint32_t place, std::string* out) {
  uint32_t id = row_class.form - Row::kFirstTemplate;
  // The dictionary's file is damaged and this template lay behind the damage.
  if (id >= dictionary_->size()) return Fail(kWordsColumn);
  const std::string& form = dictionary_->form(id);
  const std::string& markers = header_->pools[row_class.pool];
  if (!HasMarkers(form, markers)) return Fail(kWordsColumn);
  variables_.resize(markers.size());
  scratch_.resize(markers.size() * SlotColumn::kScratchBytes);
  for (size_t slot = 0; slot < markers.size(); ++slot) {
    const SlotColumn* column = SlotOf(row_class.pool, slot);
    if (!column) return false;
    variables_[slot] = column->At(place, scratch_.data() + slot * SlotColumn::kScratchBytes);
  }
  JoinText(form, variables_.data(), out);
  return true;
}

bool BlockReader::ReadField(uint32_t schema, size_t field, uint32_t place, model::FieldValue* value) {
  if (const NumberColumn* numbers = Numbers(schema, field)) {
    if (numbers->integers) {
      *value = numbers->whole[place];
    } else {
      *value = numbers->doubles[place];
    }
    return true;
  }
  const model::FieldView* values = Field(schema, field);
  if (values) *value = values[place].Value();
  return values != nullptr;
}

bool BlockReader::ReadHead(uint32_t row, bool with_text, model::Record* record) {
  if (times().empty() || seqs().empty() || steps().empty() || pool_places().empty()) return false;
  const RowClass& row_class = header_->classes[classes()[row]];
  const model::Origin& origin = header_->origins[origins()[row]];
  model::Origin& out = record->origin;
  if (out.project != segment_->project()) out.project = segment_->project();
  if (out.job != segment_->job()) out.job = segment_->job();
  SetPlace(origin, &out);
  record->stream = row_class.stream;
  record->time = times()[row];
  record->seq = static_cast<uint64_t>(seqs_[row]);
  record->step.reset();
  if (row_class.has_step) record->step = (*steps_)[row];
  record->level = header_->levels[row_class.level];
  record->text.clear();
  return !with_text || AppendText(row, &record->text);
}

bool BlockReader::ReadRow(uint32_t row, bool with_text, bool with_fields, model::Record* record) {
  if (!ReadHead(row, with_text, record)) return false;
  uint16_t schema = header_->classes[classes()[row]].schema;
  const auto& names = header_->schemas[schema];
  record->fields.resize(with_fields ? names.size() : 0);
  for (size_t i = 0; i < record->fields.size(); ++i) {
    record->fields[i].first = names[i];
    if (!ReadField(schema, i, schema_places()[row], &record->fields[i].second)) return false;
  }
  return true;
}

bool BlockReader::ReadRow(uint32_t row, bool with_text, const FieldChoice& fields, model::Record* record) {
  if (!ReadHead(row, with_text, record)) return false;
  uint16_t schema = header_->classes[classes()[row]].schema;
  record->fields.resize(fields[schema].size());
  for (size_t i = 0; i < record->fields.size(); ++i) {
    uint32_t field = fields[schema][i];
    record->fields[i].first = header_->schemas[schema][field];
    if (!ReadField(schema, field, schema_places()[row], &record->fields[i].second)) return false;
  }
  return true;
}

}  // namespace rankscope::store
