#include "store/text_column.h"

#include <unordered_map>

#include "base/coding.h"
#include "store/compression.h"
#include "store/integer_column.h"

namespace rankscope::store {
namespace {

enum Mode : uint8_t { kPlain, kTable };

constexpr uint64_t kMaxBytes = uint64_t{1} << 30;

void PutPlain(const std::vector<std::string_view>& texts, std::string* out) {
  std::vector<int64_t> sizes;
  sizes.reserve(texts.size());
  std::string bytes;
  for (std::string_view text : texts) {
    sizes.push_back(static_cast<int64_t>(text.size()));
    bytes += text;
  }
  std::string encoded;
  EncodeIntegers(sizes, &encoded);
  base::PutVarint(out, bytes.size());
  base::PutString(out, encoded);
  PutCompressed(bytes, kTextLevel, out);
}

bool ReadPlain(std::string_view encoded, size_t count, Texts* texts) {
  base::ByteReader in(encoded);
  uint64_t size = in.Varint();
  std::string_view sizes_bytes = in.String();
  std::vector<int64_t> sizes;
  if (!in.ok() || size > kMaxBytes || !DecodeIntegers(sizes_bytes, count, &sizes)) return false;
  if (!ReadCompressed(in.Bytes(in.remaining()), size, &texts->arena)) return false;
  std::string_view rest = texts->arena;
  texts->texts.resize(count);
  for (size_t i = 0; i < count; ++i) {
    if (sizes[i] < 0 || static_cast<uint64_t>(sizes[i]) > rest.size()) return false;
    texts->texts[i] = rest.substr(0, static_cast<size_t>(sizes[i]));
    rest.remove_prefix(static_cast<size_t>(sizes[i]));
  }
  return rest.empty();
}

}  // namespace

void EncodeTexts(const std::vector<std::string_view>& texts, std::string* out) {
  std::unordered_map<std::string_view, int64_t> index;
  std::vector<std::string_view> distinct;
  std::vector<int64_t> ids;
  ids.reserve(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    auto [at, added] = index.try_emplace(texts[i], static_cast<int64_t>(distinct.size()));
    if (added) distinct.push_back(texts[i]);
    // Mostly distinct so far: a table would only cost.
    if (i == 63 && distinct.size() > 48) break;
    ids.push_back(at->second);
  }
  if (ids.size() < texts.size() || distinct.size() * 2 > texts.size()) {
    out->push_back(kPlain);
    return PutPlain(texts, out);
  }
  out->push_back(kTable);
  std::string table, encoded;
  PutPlain(distinct, &table);
  EncodeIntegers(ids, &encoded);
  base::PutVarint(out, distinct.size());
  base::PutString(out, table);
  *out += encoded;
}

bool DecodeTexts(std::string_view bytes, size_t count, Texts* texts) {
  if (bytes.empty()) return false;
  auto mode = static_cast<Mode>(bytes.front());
  bytes.remove_prefix(1);
  if (mode == kPlain) return ReadPlain(bytes, count, texts);
  if (mode != kTable) return false;
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

}  // namespace rankscope::store
