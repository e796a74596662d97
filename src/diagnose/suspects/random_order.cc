#include "diagnose/suspects/random_order.h"

#include <algorithm>
#include <bitset>
#include <memory>
#include <random>
#include <unordered_map>
#include <utility>

namespace rankscope::diagnose {
namespace {

// The numbers of a generator from the last to the first, a block at a time: of each, the state before it is kept.
class NumbersBackwards {
 public:
  NumbersBackwards(uint64_t seed, int64_t count) {
    std::mt19937 generator(static_cast<uint32_t>(seed));
    for (int64_t at = 0; at < count; at += kBlock) {
      before_.push_back(generator);
      generator.discard(kBlock);
    }
  }
  // That of this index; indices fall.
  uint32_t At(int64_t index) {
    const int64_t block = index / kBlock;
    if (block != drawn_) Draw(block);
    return numbers_[static_cast<size_t>(index % kBlock)];
  }

 private:
  static constexpr int64_t kBlock = 1 << 18;

  void Draw(int64_t block) {
    std::mt19937 generator = before_[static_cast<size_t>(block)];
    for (uint32_t& number : numbers_) number = static_cast<uint32_t>(generator());
    drawn_ = block;
  }

  std::vector<std::mt19937> before_;
  std::vector<uint32_t> numbers_ = std::vector<uint32_t>(kBlock);
  int64_t drawn_ = -1;
};

// Where the elements that are looked for stand, asked for each swap: a table of bits answers most of them.
class Whereabouts {
 public:
  void Put(int64_t place, std::vector<size_t> elements) {
    bits_->set(Bit(place));
    at_[place] = std::move(elements);
  }
  void Swap(int64_t one, int64_t other) {
    if (!bits_->test(Bit(one)) && !bits_->test(Bit(other))) return;
    std::vector<size_t> first = Take(one), second = Take(other);
    if (!first.empty()) Put(other, std::move(first));
    if (!second.empty()) Put(one, std::move(second));
  }
  const std::unordered_map<int64_t, std::vector<size_t>>& all() const { return at_; }

 private:
  static constexpr size_t kBits = 1 << 18;
  static size_t Bit(int64_t place) { return static_cast<size_t>(place) % kBits; }

  std::vector<size_t> Take(int64_t place) {
    auto found = at_.extract(place);
    return found ? std::move(found.mapped()) : std::vector<size_t>();
  }

  std::unique_ptr<std::bitset<kBits>> bits_ = std::make_unique<std::bitset<kBits>>();
  std::unordered_map<int64_t, std::vector<size_t>> at_;
};

}  // namespace

// Backwards, since no order of all elements has to be kept then: before the first swap each stands at its own place.
std::vector<int64_t> AtPlaces(int64_t size, uint64_t seed, const std::vector<int64_t>& places) {
  std::unordered_map<int64_t, std::vector<size_t>> wanted;
  int64_t last = -1;
  for (size_t i = 0; i < places.size(); ++i) {
    wanted[places[i]].push_back(i);
    last = std::max(last, places[i]);
  }
  Whereabouts found;
  for (auto& [place, elements] : wanted) found.Put(place, std::move(elements));
  const int64_t swaps = std::min(last + 1, size - 1);
  NumbersBackwards numbers(seed, swaps);
  for (int64_t i = swaps; i-- > 0;) found.Swap(i, i + numbers.At(i) % static_cast<uint32_t>(size - i));
  std::vector<int64_t> standing(places.size());
  for (const auto& [place, elements] : found.all()) {
    for (size_t element : elements) standing[element] = place;
  }
  return standing;
}

}  // namespace rankscope::diagnose
