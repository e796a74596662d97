#include "agent/ranks/stack_orders.h"

#include "agent/ranks/rank_memory.h"
#include "base/clock.h"

namespace rankscope::agent {
namespace {

constexpr size_t kMostTaken = 1024;  // ranks

}  // namespace

StackOrders::StackOrders(const RunConfig& config, std::string scratch, SendAnswer answer)
    : config_(config), scratch_(std::move(scratch)), answer_(std::move(answer)) {}

bool StackOrders::Begin(const model::JobOrder& order, const std::map<int32_t, Rings::LiveRank>& ranks, int64_t now_ns) {
  if (SayAgain(order)) return false;
  model::JobAnswer answer = AnswerTo(order, config_);
  for (const auto& [rank, live] : ranks) {
    dumps_.push_back({order, live.origin, MemoryOf(live.ring->pid(), rank), StackDump(config_.rings, scratch_)});
    dumps_.back().stacks.Begin(*live.ring, now_ns);
    model::RankAnswer asked;
    asked.rank = rank;
    asked.outcome = "asked";
    answer.ranks.push_back(std::move(asked));
  }
  answer_(std::move(answer));
  return true;
}

void StackOrders::Look(int64_t now_ns) {
  dumps_.remove_if([&](Dump& dump) {
    bool over = dump.stacks.Look(now_ns);
    if (over) Say(dump);
    return over;
  });
}

void StackOrders::Say(const Dump& dump) {
  const StackDump& stacks = dump.stacks;
  bool captured = stacks.failure().empty();
  model::RankAnswer said;
  said.rank = dump.origin.rank.value_or(0);
  said.outcome = captured ? "captured" : "cannot";
  said.detail = captured ? InnermostFrame(stacks.text()) : stacks.failure();
  records_.push_back(ActionEvent(dump.order, dump.origin, said.outcome, std::nullopt, said.detail));
  if (captured) AddStack(dump, said.detail);
  model::JobAnswer answer = AnswerTo(dump.order, config_);
  answer.ranks.push_back(std::move(said));
  taken_.push_back(answer);
  if (taken_.size() > kMostTaken) taken_.pop_front();
  answer_(std::move(answer));
}

void StackOrders::AddStack(const Dump& dump, const std::string& frame) {
  model::Record record;
  record.origin = dump.origin;
  record.stream = model::Stream::kStack;
  record.time = base::WallNow();
  record.text = dump.stacks.text();
  record.fields = {{"action_id", dump.order.action}, {"method", dump.stacks.method()}, {"frame", frame}};
  record.fields.insert(record.fields.end(), dump.memory.begin(), dump.memory.end());
  records_.push_back(std::move(record));
}

// Whether its stacks are taken already, or about to be.
bool StackOrders::SayAgain(const model::JobOrder& order) const {
  model::JobAnswer asked = AnswerTo(order, config_), taken = asked;
  auto ask = [&](int32_t rank) {
    asked.ranks.emplace_back().rank = rank;
    asked.ranks.back().outcome = "asked";
  };
  for (const Dump& dump : dumps_) {
    if (dump.order.action == order.action) ask(dump.origin.rank.value_or(0));
  }
  for (const model::JobAnswer& answer : taken_) {
    if (answer.action != order.action) continue;
    ask(answer.ranks.front().rank);
    taken.ranks.push_back(answer.ranks.front());
  }
  if (asked.ranks.empty()) return false;
  answer_(std::move(asked));
  if (!taken.ranks.empty()) answer_(std::move(taken));
  return true;
}

}  // namespace rankscope::agent
