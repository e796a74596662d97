#include "store/blocks/block_reader.h"

#include "base/coding.h"
#include "store/blocks/class_rows.h"
#include "store/columns/compression.h"
#include "store/columns/integer_column.h"
#include "store/columns/uuid_column.h"

namespace rankscope::store {
namespace {

template <typename T>
const std::vector<T>& OrNone(const std::shared_ptr<const std::vector<T>>& values) {
  static const std::vector<T> none;
  return values ? *values : none;
}

}  // namespace

BlockReader::BlockReader(std::shared_ptr<const Segment> segment, size_t block,
                         std::shared_ptr<const BlockHeader> header,
                         std::shared_ptr<const TemplateDictionary> dictionary, ColumnCache* cache)
    : segment_(std::move(segment)),
      block_(block),
      header_(std::move(header)),
      dictionary_(std::move(dictionary)),
      cache_(cache) {}

template <typename T>
T& BlockReader::Of(uint32_t column, std::vector<T>* by_column) const {
  if (by_column->empty()) by_column->resize(header_->columns.size());
  return (*by_column)[column];
}

bool BlockReader::Fail(uint32_t column) {
  Of(column, &damaged_) = 1;
  // What every row needs comes before the texts.
  if (column < kRawTextColumn) fatal_ = true;
  if (status_.ok()) status_ = segment_->Damaged(block_);
  return false;
}

std::optional<std::string> BlockReader::Bytes(uint32_t column) {
  if (!Of(column, &damaged_)) {
    auto bytes = segment_->ReadColumn(block_, *header_, column);
    if (bytes.ok()) return *std::move(bytes);
    if (status_.ok()) status_ = bytes.status();
  }
  Fail(column);
  return std::nullopt;
}

bool BlockReader::ReadIntegers(uint32_t column, size_t count, std::vector<int64_t>* values) {
  auto bytes = Bytes(column);
  if (!bytes) return false;
  if (DecodeIntegers(*bytes, count, values)) return true;
  values->clear();
  return Fail(column);
}

ColumnCache::Key BlockReader::KeyOf(uint32_t column, Form form) const {
  return {segment_->id(), static_cast<uint32_t>(block_), column, form};
}

template <typename T, typename Decode>
std::shared_ptr<const T> BlockReader::Cached(uint32_t column, Form form, const Decode& decode) {
  if (cache_) {
    if (auto known = cache_->Find<T>(KeyOf(column, form))) return known;
  }
  auto made = std::make_shared<T>();
  size_t bytes = 0;
  if (!decode(made.get(), &bytes)) return nullptr;
  if (cache_) cache_->Put(KeyOf(column, form), made, bytes);
  return made;
}

const std::vector<uint16_t>& BlockReader::classes() {
  if (classes_ || !ok()) return OrNone(classes_);
  using Classes = std::vector<uint16_t>;
  classes_ = Cached<Classes>(kClassColumn, Form::kClasses, [this](Classes* classes, size_t* bytes) {
    *bytes = rows() * sizeof(uint16_t);
    return DecodeClasses(classes);
  });
  return OrNone(classes_);
}

bool BlockReader::DecodeClasses(std::vector<uint16_t>* classes) {
  auto bytes = Bytes(kClassColumn);
  if (!bytes) return false;
  base::ByteReader in(*bytes);
  std::string low, high;
  if (!ReadCompressed(in.String(), rows(), &low) || !ReadCompressed(in.String(), rows(), &high)) {
    return Fail(kClassColumn);
  }
  classes->resize(rows());
  std::vector<uint32_t> counts(header_->classes.size());
  for (size_t i = 0; i < rows(); ++i) {
    auto number = static_cast<uint16_t>(static_cast<uint8_t>(low[i]) | static_cast<uint8_t>(high[i]) << 8);
    if (number >= counts.size() || ++counts[number] > header_->classes[number].rows) return Fail(kClassColumn);
    (*classes)[i] = number;
  }
  return true;
}

const std::vector<base::TimeNs>& BlockReader::times() {
  if (times_ || !ok()) return OrNone(times_);
  using Times = std::vector<base::TimeNs>;
  times_ = Cached<Times>(kTimeColumn, Form::kTimes, [this](Times* times, size_t* bytes) {
    *bytes = rows() * sizeof(base::TimeNs);
    return DecodeTimes(times);
  });
  return OrNone(times_);
}

bool BlockReader::DecodeTimes(std::vector<base::TimeNs>* times) {
  std::vector<int64_t> starts;
  if (!ReadIntegers(kTimeStartColumn, header_->runs.size(), &starts)) return false;
  if (!ReadIntegers(kTimeColumn, rows(), times)) return false;
  auto unit = static_cast<uint64_t>(header_->time_unit);
  size_t at = 0;
  for (size_t run = 0; run < starts.size(); ++run) {
    auto time = static_cast<uint64_t>(starts[run]);
    for (uint32_t i = 0; i < header_->runs[run].rows; ++i, ++at) {
      time += static_cast<uint64_t>((*times)[at]);
      (*times)[at] = static_cast<int64_t>(time * unit);
    }
  }
  return true;
}

const RunTimes* BlockReader::run_times() {
  if (run_times_ || !ok()) return run_times_.get();
  run_times_ = Cached<RunTimes>(kTimeColumn, Form::kRunTimes, [this](RunTimes* times, size_t* bytes) {
    *bytes = rows() * sizeof(uint32_t) + header_->runs.size() * sizeof(base::TimeNs);
    return DecodeRunTimes(times);
  });
  return run_times_.get();
}

bool BlockReader::DecodeRunTimes(RunTimes* times) {
  std::vector<int64_t> deltas;
  if (!ReadIntegers(kTimeStartColumn, header_->runs.size(), &times->starts)) return false;
  if (!ReadIntegers(kTimeColumn, rows(), &deltas)) return false;
  times->since_start.resize(rows());
  size_t at = 0;
  for (size_t run = 0; run < header_->runs.size(); ++run) {
    uint64_t since = 0;
    for (uint32_t i = 0; i < header_->runs[run].rows; ++i, ++at) {
      since += static_cast<uint64_t>(deltas[at]);
      if (since > UINT32_MAX) return false;
      times->since_start[at] = static_cast<uint32_t>(since);
    }
    times->starts[run] =
        static_cast<int64_t>(static_cast<uint64_t>(times->starts[run]) * static_cast<uint64_t>(header_->time_unit));
  }
  return true;
}

std::shared_ptr<const std::vector<uint32_t>> BlockReader::class_rows(uint16_t number) {
  if (!ok()) return nullptr;
  return Cached<std::vector<uint32_t>>(number, Form::kClassRows, [&](auto* rows, size_t* bytes) {
    ClassRows(*header_, {number}).Append(classes(), 0, static_cast<uint32_t>(classes().size()), rows);
    *bytes = rows->size() * sizeof(uint32_t);
    return ok();
  });
}

const RunTimes* BlockReader::class_times(uint16_t number) {
  if (!ok()) return nullptr;
  class_times_ = Cached<RunTimes>(number, Form::kClassTimes, [&](RunTimes* times, size_t* bytes) {
    auto rows = class_rows(number);
    const RunTimes* all = run_times();
    if (!rows || !all) return false;
    times->starts = all->starts;
    for (uint32_t row : *rows) times->since_start.push_back(all->since_start[row]);
    *bytes = times->since_start.size() * sizeof(uint32_t) + times->starts.size() * sizeof(base::TimeNs);
    return true;
  });
  return class_times_.get();
}

const std::vector<int64_t>& BlockReader::seqs() {
  if (seqs_.empty() && ok()) ReadIntegers(kSeqColumn, rows(), &seqs_);
  return seqs_;
}

const std::vector<int64_t>& BlockReader::steps() {
  if (steps_ || !ok()) return OrNone(steps_);
  using Steps = std::vector<int64_t>;
  steps_ = Cached<Steps>(kStepColumn, Form::kSteps, [this](Steps* steps, size_t* bytes) {
    *bytes = rows() * sizeof(int64_t);
    return DecodeSteps(steps);
  });
  return OrNone(steps_);
}

bool BlockReader::DecodeSteps(std::vector<int64_t>* steps) {
  size_t count = 0;
  std::vector<char> has_step;  // by class
  for (const RowClass& row_class : header_->classes) {
    has_step.push_back(row_class.has_step);
    count += row_class.has_step ? row_class.rows : 0;
  }
  std::vector<int64_t> dense;
  if (classes().empty() || !ReadIntegers(kStepColumn, count, &dense)) return false;
  steps->resize(rows());
  size_t next = 0;
  for (size_t i = 0; i < rows(); ++i) {
    if (has_step[(*classes_)[i]]) (*steps)[i] = dense[next++];
  }
  return true;
}

const std::vector<uint32_t>& BlockReader::origins() {
  if (!origins_.empty()) return origins_;
  origins_.reserve(rows());
  for (const BlockHeader::Run& run : header_->runs) origins_.insert(origins_.end(), run.rows, run.origin);
  return origins_;
}

const RowPlaces& BlockReader::Places() {
  static const RowPlaces none;
  if (places_) return *places_;
  if (classes().empty()) return none;
  places_ = Cached<RowPlaces>(kClassColumn, Form::kPlaces, [this](RowPlaces* places, size_t* bytes) {
    *bytes = rows() * 2 * sizeof(uint32_t);
    Place(places);
    return true;
  });
  return *places_;
}

void BlockReader::Place(RowPlaces* places) {
  // Tables by class, smaller than the classes themselves; raw texts count as one more pool.
  std::vector<uint16_t> pool_of(header_->classes.size()), schema_of(header_->classes.size());
  for (size_t number = 0; number < header_->classes.size(); ++number) {
    const RowClass& row_class = header_->classes[number];
    bool raw = row_class.form == Row::kRawText;
    pool_of[number] = raw ? static_cast<uint16_t>(header_->pools.size()) : row_class.pool;
    schema_of[number] = row_class.schema;
  }
  std::vector<uint32_t> pools(header_->pools.size() + 1), schemas(header_->schemas.size());
  places->in_pool.resize(rows());
  places->in_schema.resize(rows());
  const auto& numbers = classes();
  for (size_t i = 0; i < rows(); ++i) {
    places->in_pool[i] = pools[pool_of[numbers[i]]]++;
    places->in_schema[i] = schemas[schema_of[numbers[i]]]++;
  }
}

const model::FieldView* BlockReader::Field(uint32_t schema, size_t field) {
  uint32_t column = header_->schema_columns[schema], rows = header_->schema_rows[schema];
  uint32_t shared_at = header_->shared_at[schema];
  auto number = static_cast<uint32_t>(field);
  bool own = shared_at == BlockHeader::kOwn;
  const FieldColumn* values = own ? Fields(column + number, rows) : Fields(column, header_->shared_values);
  return values ? values->values.data() + (own ? 0 : shared_at + number * rows) : nullptr;
}

const FieldColumn* BlockReader::Fields(uint32_t column, size_t count) {
  auto& values = Of(column, &fields_);
  if (values || !ok()) return values.get();
  values = Cached<FieldColumn>(column, Form::kField, [&](FieldColumn* decoded, size_t* size) {
    auto bytes = Bytes(column);
    if (!bytes) return false;
    if (!DecodeFields(*bytes, count, decoded)) return Fail(column);
    *size = decoded->values.size() * sizeof(model::FieldView) + decoded->texts.arena.size();
    return true;
  });
  return values.get();
}

const SlotColumn* BlockReader::SlotOf(uint32_t pool, size_t slot) {
  uint32_t column = header_->pool_columns[pool] + static_cast<uint32_t>(2 * slot);
  auto& variables = Of(column, &slots_);
  if (variables || !ok()) return variables.get();
  variables = Cached<SlotColumn>(column, Form::kSlot, [&](SlotColumn* decoded, size_t* size) {
    auto bytes = Bytes(column);
    if (!bytes) return false;
    auto kind = static_cast<Slot>(header_->pools[pool][slot]);
    if (!DecodeSlot(*bytes, kind, header_->pool_rows[pool], decoded)) return Fail(column);
    *size = decoded->Memory();
    return true;
  });
  return variables.get();
}

const NumberColumn* BlockReader::Numbers(uint32_t schema, size_t field) {
  if (header_->shared_at[schema] != BlockHeader::kOwn) return nullptr;
  uint32_t column = header_->schema_columns[schema] + static_cast<uint32_t>(field);
  // A column that was decoded as values is none of numbers alone.
  auto& numbers_of = Of(column, &numbers_);
  if (numbers_of || Of(column, &fields_) || !ok()) return numbers_of.get();
  numbers_of = Cached<NumberColumn>(column, Form::kNumbers, [&](NumberColumn* numbers, size_t* size) {
    auto bytes = Bytes(column);
    *size = header_->schema_rows[schema] * sizeof(double);
    return bytes && DecodeNumbers(*bytes, header_->schema_rows[schema], numbers);
  });
  return numbers_of.get();
}

std::shared_ptr<const std::string> BlockReader::Uuids(uint32_t pool, size_t slot) {
  if (!ok()) return nullptr;
  uint32_t column = header_->pool_columns[pool] + static_cast<uint32_t>(2 * slot);
  return Cached<std::string>(column, Form::kRaw, [&](std::string* uuids, size_t* size) {
    auto read = ReadUuids(*segment_, block_, header_->columns[column], header_->pool_rows[pool]);
    if (!read.ok()) return Fail(column);
    *uuids = *std::move(read);
    *size = uuids->size();
    return true;
  });
}

std::shared_ptr<const std::string> BlockReader::Filter(uint32_t column) {
  return Cached<std::string>(column, Form::kBytes, [&](std::string* filter, size_t* size) {
    auto bytes = segment_->ReadColumn(block_, *header_, column);
    if (!bytes.ok()) return false;
    *filter = *std::move(bytes);
    *size = filter->size();
    return true;
  });
}

std::shared_ptr<const std::string> BlockReader::SlotFilter(uint32_t pool, size_t slot) {
  return Filter(header_->pool_columns[pool] + static_cast<uint32_t>(2 * slot) + 1);
}

std::shared_ptr<const std::string> BlockReader::RawTextFilter() { return Filter(kWordsColumn); }

const Texts* BlockReader::raw_texts() {
  if (raw_texts_ || !ok()) return raw_texts_.get();
  raw_texts_ = Cached<Texts>(kRawTextColumn, Form::kRawTexts, [this](Texts* texts, size_t* size) {
    size_t count = 0;
    for (const RowClass& row_class : header_->classes) count += row_class.form == Row::kRawText ? row_class.rows : 0;
    auto bytes = Bytes(kRawTextColumn);
    if (!bytes) return false;
    if (count > 0 && !DecodeTexts(*bytes, count, texts)) return Fail(kRawTextColumn);
    *size = texts->Memory();
    return true;
  });
  return raw_texts_.get();
}

}  // namespace rankscope::store
