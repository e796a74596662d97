#pragma once

#include <vector>

#include "notify/channel.h"

namespace rankscope::notify {

// Sends a test on the channel, at once and without the delivery log; and where something stays open on its other end,
// the end of it. Blocks. The verdicts of the messages, without secrets.
std::vector<Verdict> SendTest(const Config& config, const Channel& channel);

}  // namespace rankscope::notify
