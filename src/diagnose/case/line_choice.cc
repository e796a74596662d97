#include "diagnose/case/line_choice.h"

#include <algorithm>
#include <unordered_map>

namespace rankscope::diagnose {
namespace {

// How many of a group's lines stay: from its beginning, from its end, and spread between.
struct Share {
  uint64_t front = 0, back = 0, spread = 0;
};

struct Group {
  uint64_t lines = 0, seen = 0;
};

uint64_t KeyOf(const Choice& choice, Reason reason) {
  switch (reason) {
    case kTelling:
      return uint64_t{choice.writer} << 32 | choice.told;
    case kSample:
      return choice.shape;
    default:
      return choice.writer;
  }
}

Share ShareOf(const Choice& choice, Reason reason) {
  switch (reason) {
    case kFirst:
      return {kFirstOfWriter, 0, 0};
    case kLast:
      return {0, kLastOfWriter, 0};
    case kTelling:
      return choice.many_writers ? Share{2000, 2000, 0} : Share{64, 64, 0};
    case kSample:
      return {4, 2, 200};
    default:
      return {64, 16, 0};
  }
}

bool IsKept(const Group& group, const Share& share) {
  uint64_t place = group.seen - 1;
  if (place < share.front || place + share.back >= group.lines) return true;
  return share.spread > 0 && place % (group.lines / share.spread + 1) == 0;
}

void ThinReason(Reason reason, std::vector<Choice>* choices) {
  std::unordered_map<uint64_t, Group> groups;
  for (const Choice& choice : *choices) {
    if (choice.reasons & reason) ++groups[KeyOf(choice, reason)].lines;
  }
  for (Choice& choice : *choices) {
    if (!(choice.reasons & reason)) continue;
    Group& group = groups[KeyOf(choice, reason)];
    ++group.seen;
    if (!IsKept(group, ShareOf(choice, reason))) choice.reasons &= static_cast<uint8_t>(~reason);
  }
}

// The context of what was dropped goes with it.
void ThinContext(std::vector<Choice>* choices) {
  std::vector<uint64_t> told;
  for (const Choice& choice : *choices) {
    if (choice.reasons & kTelling) told.push_back(choice.number);
  }
  for (Choice& choice : *choices) {
    bool stays = std::binary_search(told.begin(), told.end(), choice.anchor);
    if (!stays) choice.reasons &= static_cast<uint8_t>(~kContext);
  }
}

}  // namespace

void ThinChoices(std::vector<Choice>* choices) {
  for (Reason reason : {kFirst, kLast, kTelling, kSample, kNonFinite}) ThinReason(reason, choices);
  ThinContext(choices);
}

// A stretch's ends are found at a hundredth of a run; a course needs no more.
constexpr uint64_t kMostOfSeries = 128, kLeastOfSeries = 16, kLastOfSeries = 16;
constexpr uint64_t kMostReports = 160'000;

void ThinReports(std::vector<Choice>* choices) {
  std::unordered_map<uint64_t, uint64_t> sizes;  // of series, with what was dropped before
  auto series_of = [](const Choice& choice) { return choice.series ^ (uint64_t{choice.writer} * 0x9E3779B97F4A7C15); };
  for (const Choice& choice : *choices) {
    if (choice.reasons & kReport) sizes[series_of(choice)] = choice.place + 1;
  }
  const uint64_t most = std::clamp(kMostReports / std::max<uint64_t>(sizes.size(), 1), kLeastOfSeries, kMostOfSeries);
  for (Choice& choice : *choices) {
    if (!(choice.reasons & kReport)) continue;
    choice.reasons &= static_cast<uint8_t>(~kEvery);
    const uint64_t size = sizes[series_of(choice)];
    uint64_t distance = 1;  // a power of two: what is thinned again stays even
    while (size / distance > most) distance *= 2;
    bool stays = choice.place % distance == 0 || choice.place + kLastOfSeries >= size;
    if (!stays) choice.reasons &= static_cast<uint8_t>(~kReport);
  }
}

}  // namespace rankscope::diagnose
