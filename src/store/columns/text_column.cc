#include "store/columns/text_column.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <numeric>
#include <span>
#include <unordered_map>

#include "base/coding.h"
#include "store/columns/compression.h"
#include "store/columns/expected_texts.h"
#include "store/columns/integer_column.h"

namespace rankscope::store {
namespace {

enum Mode : uint8_t { kPlain, kTable, kPieces };

constexpr uint64_t kMaxBytes = uint64_t{1} << 30;

// Codes of pieces: one byte below kOneByte; the next ones two bytes, of which the first is below kLiteral. kLiteral
// stands for a piece that has no code.
constexpr uint32_t kOneByte = 192, kTwoBytes = 62 * 256;
constexpr uint8_t kLiteral = 0xff;
constexpr size_t kShortPiece = 16;

std::vector<int64_t> SizesOf(const std::vector<std::string_view>& texts) {
  std::vector<int64_t> sizes;
  sizes.reserve(texts.size());
  for (std::string_view text : texts) sizes.push_back(static_cast<int64_t>(text.size()));
  return sizes;
}

bool ReadSizes(std::string_view encoded, size_t count, std::vector<int64_t>* sizes) {
  return DecodeIntegers(encoded, count, sizes) &&
         std::all_of(sizes->begin(), sizes->end(), [](int64_t size) { return size >= 0; });
}

void PutIntegers(const std::vector<int64_t>& values, std::string* out) {
  std::string encoded;
  EncodeIntegers(values, &encoded);
  base::PutString(out, encoded);
}

void PutPlain(const std::vector<std::string_view>& texts, int level, std::string* out) {
  size_t size = 0;
  for (std::string_view text : texts) size += text.size();
  std::string bytes;
  bytes.reserve(size);
  for (size_t i = 0; i < texts.size(); ++i) {
    ExpectAfter(i, texts);
    bytes += texts[i];
  }
  base::PutVarint(out, bytes.size());
  PutIntegers(SizesOf(texts), out);
  PutCompressed(bytes, level, out);
}

// Cuts the arena, which is there, into texts. False: they do not fill it.
bool CutArena(const std::vector<int64_t>& sizes, Texts* texts) {
  std::string_view rest = texts->arena;
  texts->texts.resize(sizes.size());
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (static_cast<uint64_t>(sizes[i]) > rest.size()) return false;
    texts->texts[i] = rest.substr(0, static_cast<size_t>(sizes[i]));
    rest.remove_prefix(static_cast<size_t>(sizes[i]));
  }
  return rest.empty();
}

bool ReadPlain(std::string_view encoded, size_t count, Texts* texts) {
  base::ByteReader in(encoded);
  uint64_t size = in.Varint();
  std::string_view sizes_bytes = in.String();
  std::vector<int64_t> sizes;
  if (!in.ok() || size > kMaxBytes || !ReadSizes(sizes_bytes, count, &sizes)) return false;
  return ReadCompressed(in.Bytes(in.remaining()), size, &texts->arena) && CutArena(sizes, texts);
}

// Where many texts are equal: the distinct ones and indexes. False, with nothing appended: they are not.
bool PutTable(const std::vector<std::string_view>& texts, std::string* out) {
  std::unordered_map<std::string_view, int64_t> index;
  std::vector<std::string_view> distinct;
  std::vector<int64_t> ids;
  ids.reserve(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    auto [at, added] = index.try_emplace(texts[i], static_cast<int64_t>(distinct.size()));
    if (added) distinct.push_back(texts[i]);
    // Mostly distinct so far: a table would only cost.
    if (i == 63 && distinct.size() > 48) return false;
    ids.push_back(at->second);
  }
  if (distinct.size() * 2 > texts.size()) return false;
  out->push_back(kTable);
  std::string table;
  PutPlain(distinct, kTextLevel, &table);
  base::PutVarint(out, distinct.size());
  base::PutString(out, table);
  EncodeIntegers(ids, out);
  return true;
}

bool ReadTable(std::string_view bytes, size_t count, Texts* texts) {
  base::ByteReader in(bytes);
  uint64_t distinct = in.Varint();
  std::string_view table = in.String();
  std::vector<int64_t> ids;
  if (!in.ok() || distinct > count || !ReadPlain(table, distinct, texts)) return false;
  if (!DecodeIntegers(in.Bytes(in.remaining()), count, &ids)) return false;
  std::vector<std::string_view> entries = std::move(texts->texts);
  texts->texts.resize(count);
  for (size_t i = 0; i < count; ++i) {
    if (ids[i] < 0 || static_cast<uint64_t>(ids[i]) >= entries.size()) return false;
    texts->texts[i] = entries[static_cast<size_t>(ids[i])];
  }
  return true;
}

// The numbers of the pieces that get a code, in the order of their codes: the most frequent ones first. Most come a few
// times: these are sorted by counting.
std::vector<uint32_t> ChooseCoded(const std::vector<uint32_t>& counts) {
  constexpr uint32_t kFew = 64;
  std::array<std::vector<uint32_t>, kFew> few;  // by their counts
  std::vector<uint32_t> coded;
  for (uint32_t number = TextPieces::kLiteral + 1; number < counts.size(); ++number) {
    if (counts[number] > 0) (counts[number] < kFew ? few[counts[number]] : coded).push_back(number);
  }
  std::stable_sort(coded.begin(), coded.end(), [&](uint32_t a, uint32_t b) { return counts[a] > counts[b]; });
  for (uint32_t count = kFew - 1; count > 0; --count) coded.insert(coded.end(), few[count].begin(), few[count].end());
  return coded;
}

// A code as it is written.
struct Code {
  std::array<uint8_t, 2> bytes = {kLiteral};
  uint8_t size = 1;
};

// By the pieces' numbers.
std::vector<Code> CodesOf(std::span<const uint32_t> coded, size_t pieces) {
  std::vector<Code> codes(pieces);
  for (uint32_t code = 0; code < coded.size(); ++code) {
    uint32_t beyond = code - kOneByte;
    codes[coded[code]] = code < kOneByte
                             ? Code{{static_cast<uint8_t>(code)}, 1}
                             : Code{{static_cast<uint8_t>(kOneByte + beyond / 256), static_cast<uint8_t>(beyond)}, 2};
  }
  return codes;
}

// Counts, then texts one after the other. Nothing more where there are none.
void PutSome(const std::vector<std::string_view>& texts, std::string* out) {
  std::string plain;
  if (!texts.empty()) PutPlain(texts, kColumnLevel, &plain);
  base::PutVarint(out, texts.size());
  base::PutString(out, plain);
}

bool ReadSome(base::ByteReader* in, uint64_t most, Texts* texts) {
  uint64_t count = in->Varint();
  std::string_view plain = in->String();
  return in->ok() && count <= most && (count == 0 || ReadPlain(plain, count, texts));
}

// The bytes of codes and of what has none.
size_t CodedBytes(const TextPieces& all, const TextPieces::Selection& selected, const std::vector<Code>& codes) {
  size_t bytes = 0;
  for (std::string_view literal : selected.literals) bytes += literal.size() + 1;
  for (size_t number = TextPieces::kLiteral + 1; number < codes.size(); ++number) {
    size_t size = all.pieces()[number].size(), count = selected.counts[number];
    const Code& code = codes[number];
    if (count > 0) bytes += code.bytes[0] == kLiteral ? (size + 1) * count : size + code.size * count;
  }
  return bytes;
}

// Without asking how long a code is, which no processor guesses.
std::string_view PutCodes(std::span<const uint16_t> sequence, const std::vector<Code>& codes, char* room) {
  char* end = room;
  for (uint16_t number : sequence) {
    std::memcpy(end, codes[number].bytes.data(), 2);
    end += codes[number].size;
  }
  return {room, static_cast<size_t>(end - room)};
}

// The pieces without a code, in order.
std::vector<std::string_view> LiteralsOf(const TextPieces& all, const TextPieces::Selection& selected,
                                         const std::vector<Code>& codes) {
  std::vector<std::string_view> literals;
  const std::string_view* next = selected.literals.data();
  for (uint16_t number : selected.sequence) {
    if (codes[number].bytes[0] != kLiteral) continue;
    literals.push_back(number == TextPieces::kLiteral ? *next++ : all.pieces()[number]);
  }
  return literals;
}

// False, with nothing appended: it would be hardly less than the texts.
bool PutPieces(const std::vector<std::string_view>& texts, const TextPieces& all, const TextPieces::Selection& selected,
               std::string* out) {
  std::vector<uint32_t> coded = ChooseCoded(selected.counts);
  bool all_coded = coded.size() <= kOneByte + kTwoBytes;
  if (!all_coded) coded.resize(kOneByte + kTwoBytes);
  std::vector<Code> codes = CodesOf(coded, all.pieces().size());
  size_t bytes = 0;
  for (std::string_view text : texts) bytes += text.size();
  if (CodedBytes(all, selected, codes) * 4 > bytes * 3) return false;
  std::vector<std::string_view> dictionary;
  dictionary.reserve(coded.size());
  for (uint32_t number : coded) dictionary.push_back(all.pieces()[number]);
  out->push_back(kPieces);
  base::PutVarint(out, bytes);
  PutIntegers(SizesOf(texts), out);
  PutSome(dictionary, out);
  if (all_coded) {
    PutSome(selected.literals, out);
  } else {
    PutSome(LiteralsOf(all, selected, codes), out);
  }
  auto room = std::make_unique_for_overwrite<char[]>(2 * selected.sequence.size());
  std::string_view sequence = PutCodes(selected.sequence, codes, room.get());
  base::PutVarint(out, sequence.size());
  PutCompressed(sequence, kCodeLevel, out);
  return true;
}

// Writes the pieces of the codes one after the other. False when they are not `size` bytes.
bool JoinPieces(std::string_view codes, const Texts& dictionary, const Texts& literals, size_t size, std::string* out) {
  out->clear();
  out->reserve(std::min(size, codes.size() * kShortPiece));
  size_t literal = 0;
  for (size_t at = 0; at < codes.size(); ++at) {
    uint32_t code = static_cast<uint8_t>(codes[at]);
    const Texts& from = code == kLiteral ? literals : dictionary;
    if (code == kLiteral) {
      code = static_cast<uint32_t>(literal++);
    } else if (code >= kOneByte) {
      if (++at == codes.size()) return false;
      code = kOneByte + (code - kOneByte) * 256 + static_cast<uint8_t>(codes[at]);
    }
    if (code >= from.texts.size() || from.texts[code].size() > size - out->size()) return false;
    out->append(from.texts[code]);
  }
  return out->size() == size && literal == literals.texts.size();
}

bool ReadPieces(std::string_view encoded, size_t count, Texts* texts) {
  base::ByteReader in(encoded);
  uint64_t size = in.Varint();
  std::string_view sizes_bytes = in.String();
  std::vector<int64_t> sizes;
  Texts dictionary, literals;
  if (!in.ok() || size > kMaxBytes || !ReadSizes(sizes_bytes, count, &sizes)) return false;
  if (!ReadSome(&in, kOneByte + kTwoBytes, &dictionary) || !ReadSome(&in, size, &literals)) return false;
  uint64_t codes_size = in.Varint();
  std::string codes;
  if (codes_size > 2 * size || !ReadCompressed(in.Bytes(in.remaining()), codes_size, &codes)) return false;
  return JoinPieces(codes, dictionary, literals, size, &texts->arena) && CutArena(sizes, texts);
}

}  // namespace

void EncodeTexts(const std::vector<std::string_view>& texts, std::string* out) {
  if (PutTable(texts, out)) return;
  out->push_back(kPlain);
  PutPlain(texts, kTextLevel, out);
}

void EncodeTexts(const std::vector<std::string_view>& texts, const TextPieces& all,
                 const TextPieces::Selection& selected, std::string* out) {
  if (PutTable(texts, out) || PutPieces(texts, all, selected, out)) return;
  out->push_back(kPlain);
  PutPlain(texts, kTextLevel, out);
}

bool DecodeTexts(std::string_view bytes, size_t count, Texts* texts) {
  if (bytes.empty()) return false;
  auto mode = static_cast<Mode>(bytes.front());
  bytes.remove_prefix(1);
  switch (mode) {
    case kPlain:
      return ReadPlain(bytes, count, texts);
    case kTable:
      return ReadTable(bytes, count, texts);
    case kPieces:
      return ReadPieces(bytes, count, texts);
  }
  return false;
}

}  // namespace rankscope::store
