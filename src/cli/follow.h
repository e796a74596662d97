#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace rankscope::cli {

struct FollowOptions {
  std::string server;             // HOST:PORT
  std::string query;              // a filter
  uint64_t last = 10;             // of what there is already
  int64_t give_up_after_s = 300;  // without an answer; 0: never
  // Where the server is when it has gone: one that ends itself comes back on another port.
  std::function<base::Result<std::string>()> find_again;
};

// `take` gets the JSON of each record as it comes, `idle` is called about once a second; both may stop by returning
// false. A server that goes away is waited for, which is said on standard error, and then the rest comes: nothing
// twice, nothing left out. Its error once it does not come back in time.
base::Status Follow(const FollowOptions& options, const std::function<bool(std::string_view)>& take,
                    const std::function<bool()>& idle);

}  // namespace rankscope::cli
