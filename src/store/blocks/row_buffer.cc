#include "store/blocks/row_buffer.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

#include "base/coding.h"

namespace rankscope::store {
namespace {

constexpr uint32_t kWorthATemplate = 2;  // times seen
constexpr size_t kMaxLevels = 60000;

auto SortKey(const model::Origin& origin) {
  return std::tuple(origin.rank, origin.node_rank, origin.attempt, origin.local_rank, std::string_view(origin.host));
}

bool HasNames(const model::RecordView& record, const std::vector<std::string>& names) {
  return std::equal(record.fields.begin(), record.fields.end(), names.begin(), names.end(),
                    [](const model::FieldView& field, const std::string& name) { return field.name == name; });
}

}  // namespace

void RowBuffer::Reserve(size_t records) {
  constexpr size_t kVariablesARecord = 6;
  rows_.reserve(records);
  variables_.reserve(records * kVariablesARecord);
}

void RowBuffer::Add(const model::RecordView& record) {
  Row row{};
  row.time = record.time;
  row.seq = record.seq;
  row.has_step = record.step.has_value();
  row.step = record.step.value_or(0);
  row.stream = record.stream;
  row.text = record.text.data();
  row.text_size = static_cast<uint32_t>(record.text.size());
  row.origin = OriginOf(record);
  row.level = LevelOf(record.level);
  row.schema = SchemaOf(record);
  row.fields = fields_.Keep(record.fields.data(), record.fields.size());
  row.first_variable = static_cast<uint32_t>(variables_.size());
  row.form = FormOf(record.text);
  // Now, while the text is near: rows of one rank lie far from each other.
  if (row.form == Row::kRawText) row.cut = pieces_.Add(record.text);
  rows_.push_back(row);
}

// Within a batch the same origin has the same address, which no other batch has as long as its records are here.
uint32_t RowBuffer::OriginOf(const model::RecordView& record) {
  size_t place = reinterpret_cast<uintptr_t>(record.origin) / alignof(model::Origin) * 0x9e3779b97f4a7c15u >> 56;
  auto& [origin, index] = known_origins_[place];
  if (origin != record.origin) {
    index = FindOrAddOrigin(*record.origin);
    origin = record.origin;
  }
  return index;
}

uint32_t RowBuffer::FindOrAddOrigin(const model::Origin& origin) {
  key_.clear();
  base::PutSigned(&key_, origin.attempt);
  for (const std::optional<int32_t>& part : {origin.node_rank, origin.rank, origin.local_rank}) {
    key_.push_back(part ? 1 : 0);  // none is no number, -1 is one
    base::PutSigned(&key_, part.value_or(0));
  }
  key_ += origin.host;
  auto [at, added] = origin_index_.try_emplace(key_, static_cast<uint32_t>(origins_.size()));
  if (added) origins_.push_back(origin);
  return at->second;
}

uint16_t RowBuffer::LevelOf(std::string_view level) {
  for (size_t i = 0; i < levels_.size(); ++i) {
    if (levels_[i] == level) return static_cast<uint16_t>(i);
  }
  if (levels_.size() == kMaxLevels) return 0;
  levels_.emplace_back(level);
  return static_cast<uint16_t>(levels_.size() - 1);
}

uint32_t RowBuffer::SchemaOf(const model::RecordView& record) {
  if (last_schema_ < schemas_.size() && HasNames(record, schemas_[last_schema_])) return last_schema_;
  key_.clear();
  for (const model::FieldView& field : record.fields) base::PutString(&key_, field.name);
  auto fresh = static_cast<uint32_t>(schemas_.size());
  uint32_t schema = schema_index_.At(base::Checksum(key_), fresh);
  if (schema != fresh && !HasNames(record, schemas_[schema])) schema = fresh;  // another one has its hash
  if (schema == fresh) {
    auto& names = schemas_.emplace_back();
    names.reserve(record.fields.size());
    for (const model::FieldView& field : record.fields) names.emplace_back(field.name);
  }
  // Records without fields come between: they do not make the others forgotten.
  if (!record.fields.empty()) last_schema_ = schema;
  return schema;
}

uint32_t RowBuffer::FormOf(std::string_view text) {
  if (text.empty()) return Row::kEmptyText;
  FormHabits::Habit* habit = dictionary_->habits()->Of(text);
  if (!habit->WorthSplitting()) return Row::kRawText;
  uint32_t form = SplitForm(text);
  habit->Note(form != Row::kRawText && (!(form & kNew) || new_forms_.forms()[form & ~kNew].count > 1));
  return form;
}

uint32_t RowBuffer::SplitForm(std::string_view text) {
  size_t before = variables_.size();
  if (!SplitText(text, &form_, &variables_)) return Row::kRawText;
  uint64_t hash = TemplateDictionary::HashOf(form_);
  if (uint32_t id = dictionary_->Find(form_, hash); id != TemplateDictionary::kNone) return Row::kFirstTemplate + id;
  // Without variables it is the text itself, of which there are many, each seen once.
  bool is_text = variables_.size() == before;
  uint32_t number = new_forms_.Count(is_text ? text : form_, hash, is_text);
  return number == NewForms::kNone ? Row::kRawText : kNew | number;
}

std::vector<uint32_t> RowBuffer::SettleNewForms() {
  std::vector<uint32_t> forms;
  forms.reserve(new_forms_.forms().size());
  for (const NewForms::Form& form : new_forms_.forms()) {
    bool worth = form.count >= kWorthATemplate || dictionary_->NoteSeen(form.hash, form.count) >= kWorthATemplate;
    uint32_t id = worth ? dictionary_->Add(form.text) : TemplateDictionary::kNone;
    forms.push_back(id == TemplateDictionary::kNone ? Row::kRawText : Row::kFirstTemplate + id);
  }
  return forms;
}

std::vector<uint32_t> RowBuffer::SortOrigins() {
  std::vector<uint32_t> order(origins_.size()), numbers(origins_.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return SortKey(origins_[a]) < SortKey(origins_[b]); });
  std::vector<model::Origin> sorted(origins_.size());
  for (uint32_t i = 0; i < order.size(); ++i) {
    numbers[order[i]] = i;
    sorted[i] = std::move(origins_[order[i]]);
  }
  origins_ = std::move(sorted);
  return numbers;
}

void RowBuffer::Finish() {
  const std::vector<uint32_t> forms = SettleNewForms(), origins = SortOrigins();
  for (Row& row : rows_) {
    row.origin = origins[row.origin];
    if (!(row.form & kNew)) continue;
    row.form = forms[row.form & ~kNew];
    if (row.form == Row::kRawText) row.cut = pieces_.Add(row.Text());
  }
  OrderRows();
}

// By origin without comparing; rows of one origin mostly come in the order of their times.
void RowBuffer::OrderRows() {
  std::vector<size_t> ends(origins_.size() + 1);
  std::vector<const Row*> latest(origins_.size());
  std::vector<bool> mixed(origins_.size());
  for (const Row& row : rows_) {
    ++ends[row.origin + 1];
    const Row* before = std::exchange(latest[row.origin], &row);
    if (before && std::tie(row.time, row.seq) < std::tie(before->time, before->seq)) mixed[row.origin] = true;
  }
  std::partial_sum(ends.begin(), ends.end(), ends.begin());
  std::vector<size_t> next = ends;
  order_.resize(rows_.size());
  for (uint32_t i = 0; i < rows_.size(); ++i) order_[next[rows_[i].origin]++] = i;
  auto earlier = [this](uint32_t a, uint32_t b) {
    return std::tie(rows_[a].time, rows_[a].seq, a) < std::tie(rows_[b].time, rows_[b].seq, b);
  };
  for (size_t i = 0; i < origins_.size(); ++i) {
    auto begin = order_.begin() + static_cast<long>(ends[i]), end = order_.begin() + static_cast<long>(ends[i + 1]);
    if (mixed[i]) std::sort(begin, end, earlier);
  }
}

std::vector<Row> RowBuffer::Rows(size_t begin, size_t end) const {
  constexpr size_t kAhead = 16;
  std::vector<Row> rows;
  rows.reserve(end - begin);
  for (size_t place = begin; place < end; ++place) {
    __builtin_prefetch(&row(std::min(place + kAhead, end - 1)));
    rows.push_back(row(place));
  }
  return rows;
}

}  // namespace rankscope::store
