#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/chunk.h"
#include "base/coding.h"
#include "base/status.h"
#include "model/record_view.h"

namespace rankscope::model {

// Records in their binary form, in one arena: what frames carry, the journal keeps and the sinks share. Immutable, so
// any thread may read it; reading allocates nothing per record. Format: docs/design/wire.md.
class RecordBatch {
 public:
  // What differs between the bytes and the records they stand for.
  struct Adjustment {
    std::string project;         // non-empty: of every record
    int64_t time_offset_ns = 0;  // added to every time
  };

  // kCorrupt when the bytes are not a batch, to the last one; never reads past them.
  static base::Result<std::shared_ptr<const RecordBatch>> Decode(std::string bytes, const Adjustment& adjustment);
  static base::Result<std::shared_ptr<const RecordBatch>> Decode(std::string bytes) {
    return Decode(std::move(bytes), {});
  }

  size_t size() const { return count_; }
  // Its binary form, without the adjustment: one behind the other.
  std::string_view tables() const { return tables_; }
  std::string_view records() const { return records_; }
  std::string Encoded() const { return std::string(tables_).append(records_); }
  // Memory held, roughly.
  size_t bytes() const {
    return sizeof *this + bytes_.capacity() + chunk_.capacity() + origins_.size() * sizeof(Origin);
  }
  // Copies of all of them, for few at a time.
  std::vector<Record> ToRecords() const;
  // Whether the records' seq rise and lie in [first, last].
  bool IsNumberedWithin(uint64_t first, uint64_t last) const {
    return rising_ && (count_ == 0 || (first_seq_ >= first && last_seq_ <= last));
  }
  const std::vector<Origin>& origins() const { return origins_; }

  // Reads the records in order. REQUIRES the batch outlives it.
  class Cursor {
   public:
    explicit Cursor(const RecordBatch& batch);
    // False at the end. `record` is overwritten; use the same one for every call.
    bool Next(RecordView* record);

   private:
    friend class RecordBatch;
    void ReadFields(RecordView* record);
    const RecordBatch* batch_;
    base::ByteReader in_;
    size_t left_;
    base::TimeNs time_ = 0;
    uint64_t seq_ = 0;
    int64_t step_ = 0;
  };

  RecordBatch(const RecordBatch&) = delete;
  RecordBatch& operator=(const RecordBatch&) = delete;

 private:
  friend class RecordBatchBuilder;
  RecordBatch() = default;
  // The head of bytes_. `project`, if not empty, is that of each origin.
  base::Status ReadTables(const std::string& project);

  std::string bytes_;  // tables and records, or tables alone
  base::Chunk chunk_;  // then the records
  std::string_view tables_, records_;
  size_t count_ = 0;
  uint64_t first_seq_ = 0, last_seq_ = 0;
  bool rising_ = true;
  int64_t time_offset_ns_ = 0;
  std::vector<Origin> origins_;
  std::vector<std::string_view> names_;  // of fields and levels, in the tables
};

// Makes the binary form. One thread; may be used again after Take.
class RecordBatchBuilder {
 public:
  // The index of the origin in the batch's table; it is copied when it is new.
  uint32_t OriginIndex(const Origin& origin);
  // origin_index is of OriginIndex; record.origin is not looked at.
  void Add(const RecordView& record);
  void Add(const Record& record);

  size_t size() const { return count_; }
  size_t bytes() const { return records_.size(); }
  // The batch's bytes; the builder is empty afterwards.
  std::string Take();
  // The batch itself, likewise: as if it were decoded, which need not be of what was just made.
  std::shared_ptr<const RecordBatch> Build();

 private:
  uint64_t NameIndex(std::string_view name, size_t guess);
  std::string Tables() const;
  void Clear();

  base::Chunk records_;
  size_t count_ = 0;
  base::TimeNs time_ = 0;
  uint64_t seq_ = 0, first_seq_ = 0;
  bool rising_ = true;
  int64_t step_ = 0;
  std::vector<Origin> origins_;
  std::unordered_multimap<uint64_t, uint32_t> origin_index_;
  uint32_t last_origin_ = 0;
  std::vector<std::string> names_;
  std::unordered_map<std::string, uint32_t> name_index_;
  std::vector<uint32_t> last_names_;  // of the record before, by place: the next mostly has the same
  RecordView scratch_;
};

// For few records at a time.
std::shared_ptr<const RecordBatch> BatchOf(const std::vector<Record>& records);
void EncodeRecords(const std::vector<Record>& records, std::string* out);
base::Result<std::vector<Record>> DecodeRecords(std::string_view bytes);

}  // namespace rankscope::model
