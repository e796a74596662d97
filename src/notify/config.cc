#include "notify/config.h"

#include <algorithm>

#include "base/file.h"

namespace rankscope::notify {
namespace {

constexpr int64_t kUsualWaitNs = 30 * base::kNsPerSecond;

// Whether the route, or one below it, takes the labels.
bool Follow(const Route& route, const Labels& labels, std::vector<const Route*>* found) {
  if (!AllMatch(route.matchers, labels)) return false;
  bool taken = false;
  for (const Route& child : route.routes) {
    bool matched = Follow(child, labels, found);
    taken = taken || matched;
    if (matched && !child.go_on) break;
  }
  if (!taken) found->push_back(&route);
  return true;
}

}  // namespace

std::string Channel::Hide(std::string text) const {
  for (const Secret* each : {&url, &secret, &next_secret, &routing_key, &mail.password}) {
    text = each->Hide(std::move(text));
  }
  return text;
}

int64_t Route::WaitNs(Severity severity) const {
  return group_wait_ns.value_or(severity == Severity::kCritical ? 0 : kUsualWaitNs);
}

bool Route::MuteAt(base::TimeNs time) const {
  return std::any_of(mute.begin(), mute.end(), [&](const TimeInterval& interval) { return interval.Contains(time); });
}

const Channel* Config::Find(const std::string& channel) const {
  auto found =
      std::find_if(channels.begin(), channels.end(), [&](const Channel& each) { return each.name == channel; });
  return found == channels.end() ? nullptr : &*found;
}

std::vector<const Route*> RoutesFor(const Config& config, const Labels& labels) {
  std::vector<const Route*> found, one_a_channel;
  if (!Follow(config.route, labels, &found)) found.push_back(&config.route);
  for (const Route* route : found) {
    auto same = [&](const Route* other) { return other->receiver == route->receiver; };
    if (std::none_of(one_a_channel.begin(), one_a_channel.end(), same)) one_a_channel.push_back(route);
  }
  return one_a_channel;
}

base::Result<std::shared_ptr<const Config>> ReadConfig(const std::string& path) {
  auto yaml = base::ReadWholeFile(path);
  if (!yaml.ok()) return base::Status::Invalid(yaml.status().message());
  size_t slash = path.rfind('/');
  return ParseConfig(path, slash == std::string::npos ? "." : path.substr(0, slash), *yaml);
}

}  // namespace rankscope::notify
