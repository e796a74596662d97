#pragma once

#include <atomic>

#include "notify/channel.h"

namespace rankscope::notify {

// Sends the request and waits for what comes back, up to the channel's time-out; blocks. Once `*stop` is true it gives
// up within a second. Certificates are checked, redirects are not followed, proxies are those of the environment.
// Any thread.
Answer Send(const Channel& channel, const Request& request, const std::atomic<bool>* stop = nullptr);

}  // namespace rankscope::notify
