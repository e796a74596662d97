#include "store/slot_column.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/coding.h"
#include "store/compression.h"
#include "store/integer_column.h"
#include "store/word_filter.h"

namespace rankscope::store {
namespace {

constexpr size_t kUuidText = 36;
constexpr size_t kUuidDashes[] = {8, 13, 18, 23};
constexpr size_t kUuidsAtATime = 512;
constexpr uint32_t kMaxDigits = 18;

enum Lengths : uint8_t { kAtLeast, kEach };  // digits: one least length, or each its own

void PutIntegers(const std::vector<int64_t>& values, std::string* out) {
  std::string encoded;
  EncodeIntegers(values, &encoded);
  base::PutString(out, encoded);
}

bool ReadIntegers(base::ByteReader* in, size_t count, std::vector<int64_t>* values) {
  std::string_view encoded = in->String();
  return in->ok() && DecodeIntegers(encoded, count, values);
}

uint32_t NaturalDigits(int64_t value) {
  uint32_t digits = 1;
  for (; value >= 10; value /= 10) ++digits;
  return digits;
}

// printf's %0Nd pads to a least length: one number says it for the whole column.
void PutLengths(const std::vector<Variable>& values, std::string* out) {
  uint32_t least = 1;
  for (const Variable& value : values) {
    if (value.detail > NaturalDigits(value.value)) least = std::max(least, value.detail);
  }
  bool regular = std::all_of(values.begin(), values.end(), [&](const Variable& value) {
    return value.detail == std::max(least, NaturalDigits(value.value));
  });
  out->push_back(regular ? kAtLeast : kEach);
  if (regular) return base::PutVarint(out, least);
  std::vector<int64_t> lengths;
  for (const Variable& value : values) lengths.push_back(value.detail);
  PutIntegers(lengths, out);
}

bool ReadLengths(base::ByteReader* in, std::vector<Variable>* values) {
  if (in->Byte() == kAtLeast) {
    uint64_t least = in->Varint();
    if (least > kMaxDigits) return false;
    for (Variable& value : *values) value.detail = std::max(static_cast<uint32_t>(least), NaturalDigits(value.value));
    return in->ok();
  }
  std::vector<int64_t> lengths;
  if (!ReadIntegers(in, values->size(), &lengths)) return false;
  for (size_t i = 0; i < lengths.size(); ++i) {
    if (lengths[i] < 1 || lengths[i] > kMaxDigits) return false;
    (*values)[i].detail = static_cast<uint32_t>(lengths[i]);
  }
  return true;
}

int Nibble(char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; }

// Two digits a byte, of all texts one after the other.
void PutHex(const std::vector<Variable>& values, std::string* out) {
  std::vector<int64_t> sizes;
  std::string bytes;
  size_t nibbles = 0;
  for (const Variable& value : values) {
    sizes.push_back(value.detail);
    for (char c : value.Text()) {
      if (nibbles++ % 2 == 0) {
        bytes.push_back(static_cast<char>(Nibble(c) << 4));
      } else {
        bytes.back() = static_cast<char>(bytes.back() | Nibble(c));
      }
    }
  }
  PutIntegers(sizes, out);
  PutCompressed(bytes, kColumnLevel, out);
}

bool ReadHex(base::ByteReader* in, size_t count, bool upper, SlotColumn* column) {
  std::vector<int64_t> sizes;
  if (!ReadIntegers(in, count, &sizes)) return false;
  size_t nibbles = 0;
  for (int64_t size : sizes) {
    if (size < 1 || size > static_cast<int64_t>(kMaxSplitBytes)) return false;
    nibbles += static_cast<size_t>(size);
  }
  std::string bytes;
  if (!ReadCompressed(in->Bytes(in->remaining()), (nibbles + 1) / 2, &bytes)) return false;
  const char* digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
  column->arena.resize(nibbles);
  for (size_t i = 0; i < nibbles; ++i) {
    column->arena[i] = digits[static_cast<uint8_t>(bytes[i / 2]) >> (i % 2 == 0 ? 4 : 0) & 15];
  }
  const char* at = column->arena.data();
  for (size_t i = 0; i < count; ++i) {
    column->values[i].text = at;
    column->values[i].detail = static_cast<uint32_t>(sizes[i]);
    at += sizes[i];
  }
  return true;
}

void PutUuids(const std::vector<Variable>& values, std::string* out) {
  std::string bytes;
  for (const Variable& value : values) {
    int high = -1;
    for (char c : value.Text()) {
      if (c == '-') continue;
      if (high < 0) {
        high = Nibble(c);
      } else {
        bytes.push_back(static_cast<char>(high << 4 | Nibble(c)));
        high = -1;
      }
    }
  }
  PutCompressed(bytes, kColumnLevel, out);
}

bool ReadUuids(std::string_view encoded, size_t count, SlotColumn* column) {
  std::string bytes;
  if (!ReadCompressed(encoded, count * kUuidBytes, &bytes)) return false;
  column->arena.resize(count * kUuidText);
  char* out = column->arena.data();
  for (size_t i = 0; i < count; ++i) {
    column->values[i].text = out;
    column->values[i].detail = kUuidText;
    for (size_t b = 0; b < kUuidBytes; ++b) {
      auto byte = static_cast<uint8_t>(bytes[i * kUuidBytes + b]);
      *out++ = "0123456789abcdef"[byte >> 4];
      *out++ = "0123456789abcdef"[byte & 15];
      if (b == 3 || b == 5 || b == 7 || b == 9) *out++ = '-';
    }
  }
  return true;
}

bool ReadNumbers(base::ByteReader* in, Slot slot, SlotColumn* column) {
  std::vector<int64_t> numbers, details;
  size_t count = column->values.size();
  if (!ReadIntegers(in, count, &numbers)) return false;
  for (size_t i = 0; i < count; ++i) {
    if (numbers[i] < 0) return false;
    column->values[i].value = numbers[i];
  }
  if (slot == Slot::kInteger) return ReadLengths(in, &column->values) && in->empty();
  if (!ReadIntegers(in, count, &details)) return false;
  for (size_t i = 0; i < count; ++i) {
    if (details[i] < 0 || details[i] > 0xffff || (details[i] & 0xff) > kMaxDigits) return false;
    column->values[i].detail = static_cast<uint32_t>(details[i]);
  }
  return in->empty();
}

// The digits that `part` asks of a UUID whose text begins `shift` characters before it.
struct UuidPattern {
  std::array<uint8_t, kUuidBytes> mask{}, wanted{};
};

bool PatternAt(std::string_view part, size_t shift, UuidPattern* pattern) {
  size_t nibble = 0;
  for (size_t at = 0; at < kUuidText; ++at) {
    bool dash = std::find(std::begin(kUuidDashes), std::end(kUuidDashes), at) != std::end(kUuidDashes);
    if (at >= shift && at < shift + part.size()) {
      char c = part[at - shift];
      bool digit = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
      if (dash ? c != '-' : !digit) return false;
      if (!dash) {
        int move = nibble % 2 == 0 ? 4 : 0;
        pattern->mask[nibble / 2] = static_cast<uint8_t>(pattern->mask[nibble / 2] | 15 << move);
        pattern->wanted[nibble / 2] = static_cast<uint8_t>(pattern->wanted[nibble / 2] | Nibble(c) << move);
      }
    }
    if (!dash) ++nibble;
  }
  return true;
}

void FindPattern(const char* uuids, size_t begin, size_t end, const UuidPattern& pattern,
                 std::vector<uint32_t>* places) {
  uint64_t mask[2], wanted[2];
  std::memcpy(mask, pattern.mask.data(), kUuidBytes);
  std::memcpy(wanted, pattern.wanted.data(), kUuidBytes);
  for (size_t i = begin; i < end; ++i) {
    uint64_t halves[2];
    std::memcpy(halves, uuids + i * kUuidBytes, kUuidBytes);
    if ((((halves[0] & mask[0]) ^ wanted[0]) | ((halves[1] & mask[1]) ^ wanted[1])) == 0) {
      places->push_back(static_cast<uint32_t>(i));
    }
  }
}

}  // namespace

void EncodeSlot(const std::vector<Variable>& values, std::string* out, std::string* filter) {
  if (values.empty()) return;
  Slot slot = values[0].slot;
  WordFilter words;
  if (slot == Slot::kInteger || slot == Slot::kDecimal || slot == Slot::kScientific) {
    std::vector<int64_t> numbers, details;
    for (const Variable& value : values) numbers.push_back(value.value);
    PutIntegers(numbers, out);
    if (slot == Slot::kInteger) return PutLengths(values, out);
    for (const Variable& value : values) details.push_back(value.detail);
    return PutIntegers(details, out);
  }
  if (slot == Slot::kHexLower || slot == Slot::kHexUpper) {
    for (const Variable& value : values) {
      if (slot == Slot::kHexLower && value.detail >= kIdSize) words.AddId(value.Text());
    }
    *filter = words.Take();
    return PutHex(values, out);
  }
  if (slot == Slot::kUuid) {
    for (const Variable& value : values) words.AddId(value.Text());
    *filter = words.Take();
    return PutUuids(values, out);
  }
  std::vector<std::string_view> texts;
  for (const Variable& value : values) texts.push_back(value.Text());
  EncodeTexts(texts, out);
}

bool DecodeSlot(std::string_view bytes, Slot slot, size_t count, SlotColumn* column) {
  column->values.resize(count);
  for (Variable& value : column->values) value.slot = slot;
  base::ByteReader in(bytes);
  switch (slot) {
    case Slot::kInteger:
    case Slot::kDecimal:
    case Slot::kScientific:
      return ReadNumbers(&in, slot, column);
    case Slot::kHexLower:
    case Slot::kHexUpper:
      return ReadHex(&in, count, slot == Slot::kHexUpper, column);
    case Slot::kUuid:
      return ReadUuids(bytes, count, column);
    case Slot::kWord:
      break;
  }
  if (!DecodeTexts(bytes, count, &column->texts)) return false;
  for (size_t i = 0; i < count; ++i) {
    column->values[i].text = column->texts.texts[i].data();
    column->values[i].detail = static_cast<uint32_t>(column->texts.texts[i].size());
  }
  return true;
}

void FindInUuids(std::string_view uuids, std::string_view part, std::vector<uint32_t>* places) {
  std::vector<UuidPattern> patterns;
  for (size_t shift = 0; shift + part.size() <= kUuidText; ++shift) {
    UuidPattern pattern;
    if (PatternAt(part, shift, &pattern)) patterns.push_back(pattern);
  }
  size_t count = uuids.size() / kUuidBytes;
  // A few hundred at a time, so that all patterns find them in the nearest cache.
  for (size_t begin = 0; begin < count; begin += kUuidsAtATime) {
    size_t end = std::min(count, begin + kUuidsAtATime), before = places->size();
    for (const UuidPattern& pattern : patterns) FindPattern(uuids.data(), begin, end, pattern, places);
    auto first = places->begin() + static_cast<long>(before);
    std::sort(first, places->end());
    places->erase(std::unique(first, places->end()), places->end());
  }
}

}  // namespace rankscope::store
