#include "store/columns/slot_column.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/coding.h"
#include "store/columns/compression.h"
#include "store/columns/integer_column.h"
#include "store/columns/uuids.h"
#include "store/texts/word_filter.h"

namespace rankscope::store {
namespace {

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
  for (; value >= 1000; value /= 1000) digits += 3;
  return digits + (value >= 100 ? 2 : value >= 10 ? 1 : 0);
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
  lengths.reserve(values.size());
  for (const Variable& value : values) lengths.push_back(value.detail);
  PutIntegers(lengths, out);
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

// The digits of each byte, two at a time.
template <bool kUpper>
constexpr std::array<char, 512> MakeHexPairs() {
  const char* digits = kUpper ? "0123456789ABCDEF" : "0123456789abcdef";
  std::array<char, 512> pairs{};
  for (size_t byte = 0; byte < 256; ++byte) {
    pairs[2 * byte] = digits[byte >> 4];
    pairs[2 * byte + 1] = digits[byte & 15];
  }
  return pairs;
}
constexpr auto kLowerPairs = MakeHexPairs<false>(), kUpperPairs = MakeHexPairs<true>();

// Whether the variable, case folded, holds the literal. True where it is not ASCII: its folding is not this one.
bool Holds(const Variable& variable, std::string_view literal, std::string* buffer) {
  buffer->clear();
  AppendVariable(variable, buffer);
  for (char& c : *buffer) {
    if (static_cast<unsigned char>(c) >= 0x80) return true;
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return buffer->find(literal) != std::string::npos;
}

// The same of an integer, without writing it.
bool HoldsDigits(const Variable& variable, std::string_view literal) {
  if (literal.size() > variable.detail) return false;
  uint64_t wanted = 0, modulus = 1, value = static_cast<uint64_t>(variable.value);
  for (char c : literal) {
    if (c < '0' || c > '9') return false;
    wanted = wanted * 10 + static_cast<uint64_t>(c - '0');
    modulus *= 10;
  }
  for (size_t places = literal.size(); places <= variable.detail; ++places, value /= 10) {
    if (value % modulus == wanted) return true;
  }
  return false;
}

bool AllWithin(const std::vector<int64_t>& values, int64_t low, int64_t high) {
  return std::all_of(values.begin(), values.end(), [=](int64_t value) { return value >= low && value <= high; });
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
  texts.reserve(values.size());
  for (const Variable& value : values) texts.push_back(value.Text());
  EncodeTexts(texts, out);
}

bool SlotColumn::ReadNumbers(std::string_view bytes, size_t count) {
  base::ByteReader in(bytes);
  if (!ReadIntegers(&in, count, &numbers_) || !AllWithin(numbers_, 0, INT64_MAX)) return false;
  if (slot_ == Slot::kInteger) {
    if (in.Byte() == kAtLeast) {
      uint64_t least = in.Varint();
      detail_ = static_cast<uint32_t>(least);
      return least <= kMaxDigits && in.ok() && in.empty();
    }
    return ReadIntegers(&in, count, &details_) && AllWithin(details_, 1, kMaxDigits) && in.empty();
  }
  if (!ReadIntegers(&in, count, &details_) || !AllWithin(details_, 0, 0xffff) || !in.empty()) return false;
  bool good =
      std::all_of(details_.begin(), details_.end(), [](int64_t detail) { return (detail & 0xff) <= kMaxDigits; });
  if (good && count > 0 && AllWithin(details_, details_[0], details_[0])) {
    detail_ = static_cast<uint32_t>(details_[0]);
    details_ = {};
  }
  return good;
}

bool SlotColumn::ReadHex(std::string_view bytes, size_t count) {
  base::ByteReader in(bytes);
  std::vector<int64_t> sizes;
  if (!ReadIntegers(&in, count, &sizes) || !AllWithin(sizes, 0, kMaxSplitBytes)) return false;
  begins_.push_back(0);
  for (int64_t size : sizes) begins_.push_back(begins_.back() + static_cast<uint32_t>(size));
  std::string packed;
  if (!ReadCompressed(in.Bytes(in.remaining()), (size_t{begins_.back()} + 1) / 2, &packed)) return false;
  const auto& pairs = slot_ == Slot::kHexUpper ? kUpperPairs : kLowerPairs;
  arena_.resize(packed.size() * 2);
  for (size_t i = 0; i < packed.size(); ++i) {
    std::memcpy(arena_.data() + 2 * i, pairs.data() + size_t{2} * static_cast<uint8_t>(packed[i]), 2);
  }
  return true;
}

bool DecodeSlot(std::string_view bytes, Slot slot, size_t count, SlotColumn* column) {
  column->slot_ = slot;
  column->count_ = count;
  switch (slot) {
    case Slot::kInteger:
    case Slot::kDecimal:
    case Slot::kScientific:
      return column->ReadNumbers(bytes, count);
    case Slot::kHexLower:
    case Slot::kHexUpper:
      return column->ReadHex(bytes, count);
    case Slot::kUuid:
      return ReadCompressed(bytes, count * kUuidBytes, &column->arena_);
    case Slot::kWord:
      break;
  }
  return DecodeTexts(bytes, count, &column->texts_);
}

Variable SlotColumn::At(size_t place, char* scratch) const {
  Variable variable{};
  variable.slot = slot_;
  switch (slot_) {
    case Slot::kInteger:
    case Slot::kDecimal:
    case Slot::kScientific:
      variable.value = numbers_[place];
      variable.detail = details_.empty() ? detail_ : static_cast<uint32_t>(details_[place]);
      if (slot_ == Slot::kInteger) variable.detail = std::max(variable.detail, NaturalDigits(variable.value));
      return variable;
    case Slot::kHexLower:
    case Slot::kHexUpper:
      variable.text = arena_.data() + begins_[place];
      variable.detail = begins_[place + 1] - begins_[place];
      return variable;
    case Slot::kUuid:
      WriteUuid(arena_.data() + place * kUuidBytes, scratch);
      variable.text = scratch;
      variable.detail = kUuidText;
      return variable;
    case Slot::kWord:
      break;
  }
  variable.text = texts_.texts[place].data();
  variable.detail = static_cast<uint32_t>(texts_.texts[place].size());
  return variable;
}

void SlotColumn::Find(LiteralSearch* search, std::string_view literal, std::vector<uint32_t>* places) const {
  if (slot_ == Slot::kUuid) return UuidSearch(literal).Find(arena_, places);
  bool hex = slot_ == Slot::kHexLower || slot_ == Slot::kHexUpper;
  if (search->usable() && (hex || slot_ == Slot::kWord)) return FindText(search, places);
  std::string buffer;
  char scratch[kScratchBytes];
  for (uint32_t place = 0; place < count_; ++place) {
    Variable variable = At(place, scratch);
    bool holds = slot_ == Slot::kInteger ? HoldsDigits(variable, literal) : Holds(variable, literal, &buffer);
    if (holds) places->push_back(place);
  }
}

void SlotColumn::FindText(LiteralSearch* search, std::vector<uint32_t>* places) const {
  const std::string& arena = slot_ == Slot::kWord ? texts_.arena : arena_;
  search->Run(arena);
  if (!search->any()) return;
  char scratch[kScratchBytes];
  for (uint32_t place = 0; place < count_; ++place) {
    std::string_view text = At(place, scratch).Text();
    if (search->In(static_cast<size_t>(text.data() - arena.data()), text.size())) places->push_back(place);
  }
}

size_t SlotColumn::Memory() const {
  return sizeof *this + (numbers_.size() + details_.size()) * sizeof(int64_t) + arena_.size() +
         begins_.size() * sizeof(uint32_t) + texts_.Memory();
}

}  // namespace rankscope::store
