#include "notify/flap_guard.h"

#include <algorithm>

namespace rankscope::notify {
namespace {

constexpr size_t kMostKept = 100, kMostSubjects = 20'000;

const std::string& SubjectOf(const Update& update) { return update.subject.empty() ? update.incident : update.subject; }

}  // namespace

void FlapGuard::Note(const Update& update, base::TimeNs now) {
  if (subjects_.size() >= kMostSubjects) Sweep(now);
  bool open = IsOpen(update.kind);
  auto [found, is_new] = subjects_.try_emplace(SubjectOf(update));
  Subject& subject = found->second;
  if (!is_new && subject.open != open) subject.transitions.push_back(now);
  if (subject.transitions.size() > kMostKept) subject.transitions.pop_front();
  subject.open = open;
  subject.noted = now;
}

size_t FlapGuard::Flapping(const Update& update, base::TimeNs now) const {
  auto found = subjects_.find(SubjectOf(update));
  if (found == subjects_.end()) return 0;
  const auto& times = found->second.transitions;
  auto recent = std::count_if(times.begin(), times.end(), [&](base::TimeNs at) { return at > now - kWindowNs; });
  return static_cast<size_t>(recent) > kMostTransitions ? static_cast<size_t>(recent) : 0;
}

bool FlapGuard::Quiet(const Update& update, const std::string& channel, base::TimeNs now) const {
  if (Flapping(update, now) == 0) return false;
  const Subject& subject = subjects_.at(SubjectOf(update));
  auto told = subject.told.find(channel);
  return told != subject.told.end() && now < told->second + kWindowNs;
}

void FlapGuard::Told(const Update& update, const std::string& channel, base::TimeNs now) {
  auto found = subjects_.find(SubjectOf(update));
  if (found == subjects_.end()) return;
  if (Flapping(update, now) == 0) {
    found->second.told.erase(channel);
  } else {
    found->second.told[channel] = now;
  }
}

// Those that have been quiet; all, where none has been: then it has to learn anew who flaps.
void FlapGuard::Sweep(base::TimeNs now) {
  std::erase_if(subjects_, [&](const auto& each) { return each.second.noted <= now - kWindowNs; });
  if (subjects_.size() >= kMostSubjects) subjects_.clear();
}

}  // namespace rankscope::notify
