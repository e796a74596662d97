#include "cli/notify_command.h"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/json_text.h"
#include "base/nearest.h"
#include "base/url.h"
#include "cli/http_client.h"
#include "notify/test_message.h"

namespace rankscope::cli {
namespace {

base::Status NoSuchChannel(const NotifyOptions& options, const notify::Config& config) {
  std::string listed;
  std::vector<std::string_view> names;
  for (const notify::Channel& channel : config.channels) {
    listed += (listed.empty() ? "" : ", ") + channel.name;
    names.push_back(channel.name);
  }
  return base::Status::Invalid(options.config + " has no receiver " + options.channel + ", only " + listed +
                               base::Nearest(options.channel, names));
}

using Json = nlohmann::ordered_json;

std::string Text(const Json& object, const char* name) {
  auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// NAME (KIND): works, last delivered TIME after 0.1 s | fails since TIME | nothing told yet; 3 waiting, 1 given up:
// error
void PrintChannel(const Json& channel) {
  std::string failing = Text(channel, "failing_since"), refused = Text(channel, "last_refused"),
              delivered = Text(channel, "last_delivered");
  std::string state = !failing.empty()     ? "fails since " + failing
                      : !refused.empty()   ? "refused a message at " + refused
                      : !delivered.empty() ? "works"
                                           : "nothing told since the server's start";
  if (!delivered.empty()) {
    char took[32];
    std::snprintf(took, sizeof took, "%.1f", channel.value("latency_s", 0.0));
    state += ", last delivered " + delivered + " after " + took + " s";
  }
  for (const auto& [key, words] : {std::pair("waiting", " waiting"), std::pair("given_up", " given up")}) {
    if (auto count = channel.value(key, uint64_t{0}); count > 0) state += ", " + std::to_string(count) + words;
  }
  std::string error = Text(channel, "error");
  std::printf("%s (%s): %s%s\n", Text(channel, "channel").c_str(), Text(channel, "kind").c_str(), state.c_str(),
              error.empty() ? "" : (": " + error).c_str());
}

// TIME  CHANNEL  STATE  KIND: title (job j-1, incident i-1, version 2)
void PrintTelling(const Json& telling) {
  std::string answer = Text(telling, "state") == "delivered" ? "" : ": " + Text(telling, "answer");
  std::printf("%s  %s  %s%s  %s: %s (job %s, %s)\n", Text(telling, "timestamp").c_str(),
              Text(telling, "channel").c_str(), Text(telling, "state").c_str(), answer == ": " ? "" : answer.c_str(),
              Text(telling, "kind").c_str(), Text(telling, "title").c_str(), Text(telling, "job_id").c_str(),
              Text(telling, "incident").c_str());
}

void Show(const std::string& line, bool json, void (*print)(const Json&)) {
  if (json) {
    std::printf("%s\n", line.c_str());
  } else if (Json object = Json::parse(line, nullptr, /*allow_exceptions=*/false); object.is_object()) {
    print(object);
  }
}

base::Status DidNotArrive(const std::string& channel, const std::string& why) {
  return base::Status::Unavailable("the test did not arrive on " + channel + ": " + why);
}

std::string NameOf(const std::string& channel, std::string_view kind) {
  return "channel " + channel + " (" + std::string(kind) + ")";
}

}  // namespace

base::Status RunNotifyTest(const NotifyOptions& options) {
  ASSIGN_OR_RETURN(auto config, notify::ReadConfig(options.config));
  const notify::Channel* channel = config->Find(options.channel);
  if (!channel) return NoSuchChannel(options, *config);
  std::string name = NameOf(channel->name, channel->kind->name);
  for (const notify::Verdict& verdict : notify::SendTest(*config, *channel)) {
    if (verdict.outcome != notify::Verdict::Outcome::kDelivered) {
      return DidNotArrive(name, verdict.why);
    }
    std::printf("%s: delivered: %s\n", name.c_str(), verdict.why.c_str());
  }
  return {};
}

base::Status RunNotifyServerTest(const NotifyOptions& options) {
  std::string body = base::JsonText(Json({{"channel", options.channel}}));
  base::Status status;
  auto take = [&](std::string_view line) {
    Json answer = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!answer.is_object()) return true;
    std::string name = NameOf(Text(answer, "channel"), Text(answer, "kind")), why = Text(answer, "answer");
    if (answer.value("delivered", false)) {
      std::printf("%s: delivered: %s\n", name.c_str(), why.c_str());
    } else {
      status = DidNotArrive(name, why);
    }
    return true;
  };
  RETURN_IF_ERROR(PostLines(options.server, "/api/v1/notifications/test", body, take, /*timeout_ms=*/0));
  return status;
}

base::Status RunNotifyStatus(const NotifyOptions& options) {
  return GetLines(options.server, "/api/v1/notifications/channels", [&](std::string_view line) {
    Show(std::string(line), options.json, PrintChannel);
    return true;
  });
}

base::Status RunNotifyLog(const NotifyOptions& options, const std::string& job) {
  std::vector<std::string> lines;
  RETURN_IF_ERROR(
      GetLines(options.server, "/api/v1/notifications?job_id=" + base::UrlEncode(job), [&](std::string_view line) {
        lines.emplace_back(line);
        return true;
      }));
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) Show(*line, options.json, PrintTelling);
  return {};
}

}  // namespace rankscope::cli
