#include "store/retention.h"

#include <algorithm>

namespace rankscope::store {
namespace {

// Of each running job, the name of the segment with its newest record.
std::set<std::string> NewestOfRunning(const std::vector<StoredSegment>& oldest_first, const Kept& kept) {
  std::map<std::string, std::string> newest;
  for (const StoredSegment& segment : oldest_first) {
    if (kept.running.contains(segment.job)) newest[segment.job] = segment.name;
  }
  std::set<std::string> names;
  for (const auto& [job, name] : newest) names.insert(name);
  return names;
}

bool IsCited(const StoredSegment& segment, const Kept& kept) {
  auto of_job = kept.citations.find(segment.job);
  if (of_job == kept.citations.end()) return false;
  return std::any_of(of_job->second.begin(), of_job->second.end(), [&](const Citation& citation) {
    return citation.since <= segment.max_time && citation.until >= segment.min_time;
  });
}

bool IsTooOld(const StoredSegment& segment, const Retention& retention, base::TimeNs now) {
  return retention.max_age_ns && segment.max_time < now - *retention.max_age_ns;
}

}  // namespace

std::vector<StoredSegment> ChooseExpired(std::vector<StoredSegment> segments, const Retention& retention,
                                         const Kept& kept, base::TimeNs now) {
  std::stable_sort(segments.begin(), segments.end(),
                   [](const auto& a, const auto& b) { return a.max_time < b.max_time; });
  std::set<std::string> newest = NewestOfRunning(segments, kept);
  uint64_t bytes = 0;
  for (const StoredSegment& segment : segments) bytes += segment.bytes;
  std::vector<StoredSegment> gone;
  for (StoredSegment& segment : segments) {
    bool too_many = retention.max_bytes && bytes > *retention.max_bytes;
    if (!too_many && !IsTooOld(segment, retention, now)) break;  // the others are younger
    if (kept.pinned.contains(segment.job) || newest.contains(segment.name) || IsCited(segment, kept)) continue;
    bytes -= segment.bytes;
    gone.push_back(std::move(segment));
  }
  return gone;
}

}  // namespace rankscope::store
