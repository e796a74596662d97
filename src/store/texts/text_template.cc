#include "store/texts/text_template.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "store/texts/byte_kinds.h"
#include "store/texts/byte_range.h"
#include "store/texts/word_runs.h"

namespace rankscope::store {
namespace {

constexpr size_t kMaxDigits = 18;
constexpr size_t kUuidSize = 36;
constexpr size_t kLongWord = 12;  // from here on a mix of cases and digits is no name

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHexLower(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); }

// A bit for each byte of a text. One behind its end is 0.
class ByteBits {
 public:
  uint64_t& window(size_t number) { return windows_[number]; }
  bool IsOne(size_t at) const { return windows_[at / kRunWindow] >> at % kRunWindow & 1; }

  // Where the first 1 from `at` on is; `size` or more: there is none before. REQUIRES at < size.
  size_t NextOne(size_t at, size_t size) const {
    uint64_t bits = windows_[at / kRunWindow] >> at % kRunWindow;
    if (bits != 0) return at + static_cast<size_t>(std::countr_zero(bits));
    for (at = at - at % kRunWindow + kRunWindow; at < size; at += kRunWindow) {
      bits = windows_[at / kRunWindow];
      if (bits != 0) return at + static_cast<size_t>(std::countr_zero(bits));
    }
    return size;
  }
  // Where the ones from `at` on end.
  size_t EndOfOnes(size_t at) const {
    size_t number = at / kRunWindow;
    uint64_t zeros = ~windows_[number] & ~uint64_t{0} << at % kRunWindow;
    while (zeros == 0) zeros = ~windows_[++number];
    return number * kRunWindow + static_cast<size_t>(std::countr_zero(zeros));
  }
  // Where the ones up to `at`, which is one, begin.
  size_t BeginOfOnes(size_t at) const {
    size_t number = at / kRunWindow;
    uint64_t zeros = ~windows_[number] & ((uint64_t{1} << at % kRunWindow) - 1);
    while (zeros == 0 && number > 0) zeros = ~windows_[--number];
    return number * kRunWindow + static_cast<size_t>(std::bit_width(zeros));
  }

 private:
  std::array<uint64_t, kMaxSplitBytes / kRunWindow + 1> windows_;
};

// By bits: byte by byte no processor guesses where words end.
class Splitter {
 public:
  Splitter(std::string_view text, std::string* form, std::vector<Variable>* variables)
      : text_(text),
        end_begins_(text.size() - std::min(text.size(), kRunWindow)),
        form_(form),
        variables_(variables),
        first_(variables->size()) {
    std::memcpy(end_.data(), text.data() + end_begins_, text.size() - end_begins_);
    form->resize(text.size() + kCopied);  // no marker takes more bytes than what it stands for
  }

  bool Split() {
    if (!ReadBits()) return false;
    size_t plain = 0;  // where what is not yet copied begins
    for (size_t digit; plain < text_.size() && (digit = digits_.NextOne(plain, text_.size())) < text_.size();) {
      size_t at = std::max(plain, words_.BeginOfOnes(digit)), end = words_.EndOfOnes(digit);
      PutPlain(plain, at);
      plain = TakeWord(at, end);
      if (variables_->size() - first_ > kMaxSlots) return false;
    }
    PutPlain(plain, text_.size());
    form_->resize(form_size_);
    return true;
  }

 private:
  // False: the text holds a marker.
  bool ReadBits() {
    uint64_t markers = 0;
    for (size_t at = 0; at <= text_.size(); at += kRunWindow) {
      const char* bytes = ReadableAt(at);
      digits_.window(at / kRunWindow) = BitsWithin(bytes, '0', '9');
      words_.window(at / kRunWindow) = RunBits(bytes);
      markers |= BitsWithin(bytes, kFirstMarker, kLastMarker);
    }
    return markers == 0;
  }

  // Takes the word [at, end), or more of the text, apart; returns where it ended.
  size_t TakeWord(size_t at, size_t end) {
    if (end - at == 8 && IsUuid(at)) {
      PutText(Slot::kUuid, at, kUuidSize);
      return at + kUuidSize;
    }
    if (digits_.EndOfOnes(at) >= end) return TakeNumber(at, end);
    if (end - at > 2 && text_[at] == '0' && text_[at + 1] == 'x' && TakeHex(at + 2, end)) return end;
    for (size_t part = at; part < end;) {
      size_t stop = EndOfPart(part, end);
      TakePart(part, stop);
      if (stop < end) PutPlain(stop, stop + 1);
      part = stop + 1;
    }
    return end;
  }

  size_t EndOfPart(size_t at, size_t end) const {
    const void* underscore = std::memchr(text_.data() + at, '_', end - at);
    return underscore ? static_cast<size_t>(static_cast<const char*>(underscore) - text_.data()) : end;
  }

  // The text from there on, of which kRunWindow bytes may be read: zeros behind its end.
  const char* ReadableAt(size_t at) const {
    return at + kRunWindow <= text_.size() ? text_.data() + at : end_.data() + (at - end_begins_);
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
      ByteKinds kinds = KindsOf(ReadableAt(from));
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

  void TakePart(size_t at, size_t end) {
    PartKinds part = KindsOfPart(at, end);
    size_t size = end - at, digits = part.last - part.first;
    if (part.runs == 0) {
      PutPlain(at, end);
    } else if (digits == size && part.runs == 1 && size <= kMaxDigits) {
      PutInteger(at, end);
    } else if (part.hex_lower || part.hex_upper) {
      PutText(part.hex_upper ? Slot::kHexUpper : Slot::kHexLower, at, size);
    } else if (part.runs == 1 && digits <= kMaxDigits && (size < kLongWord || !(part.upper_inside && part.lower))) {
      PutPlain(at, part.first);
      PutInteger(part.first, part.last);
      PutPlain(part.last, end);
    } else {
      PutText(Slot::kWord, at, size);
    }
  }

  // Takes [at, end), behind 0x, if it is hexadecimal in one case.
  bool TakeHex(size_t at, size_t end) {
    PartKinds part = KindsOfPart(at, end);
    bool digits = part.runs == 1 && part.last - part.first == end - at;
    if (!digits && !part.hex_lower && !part.hex_upper) return false;
    PutPlain(at - 2, at);
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
    size_t stop = digits_.EndOfOnes(point + 1), decimals = stop - point - 1;
    if (stop - at - 1 > kMaxDigits) return 0;
    Variable variable;
    variable.value = Digits(at, point) * Power(decimals) + Digits(point + 1, stop);
    variable.detail = static_cast<uint32_t>(decimals);
    if (!words_.IsOne(stop)) {
      if (stop + 1 < text_.size() && text_[stop] == '.' && IsDigit(text_[stop + 1])) return 0;
      variable.slot = Slot::kDecimal;
      Put(variable);
      return stop;
    }
    // e-05: a sign and two digits, and no more.
    bool exponent = text_[stop] == 'e' && stop + 4 <= text_.size() &&
                    (text_[stop + 1] == '-' || text_[stop + 1] == '+') && IsDigit(text_[stop + 2]) &&
                    IsDigit(text_[stop + 3]) && !words_.IsOne(stop + 4);
    int power = exponent ? static_cast<int>(Digits(stop + 2, stop + 4)) : 0;
    if (exponent && text_[stop + 1] == '-') power = -power;
    if (!exponent || (power == 0 && text_[stop + 1] == '-')) {
      // 5.2GiB: the digits end where letters begin.
      if (digits_.NextOne(stop, text_.size()) < words_.EndOfOnes(stop)) return 0;
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
      if (dash ? c != '-' : !IsHexLower(c)) return false;
    }
    return !words_.IsOne(at + kUuidSize);
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
    (*form_)[form_size_++] = static_cast<char>(variable.slot);
    variables_->push_back(variable);
  }
  // In the form, what the text has. What is copied beyond that is written over.
  void PutPlain(size_t at, size_t end) {
    const char* from = text_.data() + at;
    char* to = form_->data() + form_size_;
    form_size_ += end - at;
    if (end + kCopied > text_.size()) {
      std::memcpy(to, from, end - at);
      return;
    }
    for (size_t done = 0; done < end - at; done += kCopied) std::memcpy(to + done, from + done, kCopied);
  }

  static constexpr size_t kCopied = 32;  // bytes at once

  const std::string_view text_;
  const size_t end_begins_;
  std::array<char, 2 * kRunWindow> end_{};  // of the text, with zeros behind it
  ByteBits digits_, words_;
  std::string* form_;
  size_t form_size_ = 0;
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
