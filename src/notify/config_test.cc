#include "notify/config.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/file.h"
#include "model/time_text.h"
#include "notify/channel.h"

namespace rankscope::notify {
namespace {

constexpr const char* kFile = R"(external_url: https://rankscope.example/
time_intervals:
- name: nights
  time_intervals:
  - times: [{start_time: '22:00', end_time: '24:00'}, {start_time: '00:00', end_time: '07:00'}]
    location: '+08:00'
- name: weekends
  time_intervals: [{weekdays: ['saturday', 'sunday'], months: ['1:11'], days_of_month: ['-7:-1']}]
receivers:
- name: chat
  webhook: {url: http://127.0.0.1:1/x}
- name: oncall
  webhook: {url: http://127.0.0.1:1/y, secret: $NOTIFY_TEST_SECRET, timeout: 3s}
- name: lab
  webhook: {url: http://127.0.0.1:1/z}
route:
  receiver: chat
  group_wait: 10s
  routes:
  - receiver: oncall
    matchers: ['severity="critical"']
    group_wait: 0s
    continue: true
  - receiver: lab
    matchers: ['project=~"lab-.*"', 'event!="started"']
    group_by: [project]
    mute_time_intervals: [nights]
)";

base::Result<std::shared_ptr<const Config>> Parse(const std::string& yaml) { return ParseConfig("n.yaml", ".", yaml); }

std::string Error(const std::string& yaml) {
  auto config = Parse(yaml);
  return config.ok() ? "" : config.status().message();
}

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

class ConfigTest : public testing::Test {
 protected:
  ConfigTest() { setenv("NOTIFY_TEST_SECRET", "s3cret-of-the-test", 1); }
};

std::vector<std::string> Receivers(const Config& config, const Labels& labels) {
  std::vector<std::string> names;
  for (const Route* route : RoutesFor(config, labels)) names.push_back(route->receiver);
  return names;
}

TEST_F(ConfigTest, RoutesAsAlertmanagerDoes) {
  auto config = Parse(kFile);
  ASSERT_TRUE(config.ok()) << config.status().message();
  using Names = std::vector<std::string>;
  EXPECT_EQ(Receivers(**config, {{"severity", "warning"}, {"project", "x"}}), Names({"chat"}));
  EXPECT_EQ(Receivers(**config, {{"severity", "critical"}, {"project", "x"}}), Names({"oncall"}));
  EXPECT_EQ(Receivers(**config, {{"severity", "critical"}, {"project", "lab-1"}}), Names({"oncall", "lab"}));
  EXPECT_EQ(Receivers(**config, {{"project", "lab-1"}, {"event", "started"}}), Names({"chat"}));
  EXPECT_EQ(Receivers(**config, {{"project", "my-lab-1"}}), Names({"chat"})) << "a regex matches the whole value";
}

TEST_F(ConfigTest, ChildrenHaveWhatTheyDoNotSayFromTheirParents) {
  auto config = Parse(kFile);
  ASSERT_TRUE(config.ok());
  const Route& lab = (*config)->route.routes[1];
  EXPECT_EQ(lab.WaitNs(Severity::kCritical), 10 * base::kNsPerSecond);
  EXPECT_EQ(lab.group_by, std::vector<std::string>({"project"}));
  EXPECT_EQ(lab.key, "{}/{project=~\"lab-.*\",event!=\"started\"}");
  EXPECT_EQ(Route().WaitNs(Severity::kCritical), 0);
  EXPECT_EQ(Route().WaitNs(Severity::kWarning), 30 * base::kNsPerSecond);
  EXPECT_EQ((*config)->Find("oncall")->timeout_ns, 3 * base::kNsPerSecond);
  EXPECT_EQ((*config)->external_url, "https://rankscope.example");
}

TEST_F(ConfigTest, RouteIsMuteAtItsTimes) {
  auto config = Parse(kFile);
  ASSERT_TRUE(config.ok());
  const Route& lab = (*config)->route.routes[1];
  EXPECT_TRUE(lab.MuteAt(*model::ParseTime("2026-11-23T14:00:00Z")));  // 22:00 at +08:00
  EXPECT_TRUE(lab.MuteAt(*model::ParseTime("2026-11-23T22:59:59Z")));
  EXPECT_FALSE(lab.MuteAt(*model::ParseTime("2026-11-23T23:00:00Z")));
  EXPECT_FALSE(lab.MuteAt(*model::ParseTime("2026-11-23T13:59:59Z")));
}

TEST_F(ConfigTest, TimeIntervalKnowsWeekdaysAndTheEndOfTheMonth) {
  auto config = Parse(Replaced(kFile, "[nights]", "[weekends]"));
  ASSERT_TRUE(config.ok()) << config.status().message();
  const Route& lab = (*config)->route.routes[1];
  EXPECT_TRUE(lab.MuteAt(*model::ParseTime("2026-11-28T12:00:00Z")));   // Saturday, the third last day
  EXPECT_FALSE(lab.MuteAt(*model::ParseTime("2026-11-27T12:00:00Z")));  // Friday
  EXPECT_FALSE(lab.MuteAt(*model::ParseTime("2026-11-21T12:00:00Z")));  // Saturday, not among the last seven
  EXPECT_FALSE(lab.MuteAt(*model::ParseTime("2026-12-26T12:00:00Z")));  // December
}

TEST_F(ConfigTest, RefusalNamesThePlace) {
  EXPECT_EQ(Error(Replaced(kFile, "group_wait: 10s", "group_wait: soon")),
            "n.yaml:18:15: expected a duration as 30s or 5m, found \"soon\"");
  EXPECT_EQ(Error(Replaced(kFile, "receiver: lab", "receiver: labs")), "n.yaml:24:5: there is no receiver labs");
  EXPECT_NE(Error(Replaced(kFile, "group_wait", "group_wai")).find("n.yaml:18:3: "), std::string::npos);
  EXPECT_NE(Error(Replaced(kFile, "group_wait", "group_wai")).find("(nearest: group_wait)"), std::string::npos);
  EXPECT_EQ(Error(Replaced(kFile, "[nights]", "[night]")), "n.yaml:27:26: there is no time interval night");
  EXPECT_EQ(Error(Replaced(kFile, "name: lab", "name: chat")), "n.yaml:14:3: the receiver chat comes twice");
  EXPECT_NE(Error(Replaced(kFile, "'event!=", "'event!!")).find("n.yaml:25:37: a matcher is NAME="), std::string::npos);
  EXPECT_NE(Error(Replaced(kFile, "lab-.*", "lab-(")).find("regex"), std::string::npos);
  EXPECT_NE(Error("receivers: [\n").find("n.yaml:2:1: no YAML"), std::string::npos);
  EXPECT_NE(Error("{}").find("expected receivers, a list"), std::string::npos);
  EXPECT_NE(Error(Replaced(kFile, "'22:00'", "'25:00'")).find("n.yaml:5:13: expected start_time"), std::string::npos);
  EXPECT_NE(Error(Replaced(kFile, "['1:11']", "['11:1']")).find("expected a month"), std::string::npos);
  EXPECT_NE(Error(Replaced(kFile, "['-7:-1']", "['0']")).find("expected a day"), std::string::npos);
}

TEST_F(ConfigTest, SecretsComeFromFilesAndTheEnvironmentOnly) {
  std::string path = testing::TempDir() + "/slack-url";
  ASSERT_TRUE(base::WriteFileAtomically(path, "https://hooks.slack.example/services/T0/B0/verysecret\n").ok());
  std::string file = Replaced(kFile, "webhook: {url: http://127.0.0.1:1/x}", "slack: {url_file: " + path + "}");
  auto config = Parse(file);
  ASSERT_TRUE(config.ok()) << config.status().message();
  EXPECT_EQ((*config)->Find("chat")->url.Reveal(), "https://hooks.slack.example/services/T0/B0/verysecret");
  EXPECT_EQ((*config)->Find("oncall")->secret.Reveal(), "s3cret-of-the-test");

  std::string open =
      Replaced(kFile, "webhook: {url: http://127.0.0.1:1/x}", "slack: {url: https://h.example/verysecret}");
  EXPECT_EQ(Error(open), "n.yaml:11:16: a secret: name a file with the key that ends in _file, or a variable as $NAME");
  EXPECT_EQ(Error(Replaced(kFile, "$NOTIFY_TEST_SECRET", "$NOTIFY_TEST_UNSET")),
            "n.yaml:13:48: the variable NOTIFY_TEST_UNSET is not set");
}

TEST_F(ConfigTest, RefusalNeverShowsWhatMayBeASecret) {
  for (const char* channel :
       {"slack: https://h.example/verysecret", "slack: {url: https://h.example/verysecret}", "slack: [verysecret]",
        "webhook: {url: 'https://user:verysecret@h.example'}", "webhook: {url: 'https://h.example/?token=verysecret'}",
        "webhook: {url: 'http://h', secret: verysecret}", "pagerduty: {routing_key: verysecret}",
        "feishu: {url: {verysecret: 1}}", "dingtalk: {secret: verysecret}",
        "email: {smarthost: 'h:25', from: a@b, to: a@b, password: verysecret}"}) {
    std::string error = Error(Replaced(kFile, "webhook: {url: http://127.0.0.1:1/x}", channel));
    EXPECT_FALSE(error.empty()) << channel;
    EXPECT_EQ(error.find("verysecret"), std::string::npos) << error;
  }
}

TEST_F(ConfigTest, ChannelHidesItsSecretsInWhatOthersSay) {
  Channel channel;
  channel.url = Secret("https://oapi.example/robot/send?access_token=abcdef123456");
  channel.secret = Secret("SECRETSECRET");
  std::string hidden = channel.Hide("404: no /robot/send?access_token=abcdef123456, token abcdef123456, SECRETSECRET");
  EXPECT_EQ(hidden, "404: no ***, token ***, ***");
}

}  // namespace
}  // namespace rankscope::notify
