#include "store/scan/pattern_counter.h"

#include <algorithm>
#include <tuple>

#include "store/scan/pattern_mask.h"

namespace rankscope::store {
namespace {

constexpr size_t kCountBytes = 320;
constexpr size_t kLongestExample = 4096;

// The ranks as ranges.
model::NumberSet ToNumberSet(const std::set<int32_t>& ranks) {
  model::NumberSet set;
  for (int32_t rank : ranks) {
    if (!set.ranges.empty() && set.ranges.back().last + 1 == rank) {
      set.ranges.back().last = rank;
    } else {
      set.ranges.push_back({rank, rank, false});
    }
  }
  return set;
}

// True: the first line so far is of the group.
bool Add(const PatternCounter::Group& group, PatternCounter::Group* all) {
  bool first = all->count == 0 || group.first < all->first;
  if (first) all->first = group.first;
  all->count += group.count;
  all->last = std::max(all->last, group.last);
  all->ranks.insert(group.ranks.begin(), group.ranks.end());
  return first;
}

}  // namespace

PatternCounter::Count* PatternCounter::Of(const std::string& job, const std::string& pattern) {
  auto [at, added] = counts_.try_emplace(job + '\0' + pattern);
  if (added) {
    budget_->Take(kCountBytes + 2 * pattern.size());
    at->second.pattern.job = job;
    at->second.pattern.text = pattern;
  }
  return &at->second;
}

void PatternCounter::Take(const model::Record& record) {
  if (record.text.empty()) return;
  Group group{1, {record.time, record.seq, record.origin.rank.value_or(-1)}, record.time, {}};
  if (record.origin.rank) group.ranks.insert(*record.origin.rank);
  Count* count = Of(record.origin.job, PatternOf(record.text));
  if (!Add(group, &count->group)) return;
  count->pattern.example = record.text.substr(0, kLongestExample);
  count->unread = false;
}

void PatternCounter::Take(const Group& group, Place place, Count* count) {
  if (!Add(group, &count->group)) return;
  count->place = place;
  count->unread = true;
}

std::vector<model::Pattern> PatternCounter::Finish(const std::function<std::string(Place)>& read) {
  std::vector<Count*> unread;
  for (auto& [key, count] : counts_) {
    if (count.unread) unread.push_back(&count);
  }
  // Those of one block together: it is opened once.
  std::sort(unread.begin(), unread.end(), [](const Count* a, const Count* b) {
    return std::tie(a->place.piece, a->place.row) < std::tie(b->place.piece, b->place.row);
  });
  for (Count* count : unread) count->pattern.example = read(count->place).substr(0, kLongestExample);
  std::vector<model::Pattern> patterns;
  for (auto& [key, count] : counts_) {
    budget_->Take(count.pattern.example.size());
    count.pattern.count = count.group.count;
    count.pattern.first_seen = count.group.first.time;
    count.pattern.last_seen = count.group.last;
    count.pattern.ranks = ToNumberSet(count.group.ranks);
    patterns.push_back(std::move(count.pattern));
  }
  std::sort(patterns.begin(), patterns.end(), [](const auto& a, const auto& b) {
    if (a.count != b.count) return a.count > b.count;
    return std::tie(a.job, a.text) < std::tie(b.job, b.text);
  });
  return patterns;
}

}  // namespace rankscope::store
