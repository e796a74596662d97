#include "store/word_filter.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/coding.h"
#include "model/words.h"

namespace rankscope::store {
namespace {

// Blocks of 256 bits, 10 bits a word, a bit in each of a block's eight 32-bit lanes (Putze et al. 2007; as Parquet).
constexpr size_t kBlockBytes = 32;
constexpr size_t kBitsAWord = 10;
constexpr uint32_t kSalts[8] = {0x47b6137bu, 0x44974d91u, 0x8824ad5bu, 0xa2b7289du,
                                0x705495c7u, 0x2df1424bu, 0x9efc4947u, 0x5c6bfb31u};

size_t BlockOf(uint64_t hash, size_t blocks) { return (hash >> 32) * blocks >> 32; }
uint32_t BitOf(uint64_t hash, size_t lane) { return uint32_t{1} << (static_cast<uint32_t>(hash) * kSalts[lane] >> 27); }

// Word characters in lower case, 0 for what is none.
constexpr std::array<char, 128> MakeFolded() {
  std::array<char, 128> folded{};
  for (unsigned char c = '0'; c <= '9'; ++c) folded[c] = static_cast<char>(c);
  for (unsigned char c = 'a'; c <= 'z'; ++c) folded[c] = folded[c - 'a' + 'A'] = static_cast<char>(c);
  folded['_'] = '_';
  return folded;
}
constexpr std::array<char, 128> kFolded = MakeFolded();

template <typename Take>
void ForEachHash(std::string_view text, const Take& take) {
  std::string folded;
  bool ascii = std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (ascii) {
    folded.resize(text.size() + 1);
    char *word = folded.data(), *end = word;
    for (char c : text) *end++ = kFolded[static_cast<unsigned char>(c)];
    for (char* at = word; at <= end; ++at) {
      if (*at != '\0') continue;
      if (at > word) take(base::Checksum({word, static_cast<size_t>(at - word)}));
      word = at + 1;
    }
    return;
  }
  model::ForEachWord(text, [&](std::string_view word, bool) {
    folded.clear();
    model::AppendFolded(word, &folded);
    take(base::Checksum(folded));
  });
}

bool MayHold(std::string_view filter, uint64_t hash) {
  size_t blocks = filter.size() / kBlockBytes;
  if (blocks == 0) return false;
  const char* lanes = filter.data() + BlockOf(hash, blocks) * kBlockBytes;
  for (size_t lane = 0; lane < 8; ++lane) {
    uint32_t bits;
    std::memcpy(&bits, lanes + lane * 4, 4);
    if (!(bits & BitOf(hash, lane))) return false;
  }
  return true;
}

}  // namespace

void WordFilter::AddId(std::string_view id) { (void)hashes_.At(base::Checksum(id), 0); }

void WordFilter::AddWords(std::string_view text) {
  ForEachHash(text, [this](uint64_t hash) { (void)hashes_.At(hash, 0); });
}

std::string WordFilter::Take() {
  if (hashes_.size() == 0) return {};
  size_t blocks = (hashes_.size() * kBitsAWord + kBlockBytes * 8 - 1) / (kBlockBytes * 8);
  std::string filter(blocks * kBlockBytes, '\0');
  hashes_.ForEachHash([&](uint64_t hash) {
    auto* lanes = reinterpret_cast<uint32_t*>(filter.data() + BlockOf(hash, blocks) * kBlockBytes);
    for (size_t lane = 0; lane < 8; ++lane) lanes[lane] |= BitOf(hash, lane);
  });
  hashes_.Clear();
  return filter;
}

bool WordFilter::MayHoldWords(std::string_view filter, std::string_view text) {
  bool all = true;
  ForEachHash(text, [&](uint64_t hash) { all = all && MayHold(filter, hash); });
  return all;
}

bool WordFilter::MayHoldId(std::string_view filter, std::string_view id) { return MayHold(filter, base::Checksum(id)); }

}  // namespace rankscope::store
