#include "store/block.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <unordered_map>

#include "base/coding.h"
#include "model/ansi.h"
#include "store/block_tables.h"
#include "store/compression.h"
#include "store/field_column.h"
#include "store/integer_column.h"
#include "store/rollup_builder.h"
#include "store/slot_column.h"
#include "store/text_column.h"
#include "store/word_filter.h"

namespace rankscope::store {
namespace {

constexpr uint32_t kNoValue = ~uint32_t{0};
constexpr uint32_t kOwnPoolRows = 32;  // templates with fewer share the columns of those with the same slots

std::string MarkersOf(std::string_view form) {
  std::string markers;
  for (char c : form) {
    if (IsMarker(c)) markers.push_back(c);
  }
  return markers;
}

class Encoder {
 public:
  Encoder(const RowBuffer& buffer, size_t begin, size_t end, std::string* file)
      : buffer_(buffer), rows_(buffer.rows().data() + begin), count_(end - begin), file_(file), start_(file->size()) {}

  BlockInfo Encode(uint64_t offset) {
    MakeRuns();
    MakeClasses();
    MakePools();
    MakeTables();
    PutRowColumns();
    PutTextColumns();
    PutSlotColumns();
    PutFieldColumns();
    BlockInfo info;
    if (std::string rollup = rollup_ ? rollup_->Finish(tables_) : ""; !rollup.empty()) {
      info.rollup_bytes = static_cast<uint32_t>(rollup.size());
      info.rollup_checksum = static_cast<uint32_t>(base::Checksum(rollup));
      *file_ += rollup;
    }
    std::string raw = Header(), compressed;
    PutCompressed(raw, kColumnLevel, &compressed);
    info.offset = offset;
    info.header_bytes = static_cast<uint32_t>(compressed.size());
    info.header_raw_bytes = static_cast<uint32_t>(raw.size());
    info.header_checksum = base::Checksum(compressed);
    *file_ += compressed;
    info.bytes = static_cast<uint32_t>(file_->size() - start_);
    info.rows = static_cast<uint32_t>(count_);
    info.min_time = min_time_;
    info.max_time = max_time_;
    return info;
  }

 private:
  // The block's own number for a value of one of the buffer's tables.
  static uint32_t Local(uint32_t value, std::vector<uint32_t>* map, std::vector<uint32_t>* used) {
    if (value >= map->size()) map->resize(value + 1, kNoValue);
    if ((*map)[value] == kNoValue) {
      (*map)[value] = static_cast<uint32_t>(used->size());
      used->push_back(value);
    }
    return (*map)[value];
  }

  void MakeRuns() {
    min_time_ = max_time_ = rows_[0].time;
    std::vector<uint32_t> map;
    for (size_t i = 0; i < count_; ++i) {
      uint32_t origin = Local(rows_[i].origin, &map, &origins_);
      if (runs_.empty() || runs_.back().origin != origin) runs_.push_back({origin, 0});
      ++runs_.back().rows;
      min_time_ = std::min(min_time_, rows_[i].time);
      max_time_ = std::max(max_time_, rows_[i].time);
    }
  }

  void MakeClasses() {
    std::vector<uint32_t> level_map, schema_map;
    std::unordered_map<uint64_t, std::vector<uint32_t>> index;
    class_of_.resize(count_);
    for (size_t i = 0; i < count_; ++i) {
      const Row& row = rows_[i];
      RowClass wanted;
      wanted.stream = row.stream;
      wanted.has_step = row.has_step;
      wanted.level = static_cast<uint16_t>(Local(row.level, &level_map, &levels_));
      wanted.schema = static_cast<uint16_t>(Local(row.schema, &schema_map, &schemas_));
      wanted.form = row.form;
      class_of_[i] = ClassOf(wanted, &index);
      ++classes_[class_of_[i]].rows;
    }
    // The frequent ones first: their numbers are small.
    std::vector<uint32_t> order(classes_.size()), place(classes_.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](uint32_t a, uint32_t b) { return classes_[a].rows > classes_[b].rows; });
    std::vector<RowClass> sorted;
    for (uint32_t i = 0; i < order.size(); ++i) {
      place[order[i]] = i;
      sorted.push_back(classes_[order[i]]);
    }
    classes_ = std::move(sorted);
    for (uint32_t& number : class_of_) number = place[number];
  }

  uint32_t ClassOf(const RowClass& wanted, std::unordered_map<uint64_t, std::vector<uint32_t>>* index) {
    auto same = [&](const RowClass& other) {
      return static_cast<const RowShape&>(other) == wanted && other.form == wanted.form;
    };
    uint64_t key = uint64_t{wanted.form} << 32 | uint64_t{wanted.schema} << 10 | uint64_t{wanted.level} << 5 |
                   static_cast<uint64_t>(wanted.stream) << 1 | (wanted.has_step ? 1 : 0);
    auto& bucket = (*index)[key];
    for (uint32_t number : bucket) {
      if (same(classes_[number])) return number;
    }
    bucket.push_back(static_cast<uint32_t>(classes_.size()));
    classes_.push_back(wanted);
    return bucket.back();
  }

  void MakePools() {
    pools_.emplace_back();
    std::unordered_map<std::string, uint16_t> shared;  // numbers of pools, by markers
    std::unordered_map<uint32_t, uint16_t> own;        // by form
    std::unordered_map<uint32_t, uint32_t> form_rows;
    for (const RowClass& row_class : classes_) form_rows[row_class.form] += row_class.rows;
    for (RowClass& row_class : classes_) {
      if (row_class.form < Row::kFirstTemplate) continue;
      std::string markers = MarkersOf(buffer_.dictionary().form(row_class.form - Row::kFirstTemplate));
      if (markers.empty()) continue;
      auto next = static_cast<uint16_t>(pools_.size());
      bool alone = form_rows[row_class.form] >= kOwnPoolRows;
      if (alone) {
        auto [at, added] = own.try_emplace(row_class.form, next);
        row_class.pool = at->second;
        if (added) pools_.push_back(std::move(markers));
        continue;
      }
      auto [at, added] = shared.try_emplace(markers, next);
      row_class.pool = at->second;
      if (added) pools_.push_back(std::move(markers));
    }
  }

  void MakeTables() {
    for (uint32_t number : origins_) tables_.origins.push_back(buffer_.origins()[number]);
    for (uint32_t level : levels_) tables_.levels.push_back(buffer_.levels()[level]);
    for (uint32_t schema : schemas_) tables_.schemas.push_back(buffer_.schemas()[schema]);
    rollup_.emplace(NumberShapes(&classes_), count_);
    AddRowsToRollup();
    if (min_time_ < 0 || !rollup_->worthwhile()) rollup_.reset();
  }

  void AddRowsToRollup() {
    size_t row = 0;
    for (const BlockHeader::Run& run : runs_) {
      rollup_->StartRun(static_cast<uint16_t>(run.origin));
      for (uint32_t i = 0; min_time_ >= 0 && i < run.rows; ++i, ++row) {
        rollup_->AddRow(rows_[row].time, classes_[class_of_[row]].shape);
      }
    }
  }

  void PutColumn(std::string_view bytes) {
    BlockHeader::Column& column = columns_.emplace_back();
    column.bytes = static_cast<uint32_t>(bytes.size());
    if (bytes.size() <= kInlineBytes) {
      column.here = bytes;
      return;
    }
    column.checksum = static_cast<uint32_t>(base::Checksum(bytes));
    file_->append(bytes);
  }
  void PutIntegers(const std::vector<int64_t>& values) {
    std::string encoded;
    EncodeIntegers(values, &encoded);
    PutColumn(encoded);
  }

  void PutRowColumns() {
    // REQUIRES fewer classes than 65536: a block has fewer rows.
    std::string low(count_, '\0'), high(count_, '\0'), encoded, planes;
    for (size_t i = 0; i < count_; ++i) {
      low[i] = static_cast<char>(class_of_[i]);
      high[i] = static_cast<char>(class_of_[i] >> 8);
    }
    PutCompressed(low, kColumnLevel, &planes);
    base::PutString(&encoded, planes);
    planes.clear();
    PutCompressed(high, kColumnLevel, &planes);
    base::PutString(&encoded, planes);
    PutColumn(encoded);
    PutTimes();
    std::vector<int64_t> values;
    for (size_t i = 0; i < count_; ++i) values.push_back(static_cast<int64_t>(rows_[i].seq));
    PutIntegers(values);
    values.clear();
    for (size_t i = 0; i < count_; ++i) {
      if (rows_[i].has_step) values.push_back(rows_[i].step);
    }
    any_step_ = !values.empty();
    if (any_step_) {
      auto [low_step, high_step] = std::minmax_element(values.begin(), values.end());
      min_step_ = *low_step;
      max_step_ = *high_step;
    }
    PutIntegers(values);
  }

  void PutTimes() {
    for (int64_t unit : {base::kNsPerMs, int64_t{1000}}) {
      bool fits = std::all_of(rows_, rows_ + count_, [&](const Row& row) { return row.time % unit == 0; });
      if (fits) time_unit_ = unit;
      if (fits) break;
    }
    std::vector<int64_t> starts, deltas;
    size_t at = 0;
    for (const BlockHeader::Run& run : runs_) {
      int64_t last = rows_[at].time / time_unit_;
      starts.push_back(last);
      for (uint32_t i = 0; i < run.rows; ++i, ++at) {
        int64_t time = rows_[at].time / time_unit_;
        deltas.push_back(static_cast<int64_t>(static_cast<uint64_t>(time) - static_cast<uint64_t>(last)));
        last = time;
      }
    }
    PutIntegers(starts);
    PutIntegers(deltas);
  }

  void PutTextColumns() {
    std::vector<std::string_view> texts;
    WordFilter words;
    for (size_t i = 0; i < count_; ++i) {
      if (rows_[i].form != Row::kRawText) continue;
      texts.push_back(rows_[i].text);
      words.AddWords(rows_[i].text);
      // A reader sees the text without colours, which may part a word.
      if (rows_[i].text.find('\x1b') != std::string_view::npos) words.AddWords(model::StripAnsi(rows_[i].text));
    }
    std::string encoded;
    if (!texts.empty()) EncodeTexts(texts, &encoded);
    PutColumn(encoded);
    PutColumn(words.Take());
  }

  void PutSlotColumns() {
    std::vector<std::vector<const Variable*>> first(pools_.size());
    for (size_t i = 0; i < count_; ++i) {
      uint32_t pool = classes_[class_of_[i]].pool;
      if (pool != 0) first[pool].push_back(buffer_.variables(rows_[i]));
    }
    std::vector<Variable> values;
    std::string encoded, filter;
    for (size_t pool = 1; pool < pools_.size(); ++pool) {
      for (size_t slot = 0; slot < pools_[pool].size(); ++slot) {
        values.clear();
        for (const Variable* variables : first[pool]) values.push_back(variables[slot]);
        encoded.clear();
        filter.clear();
        EncodeSlot(values, &encoded, &filter);
        PutColumn(encoded);
        PutColumn(filter);
      }
    }
  }

  void PutFieldColumns() {
    std::vector<std::vector<const model::FieldView*>> first(schemas_.size());
    for (size_t i = 0; i < count_; ++i) {
      uint32_t schema = classes_[class_of_[i]].schema;
      if (!SchemaAt(schema).empty()) first[schema].push_back(rows_[i].fields);
    }
    std::vector<model::FieldView> values;
    std::string encoded;
    for (uint32_t schema = 0; schema < schemas_.size(); ++schema) {
      if (rollup_) rollup_->StartSchema(static_cast<uint16_t>(schema));
      for (size_t field = 0; field < SchemaAt(schema).size(); ++field) {
        values.clear();
        for (const model::FieldView* fields : first[schema]) values.push_back(fields[field]);
        encoded.clear();
        EncodeFields(values, &encoded);
        PutColumn(encoded);
        if (rollup_) rollup_->AddField(values);
      }
    }
  }

  const std::vector<std::string>& SchemaAt(uint32_t schema) const { return tables_.schemas[schema]; }

  std::string Header() const {
    std::string out;
    PutOrigins(tables_.origins, &out);
    base::PutVarint(&out, runs_.size());
    for (const BlockHeader::Run& run : runs_) {
      base::PutVarint(&out, run.origin);
      base::PutVarint(&out, run.rows);
    }
    PutTexts(tables_.levels, &out);
    PutSchemas(tables_.schemas, &out);
    base::PutVarint(&out, pools_.size() - 1);
    for (size_t pool = 1; pool < pools_.size(); ++pool) base::PutString(&out, pools_[pool]);
    base::PutVarint(&out, classes_.size());
    for (const RowClass& row_class : classes_) {
      PutShape(row_class, &out);
      base::PutVarint(&out, row_class.form);
      base::PutVarint(&out, row_class.pool);
      base::PutVarint(&out, row_class.rows);
    }
    out.push_back(any_step_ ? 1 : 0);
    base::PutSigned(&out, min_step_);
    base::PutSigned(&out, max_step_);
    base::PutVarint(&out, static_cast<uint64_t>(time_unit_));
    base::PutVarint(&out, columns_.size());
    for (const BlockHeader::Column& column : columns_) {
      base::PutVarint(&out, column.bytes);
      if (column.bytes <= kInlineBytes) {
        out += column.here;
      } else {
        base::PutFixed32(&out, column.checksum);
      }
    }
    return out;
  }

  const RowBuffer& buffer_;
  const Row* rows_;
  const size_t count_;
  std::string* file_;
  const size_t start_;
  std::vector<uint32_t> origins_, levels_, schemas_;  // the buffer's numbers
  BlockHeader tables_;                                // origins, levels and schemas alone
  std::optional<RollupBuilder> rollup_;
  std::vector<BlockHeader::Run> runs_;
  std::vector<RowClass> classes_;
  std::vector<uint32_t> class_of_;
  std::vector<std::string> pools_;
  std::vector<BlockHeader::Column> columns_;
  int64_t min_step_ = 0, max_step_ = 0, time_unit_ = 1;
  bool any_step_ = false;
  base::TimeNs min_time_ = 0, max_time_ = 0;
};

}  // namespace

BlockInfo EncodeBlock(const RowBuffer& buffer, size_t begin, size_t end, uint64_t offset, std::string* file) {
  return Encoder(buffer, begin, end, file).Encode(offset);
}

}  // namespace rankscope::store
