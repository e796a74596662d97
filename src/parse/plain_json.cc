#include "parse/plain_json.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace rankscope::parse {
namespace {

constexpr size_t kStep = 32;  // bytes looked at at once
static_assert(2 * kStep <= PlainJson::kReadable);

// Of kStep bytes: those at which a text may not go on (its closing quote, a backslash, control characters), by a bit
// each, and whether all are ASCII.
struct Step {
  uint32_t stops;
  bool ascii;
};

#ifdef __AVX2__
Step Look(const char* bytes) {
  __m256i text = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
  __m256i quote = _mm256_cmpeq_epi8(text, _mm256_set1_epi8('"'));
  __m256i backslash = _mm256_cmpeq_epi8(text, _mm256_set1_epi8('\\'));
  __m256i control = _mm256_cmpeq_epi8(_mm256_min_epu8(text, _mm256_set1_epi8(0x1f)), text);
  __m256i stops = _mm256_or_si256(_mm256_or_si256(quote, backslash), control);
  return {static_cast<uint32_t>(_mm256_movemask_epi8(stops)), _mm256_movemask_epi8(text) == 0};
}
#else
Step Look(const char* bytes) {
  Step step{0, true};
  for (size_t i = 0; i < kStep; ++i) {
    auto byte = static_cast<uint8_t>(bytes[i]);
    step.stops |= static_cast<uint32_t>(byte == '"' || byte == '\\' || byte < 0x20) << i;
    step.ascii = step.ascii && byte < 0x80;
  }
  return step;
}
#endif

constexpr auto kOfNumbers = [] {
  std::array<bool, 256> of{};
  for (char c : std::string_view("0123456789.-+eE")) of[static_cast<uint8_t>(c)] = true;
  return of;
}();

bool IsAscii(char c) { return static_cast<uint8_t>(c) < 0x80; }

// Of what stands behind a backslash; 0: nothing that is known here.
constexpr auto kUnescaped = [] {
  std::array<char, 256> of{};
  for (char c : std::string_view("\"\\/")) of[static_cast<uint8_t>(c)] = c;
  of['n'] = '\n';
  of['t'] = '\t';
  of['r'] = '\r';
  of['b'] = '\b';
  of['f'] = '\f';
  return of;
}();

}  // namespace

void PlainJson::Begin(std::string_view line) {
  line_ = line;
  at_ = line.data();
  end_ = at_ + line.size();
  place_ = 0;
  ascii_ = true;
  whole_ = false;
  if (room_bytes_ < line.size() + 2 * kStep) {
    room_bytes_ = 2 * (line.size() + kStep);
    room_ = std::make_unique_for_overwrite<char[]>(room_bytes_);
  }
  free_ = room_.get();
  SkipBlanks();
  open_ = Skip('{');
}

bool PlainJson::Next(JsonKey* key, std::string_view* name, JsonValue* value) {
  if (!open_) return false;
  open_ = false;
  SkipBlanks();
  if (place_ == 0 && Skip('}')) {
    (void)Close();
    return false;
  }
  if (!ReadKey(key, name)) return false;
  SkipBlanks();
  if (!Skip(':')) return false;
  SkipBlanks();
  if (!ReadValue(value)) return false;
  ++place_;
  SkipBlanks();
  open_ = Skip(',');
  return open_ || (Skip('}') && Close());
}

// Texts may have gone out that are not UTF-8: whoever took them is told by whole() that they do not count.
bool PlainJson::Close() {
  SkipBlanks();
  whole_ = at_ == end_ && (ascii_ || simdjson::validate_utf8(line_.data(), line_.size()));
  return whole_;
}

bool PlainJson::ReadKey(JsonKey* key, std::string_view* name) {
  if (!Skip('"')) return false;
  if (keys_->Guess(at_, place_, key, name)) {
    at_ += name->size() + 1;
    return true;
  }
  // Of one that is not ASCII nobody knows yet whether it is UTF-8, and the keys would keep it.
  if (!ReadText(name) || !std::all_of(name->begin(), name->end(), IsAscii)) return false;
  *key = keys_->Find(place_, name);
  return true;
}

bool PlainJson::ReadValue(JsonValue* value) {
  switch (Peek()) {
    case '"':
      ++at_;
      value->kind = JsonValue::Kind::kText;
      return ReadText(&value->text);
    case 't':
      value->kind = JsonValue::Kind::kTruth;
      return ReadWord("true", &value->text);
    case 'f':
      value->kind = JsonValue::Kind::kTruth;
      return ReadWord("false", &value->text);
    case 'n':
      value->kind = JsonValue::Kind::kNull;
      return ReadWord("null", &value->text);
    default:
      value->kind = JsonValue::Kind::kNumber;
      return ReadNumber(&value->text);
  }
}

bool PlainJson::ReadNumber(std::string_view* text) {
  const char* begin = at_;
  while (at_ < end_ && kOfNumbers[static_cast<uint8_t>(*at_)]) ++at_;
  *text = {begin, static_cast<size_t>(at_ - begin)};
  return !text->empty();
}

bool PlainJson::ReadWord(std::string_view word, std::string_view* text) {
  *text = {at_, std::min(word.size(), static_cast<size_t>(end_ - at_))};
  at_ += text->size();
  return *text == word;
}

// Behind its opening quote. Where there are no escapes it is where it lies.
bool PlainJson::ReadText(std::string_view* text) {
  const char* begin = at_;
  FindEnd();
  if (Peek() == '\\') return ReadEscaped(begin, text);
  *text = {begin, static_cast<size_t>(at_ - begin)};
  return Skip('"');
}

// To where a text may not go on.
void PlainJson::FindEnd() {
  for (; at_ < end_; at_ += kStep) {
    Step step = Look(at_);
    ascii_ = ascii_ && step.ascii;
    if (step.stops == 0) continue;
    at_ += std::countr_zero(step.stops);
    return;
  }
}

// From `begin` on; at_ is at its first backslash.
bool PlainJson::ReadEscaped(const char* begin, std::string_view* text) {
  char* first = free_;
  free_ = std::copy(begin, at_, free_);
  while (at_ < end_) {
    switch (TakeStep()) {
      case StepEnd::kGoesOn:
        continue;
      case StepEnd::kStop:
        *text = {first, static_cast<size_t>(free_ - first)};
        return Skip('"');
      case StepEnd::kUnknown:
        return false;
    }
  }
  return false;
}

// Copies what a step has of a text, all its escapes taken out: at_ is behind it, or where the text may not go on.
PlainJson::StepEnd PlainJson::TakeStep() {
  const Step step = Look(at_);
  ascii_ = ascii_ && step.ascii;
  const char* const begin = at_;
  for (uint32_t stops = step.stops; stops != 0;) {
    const int place = std::countr_zero(stops);
    CopyTo(begin + place);
    if (*at_ != '\\') return StepEnd::kStop;
    *free_ = kUnescaped[static_cast<uint8_t>(at_[1])];
    if (*free_++ == 0) return StepEnd::kUnknown;
    at_ += 2;
    stops &= ~(uint32_t{3} << place);  // what is escaped stops nothing
  }
  if (at_ < begin + kStep) CopyTo(begin + kStep);
  return StepEnd::kGoesOn;
}

// A step's bytes at most.
void PlainJson::CopyTo(const char* end) {
  std::memcpy(free_, at_, kStep);
  free_ += end - at_;
  at_ = end;
}

}  // namespace rankscope::parse
