#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/ranks/order_answers.h"
#include "agent/ranks/rings.h"
#include "agent/ranks/stack_dump.h"

namespace rankscope::agent {

// The orders that want the stacks of the ranks of this node: `stack` records, and answers to the server. One thread.
class StackOrders {
 public:
  // `scratch`: a folder.
  StackOrders(const RunConfig& config, std::string scratch, SendAnswer answer);

  // False: the server asks again for what is taken or under way, and has been told so.
  bool Begin(const model::JobOrder& order, const std::map<int32_t, Rings::LiveRank>& ranks, int64_t now_ns);
  void Look(int64_t now_ns);
  std::vector<model::Record> Drain() { return std::exchange(records_, {}); }

 private:
  struct Dump {
    model::JobOrder order;
    model::Origin origin;
    model::Fields memory;
    StackDump stacks;
  };

  bool SayAgain(const model::JobOrder& order) const;
  void Say(const Dump& dump);
  void AddStack(const Dump& dump, const std::string& frame);

  const RunConfig config_;
  const std::string scratch_;
  const SendAnswer answer_;
  std::list<Dump> dumps_;
  std::deque<model::JobAnswer> taken_;  // what was said of the last stacks: a server that begins again is told it again
  std::vector<model::Record> records_;
};

}  // namespace rankscope::agent
