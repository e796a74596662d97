#pragma once

#include <optional>
#include <string>

#include "notify/sender.h"
#include "notify/update.h"

namespace rankscope::notify {

// The incident that a channel is in trouble, which is told on another channel.
std::string TroubleId(const std::string& channel);

// What is to be told of the channel: that it has failed for ten minutes, or has refused a message; and once it has
// delivered one again, that it works. `fires`: the trouble is known, and no end of it. Nothing: there is no news.
std::optional<Update> TroubleOf(const ChannelStatus& status, bool fires, base::TimeNs now);

}  // namespace rankscope::notify
