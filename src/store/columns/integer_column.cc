#include "store/columns/integer_column.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/coding.h"
#include "store/columns/compression.h"

namespace rankscope::store {
namespace {

enum Mode : uint8_t { kConstant, kPacked, kPackedDeltas, kTable, kTableDeltas };

constexpr size_t kFrame = 128;
constexpr size_t kMaxTable = 256;
constexpr size_t kWorthATable = 16;  // values: of fewer, what belongs to a table takes as many bytes as they

// Differences wrap, as do the sums that undo them.
int64_t Minus(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
int64_t Plus(int64_t a, int64_t b) { return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b)); }

size_t BytesOf(size_t count, unsigned width) { return (count * width + 7) / 8; }

struct FrameRange {
  int64_t low;
  unsigned width;
};

FrameRange RangeOf(const int64_t* values, size_t count) {
  auto [low, high] = std::minmax_element(values, values + count);
  return {*low, static_cast<unsigned>(std::bit_width(static_cast<uint64_t>(*high) - static_cast<uint64_t>(*low)))};
}

size_t PackedSize(const std::vector<int64_t>& values) {
  size_t size = 0;
  for (size_t at = 0; at < values.size(); at += kFrame) {
    size_t count = std::min(kFrame, values.size() - at);
    size += 3 + BytesOf(count, RangeOf(&values[at], count).width);
  }
  return size;
}

void PackFrame(const int64_t* values, size_t count, FrameRange range, std::string* out) {
  uint64_t pending = 0;
  unsigned bits = 0;
  char bytes[kFrame * 8 + 8];
  size_t size = 0;
  for (size_t i = 0; i < count; ++i) {
    uint64_t value = static_cast<uint64_t>(values[i]) - static_cast<uint64_t>(range.low);
    pending |= value << bits;
    if (bits + range.width >= 64) {
      std::memcpy(bytes + size, &pending, 8);
      size += 8;
      unsigned taken = 64 - bits;
      pending = taken < 64 ? value >> taken : 0;
      bits = range.width - taken;
    } else {
      bits += range.width;
    }
  }
  std::memcpy(bytes + size, &pending, 8);
  out->append(bytes, BytesOf(count, range.width));
}

void Pack(const std::vector<int64_t>& values, std::string* out) {
  int64_t low = 0;
  for (size_t at = 0; at < values.size(); at += kFrame) {
    size_t count = std::min(kFrame, values.size() - at);
    FrameRange range = RangeOf(&values[at], count);
    base::PutSigned(out, Minus(range.low, low));
    out->push_back(static_cast<char>(range.width));
    if (range.width > 0) PackFrame(&values[at], count, range, out);
    low = range.low;
  }
}

// The value of `width` bits at bit `at`. REQUIRES 8 readable bytes from the one that holds the first bit, and a ninth.
uint64_t BitsAt(const char* bytes, size_t at, unsigned width) {
  uint64_t word;
  std::memcpy(&word, bytes + at / 8, 8);
  unsigned shift = at % 8;
  uint64_t value = word >> shift;
  if (shift + width > 64) value |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[at / 8 + 8])) << (64 - shift);
  return width == 64 ? value : value & ((uint64_t{1} << width) - 1);
}

bool Unpack(std::string_view bytes, size_t count, std::vector<int64_t>* values) {
  base::ByteReader in(bytes);
  int64_t low = 0;
  char padded[kFrame * 8 + 16];
  for (size_t at = 0; at < count; at += kFrame) {
    size_t in_frame = std::min(kFrame, count - at);
    low = Plus(low, in.Signed());
    unsigned width = in.Byte();
    if (width > 64) return false;
    std::string_view packed = in.Bytes(BytesOf(in_frame, width));
    if (!in.ok()) return false;
    const char* source = packed.data();
    if (in.remaining() < 16) {
      std::memcpy(padded, packed.data(), packed.size());
      source = padded;
    }
    int64_t* out = values->data() + at;
    if (width == 0) {
      std::fill(out, out + in_frame, low);
    } else if (width <= 57) {
      uint64_t mask = (uint64_t{1} << width) - 1;
      for (size_t i = 0, bit = 0; i < in_frame; ++i, bit += width) {
        uint64_t word;
        std::memcpy(&word, source + bit / 8, 8);
        out[i] = Plus(low, static_cast<int64_t>(word >> (bit % 8) & mask));
      }
    } else {
      for (size_t i = 0; i < in_frame; ++i) {
        out[i] = Plus(low, static_cast<int64_t>(BitsAt(source, i * width, width)));
      }
    }
  }
  return in.ok() && in.empty();
}

// The distinct values and each value's place among them, if there are few.
class Table {
 public:
  bool Build(const std::vector<int64_t>& values) {
    slots_.fill(-1);
    ids_.resize(values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      int id = values[i] == last_ && !entries_.empty() ? last_id_ : Find(values[i]);
      if (id < 0) return false;
      last_ = values[i];
      last_id_ = id;
      ids_[i] = static_cast<char>(id);
      ++counts_[static_cast<size_t>(id)];
    }
    return true;
  }

  // What the bytes come to under an entropy coder.
  size_t Size() const {
    double bits = 0;
    auto total = static_cast<double>(ids_.size());
    for (size_t i = 0; i < entries_.size(); ++i) bits += counts_[i] * std::log2(total / counts_[i]);
    return static_cast<size_t>(bits / 8) + entries_.size() * 3 + 24;
  }

  void Put(std::string* out) const {
    base::PutVarint(out, entries_.size());
    int64_t last = 0;
    for (int64_t entry : entries_) {
      base::PutSigned(out, Minus(entry, last));
      last = entry;
    }
    PutCompressed(ids_, kColumnLevel, out);
  }

  static bool Read(std::string_view bytes, size_t count, std::vector<int64_t>* values) {
    base::ByteReader in(bytes);
    uint64_t size = in.Varint();
    if (size == 0 || size > kMaxTable) return false;
    std::array<int64_t, kMaxTable> entries{};
    int64_t last = 0;
    for (size_t i = 0; i < size; ++i) last = entries[i] = Plus(last, in.Signed());
    std::string ids;
    if (!in.ok() || !ReadCompressed(in.Bytes(in.remaining()), count, &ids)) return false;
    uint8_t largest = 0;
    for (size_t i = 0; i < count; ++i) {
      auto id = static_cast<uint8_t>(ids[i]);
      largest = std::max(largest, id);
      (*values)[i] = entries[id];
    }
    return largest < size;
  }

 private:
  int Find(int64_t value) {
    size_t at = static_cast<uint64_t>(value) * 0x9e3779b97f4a7c15u >> 54;
    for (; slots_[at] >= 0; at = (at + 1) % slots_.size()) {
      if (entries_[static_cast<size_t>(slots_[at])] == value) return slots_[at];
    }
    if (entries_.size() == kMaxTable) return -1;
    slots_[at] = static_cast<int16_t>(entries_.size());
    entries_.push_back(value);
    return slots_[at];
  }

  std::array<int16_t, 1024> slots_;
  std::array<double, kMaxTable> counts_{};
  std::vector<int64_t> entries_;
  std::string ids_;
  int64_t last_ = 0;
  int last_id_ = 0;
};

// False, with nothing appended: a table of neither takes fewer bytes.
bool PutTable(const std::vector<int64_t>& values, const std::vector<int64_t>& deltas, size_t bytes, std::string* out) {
  Table table, delta_table;
  size_t of_values = table.Build(values) ? table.Size() : SIZE_MAX;
  size_t of_deltas = delta_table.Build(deltas) ? delta_table.Size() : SIZE_MAX;
  if (std::min(of_values, of_deltas) >= bytes) return false;
  out->push_back(of_values <= of_deltas ? kTable : kTableDeltas);
  (of_values <= of_deltas ? table : delta_table).Put(out);
  return true;
}

}  // namespace

void EncodeIntegers(const std::vector<int64_t>& values, std::string* out) {
  bool constant = std::all_of(values.begin(), values.end(), [&](int64_t value) { return value == values[0]; });
  if (constant) {
    out->push_back(kConstant);
    return base::PutSigned(out, values.empty() ? 0 : values[0]);
  }
  std::vector<int64_t> deltas(values.size());
  int64_t last = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    deltas[i] = Minus(values[i], last);
    last = values[i];
  }
  size_t packed = PackedSize(values), packed_deltas = PackedSize(deltas);
  if (values.size() < kWorthATable || !PutTable(values, deltas, std::min(packed, packed_deltas), out)) {
    out->push_back(packed <= packed_deltas ? kPacked : kPackedDeltas);
    Pack(packed <= packed_deltas ? values : deltas, out);
  }
}

bool DecodeIntegers(std::string_view bytes, size_t count, std::vector<int64_t>* values) {
  if (bytes.empty()) return false;
  auto mode = static_cast<Mode>(bytes[0]);
  bytes.remove_prefix(1);
  values->resize(count);
  if (mode == kConstant) {
    base::ByteReader in(bytes);
    std::fill(values->begin(), values->end(), in.Signed());
    return in.ok() && in.empty();
  }
  bool deltas = mode == kPackedDeltas || mode == kTableDeltas;
  bool table = mode == kTable || mode == kTableDeltas;
  if (mode > kTableDeltas || !(table ? Table::Read(bytes, count, values) : Unpack(bytes, count, values))) return false;
  if (deltas) {
    int64_t sum = 0;
    for (int64_t& value : *values) value = sum = Plus(sum, value);
  }
  return true;
}

}  // namespace rankscope::store
