#include "store/blocks/block.h"

#include <algorithm>
#include <optional>

#include "base/coding.h"
#include "model/ansi.h"
#include "store/blocks/block_classes.h"
#include "store/columns/compression.h"
#include "store/columns/expected_texts.h"
#include "store/columns/field_column.h"
#include "store/columns/integer_column.h"
#include "store/columns/slot_column.h"
#include "store/columns/text_column.h"
#include "store/rollups/rollup_builder.h"
#include "store/texts/word_filter.h"

namespace rankscope::store {
namespace {

// Each piece once, however often it comes.
void AddWords(const TextPieces& all, const TextPieces::Selection& selected, WordFilter* words) {
  for (size_t number = TextPieces::kLiteral + 1; number < selected.counts.size(); ++number) {
    if (selected.counts[number] > 0) words->AddWords(all.pieces()[number]);
  }
  for (size_t i = 0; i < selected.literals.size(); ++i) {
    ExpectAfter(i, selected.literals);
    words->AddWords(selected.literals[i]);
  }
}

// A reader sees the text without colours, which may part a word.
void AddWordsWithoutColours(const std::vector<std::string_view>& texts, WordFilter* words) {
  for (std::string_view text : texts) {
    if (text.find('\x1b') != std::string_view::npos) words->AddWords(model::StripAnsi(text));
  }
}

class Encoder {
 public:
  Encoder(const RowBuffer& buffer, size_t begin, size_t end, std::string* file)
      : buffer_(buffer), rows_(buffer.Rows(begin, end)), count_(end - begin), file_(file), start_(file->size()) {}

  BlockInfo Encode(uint64_t offset) {
    sorted_ = ClassifyRows(buffer_, rows_);
    MakeTables();
    StartRollup();
    PutRowColumns();
    PutTextColumns();
    PutSlotColumns();
    PutFieldColumns();
    BlockInfo info;
    if (std::string rollup = rollup_ ? rollup_->Finish(header_) : ""; !rollup.empty()) {
      info.rollup_bytes = static_cast<uint32_t>(rollup.size());
      info.rollup_checksum = static_cast<uint32_t>(base::Checksum(rollup));
      *file_ += rollup;
    }
    std::string raw = EncodeHeader(header_), compressed;
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
  void MakeTables() {
    for (uint32_t number : sorted_.origins) header_.origins.push_back(buffer_.origins()[number]);
    for (uint32_t level : sorted_.levels) header_.levels.push_back(buffer_.levels()[level]);
    for (uint32_t schema : sorted_.schemas) header_.schemas.push_back(buffer_.schemas()[schema]);
    header_.runs = std::move(sorted_.runs);
    header_.classes = std::move(sorted_.classes);
    header_.pools = std::move(sorted_.pools);
  }

  void StartRollup() {
    auto [earliest, latest] =
        std::minmax_element(rows_.begin(), rows_.end(), [](const Row& a, const Row& b) { return a.time < b.time; });
    min_time_ = earliest->time;
    max_time_ = latest->time;
    std::vector<RowShape> shapes = NumberShapes(&header_.classes);
    if (min_time_ < 0) return;
    rollup_.emplace(std::move(shapes), count_);
    size_t row = 0;
    for (const BlockHeader::Run& run : header_.runs) {
      rollup_->StartRun(static_cast<uint16_t>(run.origin));
      for (uint32_t i = 0; i < run.rows; ++i, ++row) rollup_->AddRow(rows_[row].time, ClassAt(row).shape);
    }
    if (!rollup_->worthwhile()) rollup_.reset();
  }

  const RowClass& ClassAt(size_t row) const { return header_.classes[sorted_.class_of[row]]; }

  void PutColumn(std::string_view bytes) {
    BlockHeader::Column& column = header_.columns.emplace_back();
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
      low[i] = static_cast<char>(sorted_.class_of[i]);
      high[i] = static_cast<char>(sorted_.class_of[i] >> 8);
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
    header_.any_step = !values.empty();
    if (header_.any_step) {
      auto [low_step, high_step] = std::minmax_element(values.begin(), values.end());
      header_.min_step = *low_step;
      header_.max_step = *high_step;
    }
    PutIntegers(values);
  }

  void PutTimes() {
    for (int64_t unit : {base::kNsPerMs, int64_t{1000}}) {
      bool fits = std::all_of(rows_.begin(), rows_.end(), [&](const Row& row) { return row.time % unit == 0; });
      if (fits) header_.time_unit = unit;
      if (fits) break;
    }
    std::vector<int64_t> starts, deltas;
    size_t at = 0;
    for (const BlockHeader::Run& run : header_.runs) {
      int64_t last = rows_[at].time / header_.time_unit;
      starts.push_back(last);
      for (uint32_t i = 0; i < run.rows; ++i, ++at) {
        int64_t time = rows_[at].time / header_.time_unit;
        deltas.push_back(static_cast<int64_t>(static_cast<uint64_t>(time) - static_cast<uint64_t>(last)));
        last = time;
      }
    }
    PutIntegers(starts);
    PutIntegers(deltas);
  }

  void PutTextColumns() {
    std::vector<std::string_view> texts;
    std::vector<uint32_t> cut;  // their numbers among the buffer's pieces
    for (size_t i = 0; i < count_; ++i) {
      if (rows_[i].form != Row::kRawText) continue;
      texts.push_back(rows_[i].Text());
      cut.push_back(rows_[i].cut);
    }
    const TextPieces& all = buffer_.pieces();
    TextPieces::Selection pieces = all.Select(cut);
    std::string encoded;
    if (!texts.empty()) EncodeTexts(texts, all, pieces, &encoded);
    WordFilter words;
    AddWords(all, pieces, &words);
    PutColumn(encoded);
    if (words.saw_escape()) AddWordsWithoutColours(texts, &words);
    PutColumn(words.Take());
  }

  void PutSlotColumns() {
    std::vector<std::vector<const Variable*>> first(header_.pools.size());
    for (size_t i = 0; i < count_; ++i) {
      uint32_t pool = ClassAt(i).pool;
      if (pool != 0) first[pool].push_back(buffer_.variables(rows_[i]));
    }
    std::vector<Variable> values;
    std::string encoded, filter;
    for (size_t pool = 1; pool < header_.pools.size(); ++pool) {
      for (size_t slot = 0; slot < header_.pools[pool].size(); ++slot) {
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

  // Schemas of few rows, of which there may be one a record, share the last column.
  void PutFieldColumns() {
    std::vector<std::vector<const model::FieldView*>> first(header_.schemas.size());
    for (size_t i = 0; i < count_; ++i) {
      uint32_t schema = ClassAt(i).schema;
      if (!header_.schemas[schema].empty()) first[schema].push_back(rows_[i].fields);
    }
    std::vector<uint32_t> rows;
    rows.reserve(first.size());
    for (const auto& of_schema : first) rows.push_back(static_cast<uint32_t>(of_schema.size()));
    const std::vector<bool> sharing = SharingSchemas(header_.schemas, rows);
    std::vector<model::FieldView> values, shared;
    for (uint32_t schema = 0; schema < header_.schemas.size(); ++schema) {
      if (rollup_) rollup_->StartSchema(static_cast<uint16_t>(schema));
      for (size_t field = 0; field < header_.schemas[schema].size(); ++field) {
        values.clear();
        for (const model::FieldView* fields : first[schema]) values.push_back(fields[field]);
        if (rollup_) rollup_->AddField(values);
        if (sharing[schema]) {
          shared.insert(shared.end(), values.begin(), values.end());
        } else {
          PutFields(values);
        }
      }
    }
    if (!shared.empty()) PutFields(shared);
  }

  void PutFields(const std::vector<model::FieldView>& values) {
    std::string encoded;
    EncodeFields(values, &encoded);
    PutColumn(encoded);
  }

  const RowBuffer& buffer_;
  const std::vector<Row> rows_;  // of the block
  const size_t count_;
  std::string* file_;
  const size_t start_;
  BlockClasses sorted_;  // without what has moved into
  BlockHeader header_;   // what is written of it
  std::optional<RollupBuilder> rollup_;
  base::TimeNs min_time_ = 0, max_time_ = 0;
};

}  // namespace

BlockInfo EncodeBlock(const RowBuffer& buffer, size_t begin, size_t end, uint64_t offset, std::string* file) {
  return Encoder(buffer, begin, end, file).Encode(offset);
}

}  // namespace rankscope::store
