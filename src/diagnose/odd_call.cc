#include "diagnose/odd_call.h"

#include <algorithm>
#include <map>

namespace rankscope::diagnose {
namespace {

bool IsLibrary(std::string_view frame) {
  return frame.find("-packages/") != std::string_view::npos || frame.find("/usr/lib/") != std::string_view::npos;
}

// The innermost frame of the user's own code: File "/app/train.py", line 70, in main
std::string OwnPlace(std::string_view frames) {
  std::string place;
  for (size_t begin = 0, end = 0; begin < frames.size(); begin = end + 1) {
    end = std::min(frames.find('\n', begin), frames.size());
    std::string_view frame = frames.substr(begin, end - begin);
    if (frame.starts_with("File \"") && !IsLibrary(frame)) place = frame;
  }
  return place;
}

bool IsOfCollective(const Suspect& suspect) {
  return suspect.failure == "gloo_error" || suspect.failure == "nccl_timeout" || suspect.kind == kSkippedCollective ||
         suspect.role == Role::kCascade;
}

}  // namespace

OddCall FindOddCall(const Reading& reading, const std::vector<Suspect>& suspects) {
  std::map<std::string, std::vector<int32_t>> places;
  size_t count = 0;
  for (const Suspect& suspect : suspects) {
    if (!suspect.rank || suspect.traceback == Traceback::kNone || !IsOfCollective(suspect)) continue;
    std::string place = OwnPlace(reading.tracebacks.all[suspect.traceback].frames);
    if (place.empty()) continue;
    places[place].push_back(*suspect.rank);
    ++count;
  }
  if (places.size() != 2) return {};
  auto odd = std::min_element(places.begin(), places.end(),
                              [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
  if (odd->second.size() * 2 >= count) return {};
  const std::string& others = odd == places.begin() ? places.rbegin()->first : places.begin()->first;
  return {odd->second, "its collective was that of " + odd->first + ", the others' that of " + others};
}

}  // namespace rankscope::diagnose
