#include "model/words.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "model/unicode_tables.h"

namespace rankscope::model {
namespace {

constexpr char32_t kReplacement = 0xfffd;

bool IsContinuation(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

// Of the first plane: what a point of a word folds to; 0: no word has it.
constexpr char32_t kPlane = 0x10000;
constexpr std::array<char16_t, kPlane> kFoldedWordPoints = [] {
  std::array<char16_t, kPlane> folded{};
  for (size_t c = 0; c < kFoldedAscii.size(); ++c) folded[c] = static_cast<char16_t>(kFoldedAscii[c]);
  for (const CodeRange& range : kWordRanges) {
    for (char32_t point = range.first; point <= range.last && point < kPlane; ++point) {
      folded[point] = static_cast<char16_t>(point);
    }
  }
  for (const FoldRange& range : kFoldRanges) {
    for (char32_t point = range.first; point <= range.last && point < kPlane; point += range.stride) {
      if (folded[point] != 0) folded[point] = static_cast<char16_t>(static_cast<int32_t>(point) + range.delta);
    }
  }
  return folded;
}();

// Gives the end of what was written.
char* PutUtf8(char32_t point, char* out) {
  auto put = [&out](char32_t byte) { *out++ = static_cast<char>(byte); };
  if (point < 0x80) {
    put(point);
    return out;
  }
  if (point < 0x800) {
    put(0xc0 | point >> 6);
  } else if (point < 0x10000) {
    put(0xe0 | point >> 12);
    put(0x80 | (point >> 6 & 0x3f));
  } else {
    put(0xf0 | point >> 18);
    put(0x80 | (point >> 12 & 0x3f));
    put(0x80 | (point >> 6 & 0x3f));
  }
  put(0x80 | (point & 0x3f));
  return out;
}

// The code point that ends just before `at`.
char32_t PointBefore(std::string_view text, size_t at) {
  size_t begin = at - 1;
  while (begin > 0 && at - begin < 4 && IsContinuation(text[begin])) --begin;
  CodePoint point = FirstCodePoint(text.substr(begin, at - begin));
  return begin + point.size == at ? point.value : kReplacement;
}

bool JoinsWords(char32_t point) { return IsWordPoint(point) && !IsIdeograph(point); }

bool IsBorder(std::string_view text, size_t at) {
  if (at == 0 || at == text.size()) return true;
  return !JoinsWords(PointBefore(text, at)) || !JoinsWords(FirstCodePoint(text.substr(at)).value);
}

}  // namespace

CodePoint FirstCodePoint(std::string_view text) {
  if (text.empty()) return {kReplacement, 0};
  auto byte = [&](size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[i])); };
  char32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  bool of_two = lead >= 0xc2 && lead < 0xe0 && text.size() > 1 && IsContinuation(text[1]);
  if (of_two) return {(lead & 0x1f) << 6 | (byte(1) & 0x3f), 2};
  size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {kReplacement, 1};
  char32_t value = lead & (0xffU >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if (!IsContinuation(text[i])) return {kReplacement, 1};
    value = value << 6 | (byte(i) & 0x3f);
  }
  constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  bool surrogate = value >= 0xd800 && value < 0xe000;
  if (value < kSmallest[length] || value > 0x10ffff || surrogate) return {kReplacement, 1};
  return {value, length};
}

bool IsWordPoint(char32_t point) {
  if (point < kPlane) return kFoldedWordPoints[point] != 0;
  const auto* range = std::upper_bound(std::begin(kWordRanges), std::end(kWordRanges), point,
                                       [](char32_t p, const CodeRange& r) { return p < r.first; });
  return range != std::begin(kWordRanges) && point <= std::prev(range)->last;
}

bool IsIdeograph(char32_t point) {
  if (point < 0x2e80) return false;
  auto in = [point](char32_t first, char32_t last) { return point >= first && point <= last; };
  return in(0x3400, 0x4dbf) || in(0x4e00, 0x9fff) || in(0x3040, 0x312f) || in(0x31a0, 0x31bf) || in(0x31f0, 0x31ff) ||
         in(0x3005, 0x3007) || in(0x2e80, 0x2fdf) || in(0xf900, 0xfaff) || in(0xff66, 0xff9f) || in(0x1b000, 0x1b16f) ||
         in(0x20000, 0x323af);
}

char32_t FoldCase(char32_t point) {
  if (point < kPlane && kFoldedWordPoints[point] != 0) return kFoldedWordPoints[point];
  const auto* range = std::upper_bound(std::begin(kFoldRanges), std::end(kFoldRanges), point,
                                       [](char32_t p, const FoldRange& r) { return p < r.first; });
  if (range == std::begin(kFoldRanges)) return point;
  --range;
  bool folds = point <= range->last && (point - range->first) % range->stride == 0;
  return folds ? static_cast<char32_t>(static_cast<int32_t>(point) + range->delta) : point;
}

void AppendFolded(std::string_view text, std::string* out) {
  out->reserve(out->size() + text.size());
  for (size_t at = 0; at < text.size();) {
    CodePoint point = FirstCodePoint(text.substr(at));
    char32_t folded = FoldCase(point.value);
    if (folded == point.value) {
      out->append(text.substr(at, point.size));
    } else {
      char bytes[4];
      out->append(bytes, PutUtf8(folded, bytes));
    }
    at += point.size;
  }
}

FoldedPoint FoldFirstPoint(std::string_view text, char* out) {
  CodePoint point = FirstCodePoint(text);
  FoldedPoint folded{point.size, 0, IsIdeograph(point.value)};
  if (folded.ideograph || IsWordPoint(point.value)) {
    folded.folded_size = static_cast<size_t>(PutUtf8(FoldCase(point.value), out) - out);
  }
  return folded;
}

bool HasPhrase(std::string_view text, std::string_view phrase) {
  if (phrase.empty()) return true;
  for (size_t at = text.find(phrase); at != std::string_view::npos; at = text.find(phrase, at + 1)) {
    if (IsBorder(text, at) && IsBorder(text, at + phrase.size())) return true;
  }
  return false;
}

}  // namespace rankscope::model
