#include "model/record_batch.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

namespace rankscope::model {
namespace {

constexpr uint8_t kVersion = 2;
// The head byte of a record: its stream, and what follows.
constexpr uint8_t kStreamMask = 0x0f;
constexpr uint8_t kHasStep = 0x10;
constexpr uint8_t kHasLevel = 0x20;
constexpr uint8_t kHasFields = 0x40;
// Of a batch's memory, the part that may be unused for as long as the batch lives; else its bytes are copied.
constexpr size_t kMostSpare = 8;
// How a field's value is written.
enum class FieldCode : uint8_t { kDouble, kInteger, kText, kDecimal };

// Stands for none. The number itself is written as the next smaller one.
constexpr int64_t kNone = std::numeric_limits<int32_t>::min();

void PutOptional(std::string* out, const std::optional<int32_t>& value) {
  base::PutSigned(out, !value ? kNone : *value == kNone ? kNone - 1 : int64_t{*value});
}

std::optional<int32_t> ReadOptional(base::ByteReader* in) {
  int64_t value = in->Signed();
  if (value == kNone) return std::nullopt;
  return static_cast<int32_t>(std::max(value, kNone));
}

void PutOrigin(std::string* out, const Origin& origin) {
  base::PutString(out, origin.project);
  base::PutString(out, origin.job);
  base::PutSigned(out, origin.attempt);
  PutOptional(out, origin.node_rank);
  PutOptional(out, origin.rank);
  PutOptional(out, origin.local_rank);
  base::PutString(out, origin.host);
}

Origin ReadOrigin(base::ByteReader* in) {
  Origin origin;
  origin.project = in->String();
  origin.job = in->String();
  origin.attempt = static_cast<int32_t>(in->Signed());
  origin.node_rank = ReadOptional(in);
  origin.rank = ReadOptional(in);
  origin.local_rank = ReadOptional(in);
  origin.host = in->String();
  return origin;
}

uint64_t Hash(const Origin& origin) {
  uint64_t hash = std::hash<std::string_view>()(origin.host) ^ std::hash<std::string_view>()(origin.job);
  for (int64_t part : {int64_t{origin.attempt}, int64_t{origin.node_rank.value_or(-1)},
                       int64_t{origin.rank.value_or(-1)}, int64_t{origin.local_rank.value_or(-1)}}) {
    hash = (hash ^ static_cast<uint64_t>(part)) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 29;
  }
  return hash;
}

// What mostly differs comes first.
bool AreSame(const Origin& a, const Origin& b) {
  return a.rank == b.rank && a.attempt == b.attempt && a.node_rank == b.node_rank && a.local_rank == b.local_rank &&
         a.host == b.host && a.job == b.job && a.project == b.project;
}

base::Status Malformed() { return base::Status::Corrupt("record batch: malformed"); }

char* WriteText(char* at, std::string_view text) {
  at = base::WriteVarint(at, text.size());
  return std::copy(text.begin(), text.end(), at);
}

char* WriteField(char* at, const FieldView& field, uint64_t name) {
  auto head = [&](FieldCode code) { at = base::WriteVarint(at, name << 2 | static_cast<uint64_t>(code)); };
  switch (field.kind) {
    case FieldView::Kind::kInteger:
      head(FieldCode::kInteger);
      return base::WriteSigned(at, field.integer);
    case FieldView::Kind::kText:
      head(FieldCode::kText);
      return WriteText(at, field.text);
    case FieldView::Kind::kDouble:
      break;
  }
  if (field.decimals < 0) {
    head(FieldCode::kDouble);
    return base::WriteDouble(at, field.number);
  }
  head(FieldCode::kDecimal);
  *at++ = static_cast<char>(field.decimals);
  return base::WriteSigned(at, field.integer);
}

// As which it takes no more.
size_t MostBytes(const RecordView& record) {
  constexpr size_t kHead = 1 + 7 * base::kMaxVarintBytes, kField = 1 + 2 * base::kMaxVarintBytes;
  size_t bytes = kHead + record.text.size();
  for (const FieldView& field : record.fields) bytes += kField + field.text.size();
  return bytes;
}

// Unsigned, so that it may wrap.
int64_t Delta(int64_t value, int64_t before) {
  return static_cast<int64_t>(static_cast<uint64_t>(value) - static_cast<uint64_t>(before));
}

FieldView ToView(const std::string& name, const FieldValue& value) {
  FieldView view;
  view.name = name;
  if (const auto* number = std::get_if<double>(&value)) {
    view.number = *number;
    if (!FindDecimal(*number, &view.integer, &view.decimals)) view.decimals = -1;
  } else if (const auto* integer = std::get_if<int64_t>(&value)) {
    view.kind = FieldView::Kind::kInteger;
    view.integer = *integer;
  } else {
    view.kind = FieldView::Kind::kText;
    view.text = std::get<std::string>(value);
  }
  return view;
}

}  // namespace

RecordBatch::Cursor::Cursor(const RecordBatch& batch) : batch_(&batch), in_(batch.records()), left_(batch.count_) {}

bool RecordBatch::Cursor::Next(RecordView* record) {
  if (left_ == 0) return false;
  --left_;
  uint64_t origin = in_.Varint();
  uint8_t head = in_.Byte();
  uint8_t stream = head & kStreamMask;
  if (origin >= batch_->origins_.size() || stream > static_cast<uint8_t>(Stream::kStack)) in_.Fail();
  if (!in_.ok()) return false;
  record->origin_index = static_cast<uint32_t>(origin);
  record->origin = &batch_->origins_[origin];
  record->stream = static_cast<Stream>(stream);
  // Unsigned sums: damaged deltas may wrap, and must not be undefined.
  time_ = static_cast<int64_t>(static_cast<uint64_t>(time_) + static_cast<uint64_t>(in_.Signed()));
  seq_ += static_cast<uint64_t>(in_.Signed());
  record->time = static_cast<int64_t>(static_cast<uint64_t>(time_) + static_cast<uint64_t>(batch_->time_offset_ns_));
  record->seq = seq_;
  record->step.reset();
  if (head & kHasStep) {
    step_ = static_cast<int64_t>(static_cast<uint64_t>(step_) + static_cast<uint64_t>(in_.Signed()));
    record->step = step_;
  }
  record->level = {};
  if (head & kHasLevel) {
    uint64_t level = in_.Varint();
    if (level < batch_->names_.size()) {
      record->level = batch_->names_[level];
    } else {
      in_.Fail();
    }
  }
  record->text = in_.String();
  record->fields.clear();
  if (head & kHasFields) ReadFields(record);
  return in_.ok();
}

void RecordBatch::Cursor::ReadFields(RecordView* record) {
  for (uint64_t count = in_.Varint(); count > 0 && in_.ok(); --count) {
    uint64_t head = in_.Varint();
    if (head >> 2 >= batch_->names_.size()) return in_.Fail();
    FieldView& field = record->fields.emplace_back();
    field.name = batch_->names_[head >> 2];
    switch (static_cast<FieldCode>(head & 3)) {
      case FieldCode::kDouble:
        field.number = in_.Double();
        break;
      case FieldCode::kInteger:
        field.kind = FieldView::Kind::kInteger;
        field.integer = in_.Signed();
        break;
      case FieldCode::kText:
        field.kind = FieldView::Kind::kText;
        field.text = in_.String();
        break;
      case FieldCode::kDecimal:
        field.decimals = static_cast<int8_t>(in_.Byte());
        field.integer = in_.Signed();
        if (field.decimals < 0 || field.decimals > 18) return in_.Fail();
        field.number = DecimalValue(field.integer, field.decimals);
        break;
    }
  }
}

base::Result<std::shared_ptr<const RecordBatch>> RecordBatch::Decode(std::string bytes, const Adjustment& adjustment) {
  std::shared_ptr<RecordBatch> batch(new RecordBatch);
  batch->bytes_ = std::move(bytes);
  batch->time_offset_ns_ = adjustment.time_offset_ns;
  RETURN_IF_ERROR(batch->ReadTables(adjustment.project));
  batch->records_ = std::string_view(batch->bytes_).substr(batch->tables_.size());
  // Each record takes four bytes or more: a count that cannot be is refused before anybody believes it.
  if (batch->count_ > batch->records_.size()) return Malformed();
  Cursor cursor(*batch);
  RecordView record;
  for (size_t i = 0; cursor.Next(&record); ++i) {
    if (i == 0) batch->first_seq_ = record.seq;
    if (i > 0 && record.seq <= batch->last_seq_) batch->rising_ = false;
    batch->last_seq_ = record.seq;
  }
  if (!cursor.in_.ok() || !cursor.in_.empty()) return Malformed();
  return std::shared_ptr<const RecordBatch>(std::move(batch));
}

base::Status RecordBatch::ReadTables(const std::string& project) {
  base::ByteReader in(bytes_);
  if (in.Byte() != kVersion) return base::Status::Corrupt("record batch: unknown version");
  for (uint64_t count = in.Varint(); count > 0 && in.ok(); --count) {
    origins_.push_back(ReadOrigin(&in));
    if (!project.empty()) origins_.back().project = project;
  }
  for (uint64_t count = in.Varint(); count > 0 && in.ok(); --count) names_.push_back(in.String());
  count_ = in.Varint();
  if (!in.ok()) return Malformed();
  tables_ = std::string_view(bytes_).substr(0, bytes_.size() - in.remaining());
  return {};
}

std::vector<Record> RecordBatch::ToRecords() const {
  Cursor cursor(*this);
  RecordView view;
  std::vector<Record> records;
  records.reserve(count_);
  while (cursor.Next(&view)) view.CopyTo(&records.emplace_back());
  return records;
}

uint32_t RecordBatchBuilder::OriginIndex(const Origin& origin) {
  if (!origins_.empty()) {
    if (AreSame(origins_[last_origin_], origin)) return last_origin_;
    // Ranks mostly take turns, in the order in which they came first.
    uint32_t guess = last_origin_ + 1 < origins_.size() ? last_origin_ + 1 : 0;
    if (AreSame(origins_[guess], origin)) return last_origin_ = guess;
  }
  uint64_t hash = Hash(origin);
  auto [first, last] = origin_index_.equal_range(hash);
  for (; first != last; ++first) {
    if (AreSame(origins_[first->second], origin)) return last_origin_ = first->second;
  }
  last_origin_ = static_cast<uint32_t>(origins_.size());
  origins_.push_back(origin);
  origin_index_.emplace(hash, last_origin_);
  return last_origin_;
}

// `guess` is the place in the record: mostly the record before had the same name there.
uint64_t RecordBatchBuilder::NameIndex(std::string_view name, size_t guess) {
  if (guess < last_names_.size() && names_[last_names_[guess]] == name) return last_names_[guess];
  auto found = name_index_.find(std::string(name));
  if (found == name_index_.end()) {
    found = name_index_.emplace(std::string(name), static_cast<uint32_t>(names_.size())).first;
    names_.emplace_back(name);
  }
  if (guess >= last_names_.size()) last_names_.resize(guess + 1);
  return last_names_[guess] = found->second;
}

void RecordBatchBuilder::Add(const RecordView& record) {
  char* at = base::WriteVarint(records_.Room(MostBytes(record)), record.origin_index);
  *at++ = static_cast<char>(static_cast<uint8_t>(record.stream) | (record.step ? kHasStep : 0) |
                            (record.level.empty() ? 0 : kHasLevel) | (record.fields.empty() ? 0 : kHasFields));
  at = base::WriteSigned(at, Delta(record.time, time_));
  at = base::WriteSigned(at, static_cast<int64_t>(record.seq - seq_));
  if (record.step) {
    at = base::WriteSigned(at, Delta(*record.step, step_));
    step_ = *record.step;
  }
  size_t place = 0;
  if (!record.level.empty()) at = base::WriteVarint(at, NameIndex(record.level, place));
  at = WriteText(at, record.text);
  if (!record.fields.empty()) at = base::WriteVarint(at, record.fields.size());
  for (const FieldView& field : record.fields) at = WriteField(at, field, NameIndex(field.name, ++place));
  records_.Extend(at);
  if (count_ == 0) first_seq_ = record.seq;
  rising_ = rising_ && (count_ == 0 || record.seq > seq_);
  time_ = record.time;
  seq_ = record.seq;
  ++count_;
}

void RecordBatchBuilder::Add(const Record& record) {
  scratch_.origin_index = OriginIndex(record.origin);
  scratch_.stream = record.stream;
  scratch_.time = record.time;
  scratch_.seq = record.seq;
  scratch_.step = record.step;
  scratch_.level = record.level;
  scratch_.text = record.text;
  scratch_.fields.clear();
  for (const auto& [name, value] : record.fields) scratch_.fields.push_back(ToView(name, value));
  Add(scratch_);
}

std::string RecordBatchBuilder::Tables() const {
  std::string out(1, static_cast<char>(kVersion));
  base::PutVarint(&out, origins_.size());
  for (const Origin& origin : origins_) PutOrigin(&out, origin);
  base::PutVarint(&out, names_.size());
  for (const std::string& name : names_) base::PutString(&out, name);
  base::PutVarint(&out, count_);
  return out;
}

// But for the memory of the records: the next batch will be about as large.
void RecordBatchBuilder::Clear() {
  base::Chunk records = std::move(records_);
  *this = {};
  records_ = std::move(records);
  records_.Clear();
}

std::string RecordBatchBuilder::Take() {
  std::string out = Tables();
  out.reserve(out.size() + records_.size());
  out += records_.view();
  Clear();
  return out;
}

std::shared_ptr<const RecordBatch> RecordBatchBuilder::Build() {
  std::shared_ptr<RecordBatch> batch(new RecordBatch);
  batch->first_seq_ = first_seq_;
  batch->last_seq_ = seq_;
  batch->rising_ = rising_;
  batch->bytes_ = Tables();
  (void)batch->ReadTables("");
  const size_t room = records_.capacity();
  if (room - records_.size() > room / kMostSpare) {
    batch->chunk_ = base::Chunk(records_.view());
  } else {
    batch->chunk_ = std::exchange(records_, {});
    (void)records_.Room(room);
  }
  batch->records_ = batch->chunk_.view();
  Clear();
  return batch;
}

std::shared_ptr<const RecordBatch> BatchOf(const std::vector<Record>& records) {
  RecordBatchBuilder builder;
  for (const Record& record : records) builder.Add(record);
  return builder.Build();
}

void EncodeRecords(const std::vector<Record>& records, std::string* out) {
  RecordBatchBuilder builder;
  for (const Record& record : records) builder.Add(record);
  *out += builder.Take();
}

base::Result<std::vector<Record>> DecodeRecords(std::string_view bytes) {
  ASSIGN_OR_RETURN(auto batch, RecordBatch::Decode(std::string(bytes)));
  return batch->ToRecords();
}

}  // namespace rankscope::model
