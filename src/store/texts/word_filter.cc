#include "store/texts/word_filter.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/coding.h"
#include "model/words.h"
#include "store/texts/word_runs.h"

namespace rankscope::store {
namespace {

// Blocks of 256 bits, 10 bits a word, a bit in each of a block's eight 32-bit lanes (Putze et al. 2007; as Parquet).
constexpr size_t kBlockBytes = 32;
constexpr size_t kBitsAWord = 10;
constexpr uint32_t kSalts[8] = {0x47b6137bu, 0x44974d91u, 0x8824ad5bu, 0xa2b7289du,
                                0x705495c7u, 0x2df1424bu, 0x9efc4947u, 0x5c6bfb31u};

size_t BlockOf(uint64_t hash, size_t blocks) { return (hash >> 32) * blocks >> 32; }
uint32_t BitOf(uint64_t hash, size_t lane) { return uint32_t{1} << (static_cast<uint32_t>(hash) * kSalts[lane] >> 27); }

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

constexpr size_t kPlaces = 2048;  // for words that were added lately

constexpr size_t kTogether = 4096;  // bytes of texts
constexpr uint64_t kOnes = 0x0101010101010101u, kHighs = kOnes << 7;

// Of eight bytes of ASCII, A to Z as a to z.
uint64_t FoldedAscii(uint64_t bytes) {
  uint64_t from_a = bytes + kOnes * (0x80 - 'A'), behind_z = bytes + kOnes * (0x7f - 'Z');
  return bytes | ((from_a ^ behind_z) & kHighs) >> 2;
}

// REQUIRES that so many bytes can be read; what lies behind the word does not count.
inline WordFilter::ShortWord ShortWordOf(std::string_view word) {
  uint64_t parts[2];
  std::memcpy(parts, word.data(), sizeof parts);
  auto keep = [](uint64_t part, size_t bytes) { return bytes >= 8 ? part : part & ((uint64_t{1} << 8 * bytes) - 1); };
  return {keep(parts[0], word.size()), word.size() > 8 ? keep(parts[1], word.size() - 8) : 0};
}

inline size_t PlaceOf(const WordFilter::ShortWord& word) {
  uint64_t mixed = (word.first ^ word.second * 0x9e3779b97f4a7c15u) * 0xd6e8feb86659fd93u;
  return (mixed >> 32) % kPlaces;
}

}  // namespace

void WordFilter::AddId(std::string_view id) { AddHash(base::Checksum(id)); }

// Not at once: most texts are pieces of a few bytes, and many together are looked through faster.
void WordFilter::AddWords(std::string_view text) {
  waiting_.append(text);
  waiting_.push_back('\0');
  if (waiting_.size() >= kTogether) AddWaiting();
}

void WordFilter::AddWaiting() {
  if (waiting_.empty()) return;
  lately_.resize(kPlaces);
  ideographs_.resize(model::kIdeographNumbers);
  size_t size = waiting_.size();
  saw_escape_ = saw_escape_ || waiting_.find('\x1b') != std::string::npos;
  waiting_.append(kRunWindow, '\0');
  ForEachRun(waiting_.data(), size, [this](size_t begin, size_t end) {
    AddRun({waiting_.data() + begin, end - begin});
  });
  waiting_.clear();
}

// A short run of ASCII is one word, folded in registers: written byte by byte and read as a whole, the processor would
// wait for it.
void WordFilter::AddRun(std::string_view run) {
  if (run.size() <= sizeof(ShortWord)) {
    ShortWord word = ShortWordOf(run);
    if (((word.first | word.second) & kHighs) == 0) {
      return AddWord({FoldedAscii(word.first), FoldedAscii(word.second)}, run.size());
    }
  }
  auto add = [this](std::string_view word) {
    if (word.size() <= sizeof(ShortWord)) return AddWord(ShortWordOf(word), word.size());
    AddHash(base::Checksum(word));
  };
  auto left_out = [this](uint32_t number) { return ideographs_[number]; };
  model::ForEachFoldedWord(run, &room_, add, left_out);
}

// Most words of a text were in it before: of those that were lately no hash is made.
void WordFilter::AddWord(const ShortWord& word, size_t size) {
  if (std::exchange(lately_[PlaceOf(word)], word) == word) return;
  std::string_view bytes(reinterpret_cast<const char*>(&word), size);
  AddHash(base::Checksum(bytes));
  if (uint32_t number = model::IdeographNumber(bytes); number != 0) ideographs_[number] = true;
}

// A few later, when their places have come from memory.
void WordFilter::AddHash(uint64_t hash) {
  hashes_.Expect(hash);
  expected_[expected_count_++] = hash;
  if (expected_count_ == kExpected) AddExpected();
}

void WordFilter::AddExpected() {
  for (size_t i = 0; i < expected_count_; ++i) hashes_.Add(expected_[i]);
  expected_count_ = 0;
}

bool WordFilter::saw_escape() {
  AddWaiting();
  return saw_escape_;
}

std::string WordFilter::Take() {
  AddWaiting();
  AddExpected();
  if (hashes_.size() == 0) return {};
  size_t blocks = (hashes_.size() * kBitsAWord + kBlockBytes * 8 - 1) / (kBlockBytes * 8);
  std::string filter(blocks * kBlockBytes, '\0');
  hashes_.ForEach([&](uint64_t hash) {
    auto* lanes = reinterpret_cast<uint32_t*>(filter.data() + BlockOf(hash, blocks) * kBlockBytes);
    for (size_t lane = 0; lane < 8; ++lane) lanes[lane] |= BitOf(hash, lane);
  });
  hashes_ = {};
  lately_.clear();
  ideographs_.clear();
  saw_escape_ = false;
  return filter;
}

std::vector<uint64_t> WordFilter::HashesOf(std::string_view text) {
  std::vector<uint64_t> words;
  std::string room;
  model::ForEachFoldedWord(text, &room, [&](std::string_view word) { words.push_back(base::Checksum(word)); });
  return words;
}

bool WordFilter::MayHoldAll(std::string_view filter, const std::vector<uint64_t>& words) {
  return std::all_of(words.begin(), words.end(), [&](uint64_t word) { return MayHold(filter, word); });
}

bool WordFilter::MayHoldId(std::string_view filter, std::string_view id) { return MayHold(filter, base::Checksum(id)); }

}  // namespace rankscope::store
