#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

namespace rankscope::store {

// What queries have read of columns, checked and decoded, up to a size. Columns never change, and what is kept is of
// the data alone, not of any query. Any thread.
class ColumnCache {
 public:
  // In what form a column is kept; says the type too.
  enum class Form : uint8_t {
    kBytes,       // std::string: as it lies in the file
    kRaw,         // std::string: decompressed
    kClasses,     // std::vector<uint16_t>
    kRunTimes,    // RunTimes
    kClassRows,   // std::vector<uint32_t>; the key's column is the class
    kClassTimes,  // RunTimes of the rows of a class, as above
    kNumbers,     // NumberColumn
    kRollup,      // Rollup
    kRollupPart,  // RollupColumn
    kRawTexts,    // Texts
    kTimes,       // std::vector<base::TimeNs>; from here on what rows are made of
    kSteps,       // std::vector<int64_t>
    kPlaces,      // RowPlaces
    kSlot,        // SlotColumn
    kField,       // FieldColumn
  };
  struct Key {
    uint64_t segment = 0;  // Segment::id()
    uint32_t block = 0, column = 0;
    Form form = Form::kBytes;
    bool operator==(const Key&) const = default;
  };

  // Null: it is not there. REQUIRES T is the form's.
  template <typename T>
  std::shared_ptr<const T> Find(const Key& key) {
    return std::static_pointer_cast<const T>(FindAny(key));
  }
  // `bytes` is what the value takes.
  void Put(const Key& key, std::shared_ptr<const void> value, size_t bytes);

 private:
  struct KeyHash {
    size_t operator()(const Key& key) const;
  };
  struct Entry {
    Key key;
    std::shared_ptr<const void> value;
    size_t bytes;
    uint64_t used;
  };
  // Entries that make room for each other.
  struct Shelf {
    const size_t max_bytes;
    std::vector<Entry> entries{};
    std::unordered_map<Key, size_t, KeyHash> index{};  // into entries
    size_t bytes = 0;
  };

  std::shared_ptr<const void> FindAny(const Key& key);
  Shelf* ShelfOf(Form form) { return form == Form::kRawTexts ? &texts_ : form < Form::kTimes ? &columns_ : &rows_; }
  static void Drop(size_t at, Shelf* shelf);
  size_t Victim(const Shelf& shelf);

  std::mutex mutex_;  // guards what follows
  // What filters and aggregations go over, for blocks by the hundred; and what single rows are made of, for a few.
  Shelf columns_{96 << 20}, texts_{48 << 20}, rows_{32 << 20};
  uint64_t uses_ = 0, random_ = 1;
};

}  // namespace rankscope::store
