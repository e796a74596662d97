#pragma once

#include <cmath>
#include <cstdint>

namespace rankscope::simulation {

// Detectors are tuned on runs of one half and figures reported of the other: the seeds differ, and each range that a
// parameter is drawn from is cut into slices of which the halves get every second one.
enum class Half : uint8_t { kTune, kReport };

// Random numbers that are the same on every machine (splitmix64). One thread.
class Random {
 public:
  Random(uint64_t seed, Half half) : half_(half), state_((seed << 1) + static_cast<uint64_t>(half)) { Bits(); }

  // A series of its own.
  Random Fork() { return {Bits() >> 1, half_}; }

  double Unit() { return (static_cast<double>(Bits() >> 11) + 0.5) / static_cast<double>(1ULL << 53); }
  bool Chance(double probability) { return Unit() < probability; }
  // A parameter of the run, from the slices of its half.
  double Between(double low, double high) {
    constexpr int kSlices = 8;
    int slice = 2 * static_cast<int>(Unit() * (kSlices / 2)) + static_cast<int>(half_);
    return low + (high - low) * (slice + Unit()) / kSlices;
  }
  // Likewise, evenly in the logarithm.
  double BetweenInLog(double low, double high) { return std::exp(Between(std::log(low), std::log(high))); }
  // From first to last, all of them in both halves.
  int64_t Whole(int64_t first, int64_t last) {
    return first + static_cast<int64_t>(Unit() * static_cast<double>(last - first + 1));
  }
  double Normal() { return std::sqrt(-2 * std::log(Unit())) * std::cos(2 * M_PI * Unit()); }
  // Student's t with 4 degrees of freedom, scaled to a variance of 1: what losses of mini-batches look like.
  double HeavyTailed() {
    double chi2 = -2 * std::log(Unit() * Unit());
    return Normal() / std::sqrt(chi2 / 4) / M_SQRT2;
  }
  double Exponential() { return -std::log(Unit()); }

 private:
  uint64_t Bits() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }

  const Half half_;
  uint64_t state_;
};

}  // namespace rankscope::simulation
