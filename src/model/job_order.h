#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rankscope::model {

// What the server asks of the ranks of a running job, by way of their agents. docs/actions.md
struct JobOrder {
  enum class Kind : uint8_t {
    kNone = 0,
    kPrepare = 1,   // wait before `step`, if it is not begun; what follows is kHold, kGo, kEnd or another kPrepare
    kHold = 2,      // wait there, for `limit_ms` at most
    kGo = 3,        // wait no longer
    kEnd = 4,       // save and end at `step`; without one at the next
    kStacks = 5,    // say where you are
    kLevel = 6,     // log from `level` on
    kInterval = 7,  // one metric record per `interval` steps
  };
  std::string action;  // its id
  std::string name;    // pause_job, …
  Kind kind = Kind::kNone;
  std::optional<int64_t> step;
  uint32_t limit_ms = 0;
  uint32_t interval = 0;
  std::string level;
  std::string reason;  // for people: who wants it and why
};

// What one rank answers. The words are the same here, in the event records and at every door.
//   kPrepare  ready | late (it is at `step`) | no_step | not_allowed | raised
//   kHold     held, when it waits | left, when it gave up | going, once a second until then
//   kGo       resumed (it waited) | going
//   kEnd      ending, when it has been told | going, once a second until then
//   kStacks   asked, at once; then captured | cannot
//   kLevel, kInterval   set | cannot
// and of any: cannot, where the process knows nothing of orders; ended, where it is gone.
struct RankAnswer {
  // What the rank does where it is told to end.
  enum class End : uint8_t {
    kGoesOn = 0,  // its loop does not ask
    kEnds = 1,    // whether it saves is the script's own affair
    kSaves = 2,   // and ends, whatever the script does
  };
  int32_t rank = 0;
  std::string outcome;
  std::optional<int64_t> step;        // the last that it has begun or told
  uint32_t collective_timeout_s = 0;  // 0: not known
  std::string detail;
  End end = End::kGoesOn;
  int64_t step_ns = 0;     // how long a step usually takes; 0: not known
  int64_t at_step_ns = 0;  // so long it has been at its step
};

// An agent's answer to an order; further ones follow as its ranks get there. One without ranks: there are none here.
struct JobAnswer {
  std::string action;
  JobOrder::Kind kind = JobOrder::Kind::kNone;
  std::optional<int64_t> order_step;  // the order's
  std::string host;
  std::optional<int32_t> node_rank;
  std::vector<RankAnswer> ranks;
};

}  // namespace rankscope::model
