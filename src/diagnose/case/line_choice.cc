#include "diagnose/case/line_choice.h"

#include <algorithm>
#include <functional>
#include <map>
#include <unordered_map>

namespace rankscope::diagnose {
namespace {

// How many of a group's lines stay: from its beginning, from its end, and spread between.
struct Share {
  uint64_t front = 0, back = 0, spread = 0;
};

struct Group {
  uint64_t lines = 0, seen = 0;
  Share share;
};
using Groups = std::unordered_map<uint64_t, Group>;

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

// Where there are many groups, each has less, but of its beginning and its end a line.
constexpr uint64_t kLeastPart = 64;

Share PartOf(const Share& share, uint64_t divisor) {
  auto of = [&](uint64_t lines) { return lines == 0 ? 0 : std::max<uint64_t>(lines / divisor, 1); };
  return {of(share.front), of(share.back), share.spread / divisor};
}

uint64_t LinesOf(const Group& group, uint64_t divisor) {
  const Share part = PartOf(group.share, divisor);
  return std::min(group.lines, part.front + part.back + part.spread);
}

uint64_t LinesOf(const Groups& groups, uint64_t divisor) {
  uint64_t lines = 0;
  for (const auto& [key, group] : groups) lines += LinesOf(group, divisor);
  return lines;
}

Groups GroupsOf(Reason reason, const std::vector<Choice>& choices) {
  Groups groups;
  for (const Choice& choice : choices) {
    if (!(choice.reasons & reason)) continue;
    Group& group = groups[KeyOf(choice, reason)];
    group.share = ShareOf(choice, reason);
    ++group.lines;
  }
  return groups;
}

// How many lines a group has at least that is kept, where even the least of each would be too many.
uint64_t FewestOfGroup(const Groups& groups, uint64_t most) {
  std::map<uint64_t, uint64_t, std::greater<>> kept;  // by size of the groups, all of them together
  for (const auto& [key, group] : groups) kept[group.lines] += LinesOf(group, kLeastPart);
  uint64_t lines = 0, fewest = UINT64_MAX;
  for (const auto& [size, of_size] : kept) {
    lines += of_size;
    if (lines > most) break;
    fewest = size;
  }
  return fewest;
}

void ThinReason(Reason reason, uint64_t most, std::vector<Choice>* choices) {
  Groups groups = GroupsOf(reason, *choices);
  uint64_t divisor = 1;
  while (divisor < kLeastPart && LinesOf(groups, divisor) > most) divisor *= 2;
  // What is rare may be what tells, but of samples.
  const bool drop_rare = reason == kSample && LinesOf(groups, divisor) > most;
  const uint64_t fewest = drop_rare ? FewestOfGroup(groups, most) : 0;
  for (Choice& choice : *choices) {
    if (!(choice.reasons & reason)) continue;
    Group& group = groups[KeyOf(choice, reason)];
    ++group.seen;
    bool stays = group.lines >= fewest && IsKept(group, PartOf(group.share, divisor));
    if (!stays) choice.reasons &= static_cast<uint8_t>(~reason);
  }
}

// The numbers of the telling lines that are among the first and the last of their group.
std::vector<uint64_t> AnchorsOf(const std::vector<Choice>& choices, Groups groups, uint64_t divisor) {
  std::vector<uint64_t> anchors;
  for (const Choice& choice : choices) {
    if (!(choice.reasons & kTelling)) continue;
    Group& group = groups[KeyOf(choice, kTelling)];
    ++group.seen;
    if (IsKept(group, PartOf(group.share, divisor))) anchors.push_back(choice.number);
  }
  return anchors;
}

// The context of what was dropped goes with it, and that of lines in the middle of their group where it is too much.
void ThinContext(uint64_t most, std::vector<Choice>* choices) {
  const Groups groups = GroupsOf(kTelling, *choices);
  std::vector<uint64_t> anchors;
  auto stays = [&](const Choice& choice) { return std::binary_search(anchors.begin(), anchors.end(), choice.anchor); };
  uint64_t left = most + 1;
  for (uint64_t divisor = 1; divisor <= kLeastPart && left > most; divisor *= 2) {
    anchors = AnchorsOf(*choices, groups, divisor);
    left = static_cast<uint64_t>(std::count_if(choices->begin(), choices->end(), [&](const Choice& choice) {
      return (choice.reasons & kContext) && stays(choice);
    }));
  }
  for (Choice& choice : *choices) {
    if (!stays(choice)) choice.reasons &= static_cast<uint8_t>(~kContext);
  }
}

// Of all files together; each has a part, and not less than the least.
constexpr uint64_t kMostOfReason = 32'000, kLeastOfReason = 256;

}  // namespace

void ThinChoices(size_t files, std::vector<Choice>* choices) {
  const uint64_t most = std::max(kMostOfReason / std::max<uint64_t>(files, 1), kLeastOfReason);
  for (Reason reason : {kFirst, kLast, kTelling, kSample, kNonFinite}) ThinReason(reason, most, choices);
  ThinContext(most, choices);
}

// A stretch's ends are found at a hundredth of a run; a course needs no more.
constexpr uint64_t kMostOfSeries = 128, kLeastOfSeries = 16, kLastOfSeries = 16;
constexpr uint64_t kMostReports = 160'000;

void ThinReports(size_t files, std::vector<Choice>* choices) {
  std::unordered_map<uint64_t, uint64_t> sizes;  // of series, with what was dropped before
  auto series_of = [](const Choice& choice) { return choice.series ^ (uint64_t{choice.writer} * 0x9E3779B97F4A7C15); };
  for (const Choice& choice : *choices) {
    if (choice.reasons & kReport) sizes[series_of(choice)] = choice.place + 1;
  }
  const uint64_t of_file = kMostReports / std::max<uint64_t>(files, 1);
  const uint64_t most = std::clamp(of_file / std::max<uint64_t>(sizes.size(), 1), kLeastOfSeries, kMostOfSeries);
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
