#include "cli/notify_command.h"

#include <cstdio>

#include "base/nearest.h"
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

}  // namespace

base::Status RunNotifyTest(const NotifyOptions& options) {
  ASSIGN_OR_RETURN(auto config, notify::ReadConfig(options.config));
  const notify::Channel* channel = config->Find(options.channel);
  if (!channel) return NoSuchChannel(options, *config);
  std::string name = "channel " + channel->name + " (" + std::string(channel->kind->name) + ")";
  for (const notify::Verdict& verdict : notify::SendTest(*config, *channel)) {
    if (verdict.outcome != notify::Verdict::Outcome::kDelivered) {
      return base::Status::Unavailable("the test did not arrive on " + name + ": " + verdict.why);
    }
    std::printf("%s: delivered: %s\n", name.c_str(), verdict.why.c_str());
  }
  return {};
}

}  // namespace rankscope::cli
