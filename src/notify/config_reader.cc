#include <algorithm>
#include <array>
#include <map>

#include "base/yaml_reader.h"
#include "model/time_text.h"
#include "notify/channel.h"
#include "notify/config.h"
#include "notify/time_interval_reader.h"

namespace rankscope::notify {
namespace {

using base::Result;
using base::Status;
using YAML::Node;
using Keys = std::vector<base::YamlReader::Key>;
using Taker = std::function<Status(const Node&)>;

std::string Listed(const std::vector<Matcher>& matchers) {
  std::string text;
  for (const Matcher& matcher : matchers) text += (text.empty() ? "" : ",") + matcher.text();
  return text;
}

class ConfigReader {
 public:
  ConfigReader(const std::string& name, std::string folder) : reader_(name), folder_(std::move(folder)) {}

  Result<std::shared_ptr<const Config>> Read(const std::string& yaml);

 private:
  enum class Open : uint8_t { kNo, kYes };  // whether the value itself may stand in the file

  Status ReadIntervals(const Node& node);
  Status ReadInterval(const Node& node);
  Status ReadReceiver(const Node& node);
  Keys KeysOf(Channel* channel);
  Status ReadChannel(const Node& node, Channel* channel);
  Status CheckChannel(const Node& node, const Channel& channel) const;
  Status ReadRoute(const Node& node, const Route& parent, Route* route);
  Status ReadMatchers(const Node& node, std::vector<Matcher>* matchers);
  Status ReadMute(const Node& node, std::vector<TimeInterval>* mute);
  Status ReadRecipients(const Node& node, std::vector<std::string>* to);

  Taker IntoDuration(int64_t* ns, int64_t least_ns) const;
  Taker IntoFlag(bool* flag) const;
  Taker IntoSecret(Secret* secret, Open open) const;
  Taker IntoSecretFile(Secret* secret) const;

  base::YamlReader reader_;
  std::string folder_;
  Config config_;
  size_t routes_ = 0;
  std::map<std::string, std::vector<TimeInterval>> intervals_;
};

Taker ConfigReader::IntoDuration(int64_t* ns, int64_t least_ns) const {
  return [this, ns, least_ns](const Node& node) -> Status {
    ASSIGN_OR_RETURN(std::string text, reader_.Text(node));
    auto duration = model::ParseDuration(text);
    if (!duration || *duration < least_ns) return reader_.Expected(node, "a duration as 30s or 5m");
    *ns = *duration;
    return {};
  };
}

Taker ConfigReader::IntoFlag(bool* flag) const {
  return [this, flag](const Node& node) -> Status {
    ASSIGN_OR_RETURN(size_t word, reader_.Word(node, {"false", "true"}));
    *flag = word == 1;
    return {};
  };
}

// Errors here show nothing of the value: it may be a secret that stands where it must not.
Taker ConfigReader::IntoSecret(Secret* secret, Open open) const {
  return [this, secret, open](const Node& node) -> Status {
    if (!node.IsScalar()) return reader_.Wrong(node, "expected a text");
    std::string text = node.Scalar();
    if (text.starts_with('$')) {
      auto value = Secret::FromEnvironment(text.substr(1));
      if (!value.ok()) return reader_.Wrong(node, value.status().message());
      *secret = *std::move(value);
      return {};
    }
    if (open == Open::kNo || text.find_first_of("@?") != std::string::npos) {
      return reader_.Wrong(node, "a secret: name a file with the key that ends in _file, or a variable as $NAME");
    }
    *secret = Secret(std::move(text));
    return {};
  };
}

Taker ConfigReader::IntoSecretFile(Secret* secret) const {
  return [this, secret](const Node& node) -> Status {
    ASSIGN_OR_RETURN(std::string path, reader_.Text(node));
    auto value = Secret::FromFile(path.starts_with('/') ? path : folder_ + "/" + path);
    if (!value.ok()) return reader_.Wrong(node, value.status().message());
    *secret = *std::move(value);
    return {};
  };
}

Status ConfigReader::ReadIntervals(const Node& node) {
  return reader_.List(node, "time_intervals", [&](const Node& item) { return ReadInterval(item); });
}

Status ConfigReader::ReadInterval(const Node& node) {
  std::string name;
  std::vector<TimeInterval> intervals;
  auto take = [&](const Node& item) -> Status {
    ASSIGN_OR_RETURN(TimeInterval interval, ReadTimeInterval(reader_, item));
    intervals.push_back(std::move(interval));
    return {};
  };
  auto list = [&](const Node& value) { return reader_.List(value, "time_intervals", take); };
  RETURN_IF_ERROR(reader_.Map(node, "a time interval", {{"name", reader_.Into(&name)}, {"time_intervals", list}}));
  if (name.empty() || intervals.empty()) return reader_.Wrong(node, "expected a name and time_intervals");
  if (!intervals_.emplace(name, std::move(intervals)).second) {
    return reader_.Wrong(node, "the time interval " + name + " comes twice");
  }
  return {};
}

Status ConfigReader::ReadRecipients(const Node& node, std::vector<std::string>* to) {
  ASSIGN_OR_RETURN(*to, reader_.Texts(node));
  for (const std::string& address : *to) {
    bool plain = address.find('@') != std::string::npos && address.find_first_of(" \r\n<>,") == std::string::npos;
    if (!plain) return reader_.Wrong(node, "expected an address as someone@example.org, found \"" + address + "\"");
  }
  return {};
}

Keys ConfigReader::KeysOf(Channel* channel) {
  std::string_view kind = channel->kind->name;
  Keys keys = {{"timeout", IntoDuration(&channel->timeout_ns, base::kNsPerSecond)}};
  auto add_secret = [&](std::string_view key, std::string_view file_key, Secret* secret, Open open = Open::kNo) {
    keys.push_back({key, IntoSecret(secret, open)});
    keys.push_back({file_key, IntoSecretFile(secret)});
  };
  if (kind != "email") {
    // In the URLs of chats the path is the secret.
    bool open = kind == "webhook" || kind == "alertmanager" || kind == "pagerduty";
    add_secret("url", "url_file", &channel->url, open ? Open::kYes : Open::kNo);
  }
  if (kind == "webhook" || kind == "dingtalk" || kind == "feishu")
    add_secret("secret", "secret_file", &channel->secret);
  if (kind == "webhook") add_secret("next_secret", "next_secret_file", &channel->next_secret);
  if (kind == "pagerduty") add_secret("routing_key", "routing_key_file", &channel->routing_key);
  if (kind == "dingtalk") {
    keys.push_back({"at_mobiles", reader_.Into(&channel->at_mobiles)});
    keys.push_back({"at_all", IntoFlag(&channel->at_all)});
  }
  if (kind != "email") return keys;
  Channel::Mail* mail = &channel->mail;
  add_secret("password", "password_file", &mail->password);
  keys.push_back({"smarthost", reader_.Into(&mail->smarthost)});
  keys.push_back({"from", reader_.Into(&mail->from)});
  keys.push_back({"to", [this, mail](const Node& value) { return ReadRecipients(value, &mail->to); }});
  keys.push_back({"username", reader_.Into(&mail->username)});
  keys.push_back({"tls", [this, mail](const Node& value) -> Status {
                    ASSIGN_OR_RETURN(size_t word, reader_.Word(value, {"starttls", "always", "never"}));
                    mail->tls = static_cast<Channel::Mail::Tls>(word);
                    return {};
                  }});
  return keys;
}

Status ConfigReader::CheckChannel(const Node& node, const Channel& channel) const {
  const std::string kind(channel.kind->name);
  if (kind == "email") {
    const Channel::Mail& mail = channel.mail;
    bool whole = mail.smarthost.find(':') != std::string::npos && !mail.from.empty() && !mail.to.empty();
    return whole ? Status() : reader_.Wrong(node, "email needs smarthost (HOST:PORT), from and to");
  }
  if (channel.url.empty()) return reader_.Wrong(node, kind + " needs url or url_file");
  const std::string& url = channel.url.Reveal();
  if (!url.starts_with("http://") && !url.starts_with("https://")) {
    return reader_.Wrong(node, "the url of " + kind + " does not begin with http:// or https://");
  }
  if (kind == "pagerduty" && channel.routing_key.empty()) {
    return reader_.Wrong(node, "pagerduty needs routing_key or routing_key_file");
  }
  return {};
}

Status ConfigReader::ReadChannel(const Node& node, Channel* channel) {
  if (channel->kind->name == "pagerduty") channel->url = Secret("https://events.pagerduty.com/v2/enqueue");
  if (!node.IsMap()) return reader_.Wrong(node, "expected " + std::string(channel->kind->name) + ", a map");
  RETURN_IF_ERROR(reader_.Map(node, channel->kind->name, KeysOf(channel)));
  return CheckChannel(node, *channel);
}

Status ConfigReader::ReadReceiver(const Node& node) {
  Channel channel;
  Keys keys = {{"name", reader_.Into(&channel.name)}};
  for (const ChannelKind& kind : ChannelKinds()) {
    keys.push_back({kind.name, [&](const Node& value) -> Status {
                      if (channel.kind) return reader_.Wrong(value, "a receiver is one channel, this is a second");
                      channel.kind = &kind;
                      return ReadChannel(value, &channel);
                    }});
  }
  RETURN_IF_ERROR(reader_.Map(node, "a receiver", keys));
  if (channel.name.empty()) return reader_.Wrong(node, "a receiver needs a name");
  if (!channel.kind) return reader_.Wrong(node, "the receiver " + channel.name + " has no channel");
  if (config_.Find(channel.name)) return reader_.Wrong(node, "the receiver " + channel.name + " comes twice");
  config_.channels.push_back(std::move(channel));
  return {};
}

Status ConfigReader::ReadMatchers(const Node& node, std::vector<Matcher>* matchers) {
  return reader_.List(node, "matchers", [&](const Node& item) -> Status {
    ASSIGN_OR_RETURN(std::string text, reader_.Text(item));
    auto matcher = Matcher::Parse(text);
    if (!matcher.ok()) return reader_.Wrong(item, matcher.status().message());
    matchers->push_back(*std::move(matcher));
    return {};
  });
}

Status ConfigReader::ReadMute(const Node& node, std::vector<TimeInterval>* mute) {
  ASSIGN_OR_RETURN(auto names, reader_.Texts(node));
  for (const std::string& name : names) {
    auto found = intervals_.find(name);
    if (found == intervals_.end()) return reader_.Wrong(node, "there is no time interval " + name);
    mute->insert(mute->end(), found->second.begin(), found->second.end());
  }
  return {};
}

Status ConfigReader::ReadRoute(const Node& node, const Route& parent, Route* route) {
  route->receiver = parent.receiver;
  route->group_by = parent.group_by;
  route->group_wait_ns = parent.group_wait_ns;
  route->group_interval_ns = parent.group_interval_ns;
  route->repeat_interval_ns = parent.repeat_interval_ns;
  route->number = routes_++;
  int64_t wait_ns = -1;
  Node children;
  RETURN_IF_ERROR(
      reader_.Map(node, "a route",
                  {{"receiver", reader_.Into(&route->receiver)},
                   {"group_by", reader_.Into(&route->group_by)},
                   {"group_wait", IntoDuration(&wait_ns, 0)},
                   {"group_interval", IntoDuration(&route->group_interval_ns, 0)},
                   {"repeat_interval", IntoDuration(&route->repeat_interval_ns, base::kNsPerSecond)},
                   {"continue", IntoFlag(&route->go_on)},
                   {"matchers", [&](const Node& value) { return ReadMatchers(value, &route->matchers); }},
                   {"mute_time_intervals", [&](const Node& value) { return ReadMute(value, &route->mute); }},
                   {"routes", [&](const Node& value) {
                      children.reset(value);
                      return Status();
                    }}}));
  if (wait_ns >= 0) route->group_wait_ns = wait_ns;
  if (route->number > 0) route->key = parent.key + "/{" + Listed(route->matchers) + "}";
  if (route->receiver.empty()) return reader_.Wrong(node, "the first route needs a receiver");
  if (!config_.Find(route->receiver)) return reader_.Wrong(node, "there is no receiver " + route->receiver);
  if (!children.IsDefined() || children.IsNull()) return {};
  return reader_.List(children, "routes",
                      [&](const Node& child) { return ReadRoute(child, *route, &route->routes.emplace_back()); });
}

Result<std::shared_ptr<const Config>> ConfigReader::Read(const std::string& yaml) {
  ASSIGN_OR_RETURN(Node document, reader_.Load(yaml));
  Node route, receivers, intervals;
  auto keep = [](Node* target) {
    return [target](const Node& value) {
      target->reset(value);
      return Status();
    };
  };
  RETURN_IF_ERROR(reader_.Map(document, "a notification file",
                              {{"external_url", reader_.Into(&config_.external_url)},
                               {"time_intervals", keep(&intervals)},
                               {"receivers", keep(&receivers)},
                               {"route", keep(&route)}}));
  while (config_.external_url.ends_with('/')) config_.external_url.pop_back();
  if (!intervals.IsNull()) RETURN_IF_ERROR(ReadIntervals(intervals));
  auto take = [&](const Node& item) { return ReadReceiver(item); };
  RETURN_IF_ERROR(reader_.List(receivers, "receivers", take));
  RETURN_IF_ERROR(ReadRoute(route, Route(), &config_.route));
  if (!config_.route.matchers.empty()) return reader_.Wrong(route, "the first route takes everything: no matchers");
  return std::shared_ptr<const Config>(std::make_shared<Config>(std::move(config_)));
}

}  // namespace

Result<std::shared_ptr<const Config>> ParseConfig(const std::string& name, const std::string& folder,
                                                  const std::string& yaml) {
  return ConfigReader(name, folder).Read(yaml);
}

}  // namespace rankscope::notify
