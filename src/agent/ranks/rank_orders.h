#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/ranks/order_answers.h"
#include "agent/ranks/rank_control.h"
#include "agent/ranks/rank_pace.h"
#include "agent/ranks/rings.h"
#include "agent/ranks/stack_orders.h"
#include "agent/run_directory.h"
#include "model/job_order.h"
#include "model/record.h"

namespace rankscope::agent {

// What the server asks of the ranks of this node, carried to their control blocks, and what comes of it: answers to the
// server, and records for the job's own streams. Ranks that wait go on 30 s after the server was last there. One
// thread.
class RankOrders {
 public:
  // `rings` outlives this. `scratch`: a folder.
  RankOrders(const RunConfig& config, std::string scratch, Rings* rings, const SendAnswer& answer);

  void Take(const model::JobOrder& order, int64_t now_ns);
  // Often: tells the ranks that we are there, and looks how far they have come.
  void Look(int64_t now_ns, bool server_is_there);
  // What has happened since the last call: `event` records of actions, and stacks.
  std::vector<model::Record> Drain();
  // Whether the state of the node is of interest, apart from its time; once.
  bool WantsSamples() { return std::exchange(wants_samples_, false); }

 private:
  // An order that a rank has still something to say to.
  struct Open {
    model::JobOrder order;
    model::Origin origin;
    uint64_t number = 0;
    rankscope_rank_state said = RANKSCOPE_GOING;
  };
  using LiveRank = Rings::LiveRank;

  model::RankAnswer Ask(const model::JobOrder& order, int32_t rank, const LiveRank& live);
  std::string Prepare(const model::JobOrder& order, int32_t rank, const LiveRank& live);
  std::string Hold(const model::JobOrder& order, int32_t rank, RankControl control);
  std::string Release(const model::JobOrder& order, int32_t rank, const LiveRank& live);
  std::string End(const model::JobOrder& order, int32_t rank, const LiveRank& live);
  void LookAtPaces(const std::map<int32_t, LiveRank>& ranks, int64_t now_ns);
  void LookAtRanks(const std::map<int32_t, LiveRank>& ranks);
  void SayHowFar(const std::map<int32_t, LiveRank>& ranks, int64_t now_ns);
  void Describe(int32_t rank, const LiveRank& live, model::RankAnswer* answer) const;
  void LetGo(const std::map<int32_t, LiveRank>& ranks);
  void Say(const Open& open, const std::string& outcome, const LiveRank* live);
  void Record(const model::JobOrder& order, const model::Origin& origin, const std::string& outcome,
              std::optional<int64_t> step, const std::string& detail);

  const RunConfig config_;
  Rings* rings_;
  const SendAnswer answer_;
  StackOrders stacks_;
  std::map<int32_t, Open> open_;       // by rank
  std::map<int32_t, RankPace> paces_;  // by rank
  std::vector<model::Record> records_;
  int64_t server_seen_ns_ = 0, looked_ns_ = 0, said_how_far_ns_ = 0;
  bool wants_samples_ = false;
};

}  // namespace rankscope::agent
