#include "notify/silence.h"

#include <algorithm>

namespace rankscope::notify {

base::Status Silences::Add(Silence silence) {
  if (silence.matchers.empty()) return base::Status::Invalid("a silence needs at least one matcher");
  if (silence.reason.empty()) return base::Status::Invalid("a silence needs a reason");
  if (silence.by.empty()) return base::Status::Invalid("a silence needs a name of who made it");
  if (silence.ends <= silence.starts) return base::Status::Invalid("a silence needs an end after its beginning");
  Entry entry{std::move(silence), {}};
  for (const std::string& text : entry.silence.matchers) {
    auto matcher = Matcher::Parse(text);
    if (!matcher.ok()) return matcher.status().WithContext("matcher " + text);
    entry.matchers.push_back(*std::move(matcher));
  }
  Remove(entry.silence.id);
  if (entries_.size() >= kMost) {
    return base::Status::Invalid("there are " + std::to_string(kMost) + " silences; end one");
  }
  entries_.push_back(std::move(entry));
  return {};
}

void Silences::Expire(base::TimeNs now) {
  std::erase_if(entries_, [&](const Entry& entry) { return entry.silence.ends <= now; });
}

void Silences::Remove(const std::string& id) {
  std::erase_if(entries_, [&](const Entry& entry) { return entry.silence.id == id; });
}

std::vector<Silence> Silences::All() const {
  std::vector<Silence> all;
  for (const Entry& entry : entries_) all.push_back(entry.silence);
  return all;
}

const Silence* Silences::Of(const Update& update, base::TimeNs now) const {
  if (entries_.empty()) return nullptr;
  Labels labels = LabelsOf(update);
  auto holds = [&](const Entry& entry) {
    const Silence& silence = entry.silence;
    bool covers = silence.project.empty() || silence.project == update.project;
    return covers && silence.starts <= now && now < silence.ends && AllMatch(entry.matchers, labels);
  };
  auto found = std::find_if(entries_.begin(), entries_.end(), holds);
  return found == entries_.end() ? nullptr : &found->silence;
}

}  // namespace rankscope::notify
