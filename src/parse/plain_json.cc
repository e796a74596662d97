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

// Taking the escapes out of a text: from where, to where, and whether all so far is ASCII. A local of whoever does it:
// bytes are written, and members would have to be read again after each.
struct Unescaping {
  const char* at;
  char* out;
  bool ascii = true;
};

// A step's bytes at most.
void CopyTo(const char* end, Unescaping* to) {
  std::memcpy(to->out, to->at, kStep);
  to->out += end - to->at;
  to->at = end;
}

enum class StepEnd : uint8_t { kGoesOn, kStop, kUnknown };

// Copies what a step has of a text, all its escapes taken out: `at` is behind it, or where the text may not go on.
StepEnd TakeStep(Unescaping* text) {
  const Step step = Look(text->at);
  text->ascii = text->ascii && step.ascii;
  const char* const begin = text->at;
  for (uint32_t stops = step.stops; stops != 0;) {
    const int place = std::countr_zero(stops);
    CopyTo(begin + place, text);
    if (*text->at != '\\') return StepEnd::kStop;
    *text->out = kUnescaped[static_cast<uint8_t>(text->at[1])];
    if (*text->out++ == 0) return StepEnd::kUnknown;
    text->at += 2;
    stops &= ~(uint32_t{3} << place);  // what is escaped stops nothing
  }
  if (text->at < begin + kStep) CopyTo(begin + kStep, text);
  return StepEnd::kGoesOn;
}

}  // namespace

void PlainJson::Begin(std::string_view line) {
  line_ = line;
  end_ = line.data() + line.size();
  place_ = 0;
  ascii_ = true;
  whole_ = false;
  if (room_bytes_ < line.size() + 2 * kStep) {
    room_bytes_ = 2 * (line.size() + kStep);
    room_ = std::make_unique_for_overwrite<char[]>(room_bytes_);
  }
  free_ = room_.get();
  at_ = SkipBlanks(line.data());
  open_ = Is(at_, '{');
  at_ += open_;
}

bool PlainJson::Next(JsonKey* key, std::string_view* name, JsonValue* value) {
  if (!open_) return false;
  open_ = false;
  const char* at = SkipBlanks(at_);
  if (place_ == 0 && Is(at, '}')) {
    Close(at + 1);
    return false;
  }
  at = ReadKey(at, key, name);
  if (!at) return false;
  at = SkipBlanks(at);
  if (!Is(at, ':')) return false;
  at = ReadValue(SkipBlanks(at + 1), value);
  if (!at) return false;
  ++place_;
  at = SkipBlanks(at);
  open_ = Is(at, ',');
  at_ = at + 1;
  return open_ || (Is(at, '}') && Close(at_));
}

// Texts may have gone out that are not UTF-8: whoever took them is told by whole() that they do not count.
bool PlainJson::Close(const char* at) {
  whole_ = SkipBlanks(at) == end_ && (ascii_ || simdjson::validate_utf8(line_.data(), line_.size()));
  return whole_;
}

const char* PlainJson::ReadKey(const char* at, JsonKey* key, std::string_view* name) {
  if (!Is(at, '"')) return nullptr;
  ++at;
  if (keys_->Guess(at, place_, key, name)) return at + name->size() + 1;
  // Of one that is not ASCII nobody knows yet whether it is UTF-8, and the keys would keep it.
  at = ReadText(at, name);
  if (!at || !std::all_of(name->begin(), name->end(), IsAscii)) return nullptr;
  *key = keys_->Find(place_, name);
  return at;
}

const char* PlainJson::ReadValue(const char* at, JsonValue* value) {
  switch (at < end_ ? *at : '\0') {
    case '"':
      value->kind = JsonValue::Kind::kText;
      return ReadText(at + 1, &value->text);
    case 't':
      value->kind = JsonValue::Kind::kTruth;
      return ReadWord(at, "true", &value->text);
    case 'f':
      value->kind = JsonValue::Kind::kTruth;
      return ReadWord(at, "false", &value->text);
    case 'n':
      value->kind = JsonValue::Kind::kNull;
      return ReadWord(at, "null", &value->text);
    default:
      value->kind = JsonValue::Kind::kNumber;
      return ReadNumber(at, &value->text);
  }
}

const char* PlainJson::ReadNumber(const char* at, std::string_view* text) const {
  const char* begin = at;
  while (at < end_ && kOfNumbers[static_cast<uint8_t>(*at)]) ++at;
  *text = {begin, static_cast<size_t>(at - begin)};
  return at == begin ? nullptr : at;
}

const char* PlainJson::ReadWord(const char* at, std::string_view word, std::string_view* text) const {
  *text = {at, std::min(word.size(), static_cast<size_t>(end_ - at))};
  return *text == word ? at + word.size() : nullptr;
}

// Behind its opening quote. Where there are no escapes it is where it lies.
const char* PlainJson::ReadText(const char* at, std::string_view* text) {
  const char* begin = at;
  at = FindStop(at);
  if (Is(at, '"')) {
    *text = {begin, static_cast<size_t>(at - begin)};
    return at + 1;
  }
  return Is(at, '\\') ? ReadEscaped(begin, at, text) : nullptr;
}

// Where a text may not go on.
const char* PlainJson::FindStop(const char* at) {
  bool ascii = true;
  for (; at < end_; at += kStep) {
    Step step = Look(at);
    ascii = ascii && step.ascii;
    if (step.stops == 0) continue;
    at += std::countr_zero(step.stops);
    break;
  }
  ascii_ = ascii_ && ascii;
  return at;
}

// From `begin` on; its first backslash is at `at`.
const char* PlainJson::ReadEscaped(const char* begin, const char* at, std::string_view* text) {
  Unescaping to{at, std::copy(begin, at, free_)};
  StepEnd end = StepEnd::kGoesOn;
  while (end == StepEnd::kGoesOn && to.at < end_) end = TakeStep(&to);
  *text = {free_, static_cast<size_t>(to.out - free_)};
  free_ = to.out;
  ascii_ = ascii_ && to.ascii;
  return end == StepEnd::kStop && Is(to.at, '"') ? to.at + 1 : nullptr;
}

}  // namespace rankscope::parse
