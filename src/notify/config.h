#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "notify/matcher.h"
#include "notify/secret.h"
#include "notify/time_interval.h"

namespace rankscope::notify {

struct ChannelKind;

// One way to reach people: a receiver of the configuration.
struct Channel {
  std::string name;
  const ChannelKind* kind = nullptr;    // one of ChannelKinds()
  Secret url;                           // of those that speak HTTP
  Secret secret, next_secret;           // that messages are signed with; both at once while they are changed
  Secret routing_key;                   // PagerDuty's
  std::vector<std::string> at_mobiles;  // DingTalk: whom to mention
  bool at_all = false;
  struct Mail {
    std::string smarthost;  // HOST:PORT
    std::string from;
    std::vector<std::string> to;
    std::string username;
    Secret password;
    enum class Tls : uint8_t { kStartTls, kFromTheStart, kNever } tls = Tls::kStartTls;
  } mail;
  int64_t timeout_ns = 10 * base::kNsPerSecond;

  // The text without any of the channel's secrets.
  std::string Hide(std::string text) const;
};

// A node of the route tree; what a child does not say it has from its parent.
struct Route {
  size_t number = 0;       // of all routes, in the order of the file
  std::string key = "{}";  // the matchers from the root on, as Alertmanager's groupKey has them
  std::string receiver;
  std::vector<std::string> group_by = {"project", "job"};  // "...": every label
  std::optional<int64_t> group_wait_ns;                    // nothing: at once for what is critical, else 30 s
  int64_t group_interval_ns = 120 * base::kNsPerSecond;
  int64_t repeat_interval_ns = 4 * 3600 * base::kNsPerSecond;
  bool go_on = false;  // `continue`: with the routes behind it
  std::vector<Matcher> matchers;
  std::vector<TimeInterval> mute;  // not the parent's
  std::vector<Route> routes;

  int64_t WaitNs(Severity severity) const;
  bool MuteAt(base::TimeNs time) const;
};

struct Config {
  std::string external_url;  // of the server, without a slash at its end; empty: not known
  Route route;
  std::vector<Channel> channels;

  const Channel* Find(const std::string& channel) const;  // null: there is none
};

// Whom an update with these labels goes to: routes in the order of the file, one a channel. Never empty.
std::vector<const Route*> RoutesFor(const Config& config, const Labels& labels);

// docs/notifications.md has the format. `folder` is where relative paths of secret files begin. kInvalid:
// "NAME:LINE:COLUMN: what", with no secret in it; then there is no configuration at all.
base::Result<std::shared_ptr<const Config>> ParseConfig(const std::string& name, const std::string& folder,
                                                        const std::string& yaml);
base::Result<std::shared_ptr<const Config>> ReadConfig(const std::string& path);

}  // namespace rankscope::notify
