#include "diagnose/odd_call.h"

#include <algorithm>
#include <map>
#include <set>

namespace rankscope::diagnose {
namespace {

bool IsLibrary(std::string_view frame) {
  return frame.find("-packages/") != std::string_view::npos || frame.find("/usr/lib/") != std::string_view::npos;
}

// torch's functions that issue a collective: "… distributed/distributed_c10d.py", line 2820, in all_reduce
std::string_view CollectiveOf(std::string_view frame) {
  constexpr std::string_view kIn = ", in ";
  size_t in = frame.rfind(kIn);
  bool issues =
      frame.find("distributed/distributed_c10d.py\"") != std::string_view::npos && in != std::string_view::npos;
  return issues ? frame.substr(in + kIn.size()) : std::string_view();
}

// The innermost frame of the user's own code, and which collective it called: File "/app/train.py", line 70, in main
// (all_reduce). Where all code is a library's, its innermost frame.
std::string OwnPlace(std::string_view frames) {
  std::string place, call, innermost;
  for (size_t begin = 0, end = 0; begin < frames.size(); begin = end + 1) {
    end = std::min(frames.find('\n', begin), frames.size());
    std::string_view frame = frames.substr(begin, end - begin);
    if (!frame.starts_with("File \"")) continue;
    innermost = frame;
    if (!IsLibrary(frame)) place = frame;
    if (auto collective = CollectiveOf(frame); !collective.empty()) call = " (" + std::string(collective) + ")";
  }
  return place.empty() ? innermost : place + call;
}

bool IsOfCollective(const Suspect& suspect) {
  return suspect.failure == "gloo_error" || suspect.failure == "nccl_timeout" || suspect.kind == kSkippedCollective ||
         suspect.role == Role::kCascade;
}

}  // namespace

OddCall FindOddCall(const Reading& reading, const std::vector<Suspect>& suspects) {
  std::map<std::string, std::vector<int32_t>> places;
  std::set<int32_t> counted;
  for (const Suspect& suspect : suspects) {
    if (!suspect.rank || suspect.traceback == Traceback::kNone || !IsOfCollective(suspect)) continue;
    if (!counted.insert(*suspect.rank).second) continue;
    std::string place = OwnPlace(reading.tracebacks.all[suspect.traceback].frames);
    if (place.empty()) continue;
    places[place].push_back(*suspect.rank);
  }
  if (places.size() != 2) return {};
  auto odd = std::min_element(places.begin(), places.end(),
                              [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
  if (odd->second.size() * 2 >= counted.size()) return {{}, true, ""};
  const std::string& others = odd == places.begin() ? places.rbegin()->first : places.begin()->first;
  return {odd->second, true, "its collective was that of " + odd->first + ", the others' that of " + others};
}

}  // namespace rankscope::diagnose
