#include "store/texts/text_template.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "store/texts/byte_kinds.h"

#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace rankscope::store {
namespace {

constexpr size_t kMaxDigits = 18;
constexpr size_t kUuidSize = 36;
constexpr size_t kLongWord = 12;  // from here on a mix of cases and digits is no name

enum Class : uint8_t {
  kDigit = 1,
  kHexLowerLetter = 2,
  kHexUpperLetter = 4,
  kLetter = 8,
  kWordByte = 16,
  kBad = 32,
  kUnderscore = 64
};

constexpr std::array<uint8_t, 256> MakeClasses() {
  std::array<uint8_t, 256> classes{};
  for (int c = '0'; c <= '9'; ++c) classes[static_cast<size_t>(c)] = kDigit | kWordByte;
  for (int c = 'a'; c <= 'z'; ++c) {
    classes[static_cast<size_t>(c)] = static_cast<uint8_t>(kLetter | kWordByte | (c <= 'f' ? kHexLowerLetter : 0));
    classes[static_cast<size_t>(c - 32)] = static_cast<uint8_t>(kLetter | kWordByte | (c <= 'f' ? kHexUpperLetter : 0));
  }
  classes['_'] = kWordByte | kUnderscore;
  for (size_t c = 0x80; c < 256; ++c) classes[c] = kLetter | kWordByte;
  for (size_t c = kFirstMarker; c <= kLastMarker; ++c) classes[c] = kBad;
  return classes;
}
constexpr std::array<uint8_t, 256> kClasses = MakeClasses();

uint8_t ClassOf(char c) { return kClasses[static_cast<uint8_t>(c)]; }
bool IsDigit(char c) { return ClassOf(c) & kDigit; }

// The first digit or marker from `at` on: words without digits are looked at no further. The text's size: none.
size_t FindDigitOrBad(std::string_view text, size_t at) {
#ifdef __AVX2__
  // Moved so that `first` is 0, those up to `last` are unsigned numbers up to their distance.
  auto in = [](__m256i bytes, char first, char last) {
    __m256i moved = _mm256_sub_epi8(bytes, _mm256_set1_epi8(first));
    return _mm256_cmpeq_epi8(_mm256_min_epu8(moved, _mm256_set1_epi8(static_cast<char>(last - first))), moved);
  };
  for (; at + 32 <= text.size(); at += 32) {
    __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text.data() + at));
    __m256i found = _mm256_or_si256(in(bytes, '0', '9'), in(bytes, kFirstMarker, kLastMarker));
    auto bits = static_cast<uint32_t>(_mm256_movemask_epi8(found));
    if (bits != 0) return at + static_cast<size_t>(__builtin_ctz(bits));
  }
#endif
  while (at < text.size() && !(ClassOf(text[at]) & (kDigit | kBad))) ++at;
  return at;
}

class Splitter {
 public:
  Splitter(std::string_view text, std::string* form, std::vector<Variable>* variables)
      : text_(text), form_(form), variables_(variables), first_(variables->size()) {}

  bool Split() {
    form_->clear();
    size_t plain = 0;  // where what is not yet copied begins
    for (size_t digit; (digit = FindDigitOrBad(text_, plain)) < text_.size();) {
      if (!IsDigit(text_[digit])) return false;
      size_t at = digit, end = digit;
      uint8_t all = 0;
      while (at > plain && ClassOf(text_[at - 1]) & kWordByte) all |= ClassOf(text_[--at]);
      do all |= ClassOf(text_[end++]);
      while (end < text_.size() && ClassOf(text_[end]) & kWordByte);
      form_->append(text_, plain, at - plain);
      plain = TakeWord(at, end, all);
      if (variables_->size() - first_ > kMaxSlots) return false;
    }
    form_->append(text_, plain);
    return true;
  }

 private:
  // Takes the word [at, end), or more of the text, apart; returns where it ended.
  size_t TakeWord(size_t at, size_t end, uint8_t all) {
    if (end - at == 8 && IsUuid(at)) {
      PutText(Slot::kUuid, at, kUuidSize);
      return at + kUuidSize;
    }
    if (all == (kDigit | kWordByte)) return TakeNumber(at, end);
    size_t size = end - at;
    if (size > 2 && text_[at] == '0' && text_[at + 1] == 'x' && TakeHex(at + 2, end)) return end;
    if (!(all & kUnderscore)) {
      TakePart(at, end);
      return end;
    }
    for (size_t part = at; part < end;) {
      size_t stop = std::min(text_.find('_', part), end);
      TakePart(part, stop);
      if (stop < end) form_->push_back('_');
      part = stop + 1;
    }
    return end;
  }

  // What a part of a word, between underscores, is made of.
  struct PartKinds {
    size_t runs = 0, first = 0, last = 0;  // of digits: how many, where the first begins and the last ends
    bool lower = false, upper_inside = false;
    bool hex_lower = false, hex_upper = false;  // digits and letters of a to f in one case
  };

  PartKinds KindsOfPart(size_t at, size_t end) const {
    PartKinds part;
    uint32_t lowers = 0, uppers_inside = 0, letters = 0, no_hex_lowers = 0, no_hex_uppers = 0, digit_before = 0;
    for (size_t from = at; from < end; from += kKindsWindow) {
      uint32_t taken = ~uint32_t{0} >> (kKindsWindow - std::min(kKindsWindow, end - from));
      ByteKinds kinds = KindsAt(from);
      uint32_t digits = kinds.digits & taken, others = taken & ~digits;
      letters |= others;
      lowers |= kinds.lowers & taken;
      uppers_inside |= kinds.uppers & taken & (from == at ? ~uint32_t{1} : ~uint32_t{0});
      no_hex_lowers |= others & ~kinds.hex_lowers;
      no_hex_uppers |= others & ~kinds.hex_uppers;
      if (digits != 0 && part.runs == 0) part.first = from + static_cast<size_t>(std::countr_zero(digits));
      if (digits != 0) part.last = from + static_cast<size_t>(std::bit_width(digits));
      part.runs += static_cast<size_t>(std::popcount(digits & ~(digits << 1 | digit_before)));
      digit_before = digits >> (kKindsWindow - 1);
    }
    part.lower = lowers != 0;
    part.upper_inside = uppers_inside != 0;
    part.hex_lower = letters != 0 && no_hex_lowers == 0;
    part.hex_upper = letters != 0 && no_hex_uppers == 0;
    return part;
  }

  ByteKinds KindsAt(size_t at) const {
    if (at + kKindsWindow <= text_.size()) return KindsOf(text_.data() + at);
    char bytes[kKindsWindow] = {};
    std::memcpy(bytes, text_.data() + at, text_.size() - at);
    return KindsOf(bytes);
  }

  void TakePart(size_t at, size_t end) {
    PartKinds part = KindsOfPart(at, end);
    size_t size = end - at, digits = part.last - part.first;
    if (part.runs == 0) {
      form_->append(text_, at, size);
    } else if (digits == size && part.runs == 1 && size <= kMaxDigits) {
      PutInteger(at, end);
    } else if (part.hex_lower || part.hex_upper) {
      PutText(part.hex_upper ? Slot::kHexUpper : Slot::kHexLower, at, size);
    } else if (part.runs == 1 && digits <= kMaxDigits && (size < kLongWord || !(part.upper_inside && part.lower))) {
      form_->append(text_, at, part.first - at);
      PutInteger(part.first, part.last);
      form_->append(text_, part.last, end - part.last);
    } else {
      PutText(Slot::kWord, at, size);
    }
  }

  // Takes [at, end), behind 0x, if it is hexadecimal in one case.
  bool TakeHex(size_t at, size_t end) {
    PartKinds part = KindsOfPart(at, end);
    bool digits = part.runs == 1 && part.last - part.first == end - at;
    if (!digits && !part.hex_lower && !part.hex_upper) return false;
    form_->append("0x");
    PutText(part.hex_upper ? Slot::kHexUpper : Slot::kHexLower, at, end - at);
    return true;
  }

  // The digits [at, end), and the decimals behind them.
  size_t TakeNumber(size_t at, size_t end) {
    if (end - at > kMaxDigits) {
      PutText(Slot::kWord, at, end - at);
      return end;
    }
    bool natural = end - at == 1 || text_[at] != '0';
    bool begins = at < 2 || text_[at - 1] != '.' || !IsDigit(text_[at - 2]);
    if (natural && begins && end + 1 < text_.size() && text_[end] == '.' && IsDigit(text_[end + 1])) {
      if (size_t stop = TakeDecimal(at, end)) return stop;
    }
    PutInteger(at, end);
    return end;
  }

  // 0: what begins at `at` is no decimal.
  size_t TakeDecimal(size_t at, size_t point) {
    size_t stop = point + 1;
    while (stop < text_.size() && IsDigit(text_[stop])) ++stop;
    size_t decimals = stop - point - 1;
    if (stop - at - 1 > kMaxDigits) return 0;
    Variable variable;
    variable.value = Digits(at, point) * Power(decimals) + Digits(point + 1, stop);
    variable.detail = static_cast<uint32_t>(decimals);
    bool word_ends = stop == text_.size() || !(ClassOf(text_[stop]) & kWordByte);
    if (word_ends) {
      if (stop + 1 < text_.size() && text_[stop] == '.' && IsDigit(text_[stop + 1])) return 0;
      variable.slot = Slot::kDecimal;
      Put(variable);
      return stop;
    }
    // e-05: a sign and two digits, and no more.
    bool exponent = text_[stop] == 'e' && stop + 4 <= text_.size() &&
                    (text_[stop + 1] == '-' || text_[stop + 1] == '+') && IsDigit(text_[stop + 2]) &&
                    IsDigit(text_[stop + 3]) && (stop + 4 == text_.size() || !(ClassOf(text_[stop + 4]) & kWordByte));
    int power = exponent ? static_cast<int>(Digits(stop + 2, stop + 4)) : 0;
    if (exponent && text_[stop + 1] == '-') power = -power;
    if (!exponent || (power == 0 && text_[stop + 1] == '-')) {
      // 5.2GiB: the digits end where letters begin.
      if (IsDigit(text_[stop])) return 0;
      size_t end = stop;
      while (end < text_.size() && ClassOf(text_[end]) & kWordByte) {
        if (IsDigit(text_[end++])) return 0;
      }
      variable.slot = Slot::kDecimal;
      Put(variable);
      return stop;
    }
    variable.slot = Slot::kScientific;
    variable.detail |= static_cast<uint32_t>(power + 128) << 8;
    Put(variable);
    return stop + 4;
  }

  bool IsUuid(size_t at) const {
    if (at + kUuidSize > text_.size()) return false;
    for (size_t i = 0; i < kUuidSize; ++i) {
      char c = text_[at + i];
      bool dash = i == 8 || i == 13 || i == 18 || i == 23;
      if (dash ? c != '-' : !(ClassOf(c) & (kDigit | kHexLowerLetter))) return false;
    }
    return at + kUuidSize == text_.size() || !(ClassOf(text_[at + kUuidSize]) & kWordByte);
  }

  int64_t Digits(size_t at, size_t end) const {
    int64_t value = 0;
    for (; at < end; ++at) value = value * 10 + (text_[at] - '0');
    return value;
  }
  static int64_t Power(size_t exponent) {
    int64_t power = 1;
    for (; exponent > 0; --exponent) power *= 10;
    return power;
  }

  void PutInteger(size_t at, size_t end) {
    Variable variable;
    variable.value = Digits(at, end);
    variable.detail = static_cast<uint32_t>(end - at);
    variable.slot = Slot::kInteger;
    Put(variable);
  }
  void PutText(Slot slot, size_t at, size_t size) {
    Variable variable;
    variable.text = text_.data() + at;
    variable.detail = static_cast<uint32_t>(size);
    variable.slot = slot;
    Put(variable);
  }
  void Put(const Variable& variable) {
    form_->push_back(static_cast<char>(variable.slot));
    variables_->push_back(variable);
  }

  const std::string_view text_;
  std::string* form_;
  std::vector<Variable>* variables_;
  const size_t first_;
};

void AppendPadded(uint64_t value, size_t digits, std::string* out) {
  char buffer[24];
  size_t at = sizeof buffer;
  for (; value > 0; value /= 10) buffer[--at] = static_cast<char>('0' + value % 10);
  while (sizeof buffer - at < std::min(digits, sizeof buffer - 1)) buffer[--at] = '0';
  out->append(buffer + at, sizeof buffer - at);
}

}  // namespace

bool SplitText(std::string_view text, std::string* form, std::vector<Variable>* variables) {
  if (text.size() > kMaxSplitBytes) return false;
  size_t before = variables->size();
  bool split = Splitter(text, form, variables).Split();
  if (!split) variables->resize(before);
  return split;
}

void AppendVariable(const Variable& variable, std::string* out) {
  auto value = static_cast<uint64_t>(variable.value);
  switch (variable.slot) {
    case Slot::kInteger:
      return AppendPadded(value, variable.detail, out);
    case Slot::kDecimal:
    case Slot::kScientific: {
      size_t decimals = variable.detail & 0xff;
      size_t before = out->size();
      AppendPadded(value, decimals + 1, out);
      out->insert(std::max(out->size() - std::min(decimals, out->size()), before), 1, '.');
      if (variable.slot == Slot::kDecimal) return;
      int power = static_cast<int>(variable.detail >> 8) - 128;
      out->push_back('e');
      out->push_back(power < 0 ? '-' : '+');
      return AppendPadded(static_cast<uint64_t>(power < 0 ? -power : power), 2, out);
    }
    default:
      out->append(variable.Text());
  }
}

void JoinText(std::string_view form, const Variable* variables, std::string* out) {
  size_t plain = 0;
  for (size_t at = 0; at < form.size(); ++at) {
    if (!IsMarker(form[at])) continue;
    out->append(form, plain, at - plain);
    AppendVariable(*variables++, out);
    plain = at + 1;
  }
  out->append(form, plain);
}

std::string ReadableTemplate(std::string_view form) {
  std::string out;
  for (char c : form) {
    if (!IsMarker(c)) {
      out.push_back(c);
      continue;
    }
    switch (static_cast<Slot>(c)) {
      case Slot::kInteger:
        out += "<int>";
        break;
      case Slot::kDecimal:
      case Slot::kScientific:
        out += "<float>";
        break;
      case Slot::kHexLower:
      case Slot::kHexUpper:
        out += "<hex>";
        break;
      case Slot::kUuid:
        out += "<uuid>";
        break;
      case Slot::kWord:
        out += "<*>";
    }
  }
  return out;
}

}  // namespace rankscope::store
