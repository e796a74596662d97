#include "wire/order_protocol.h"

#include <algorithm>

namespace rankscope::wire {
namespace {

void ToProto(const model::JobOrder& from, v1::Order* to) {
  to->set_action(from.action);
  to->set_kind(static_cast<uint32_t>(from.kind));
  if (from.step) to->set_step(*from.step);
  to->set_limit_ms(from.limit_ms);
  to->set_interval(from.interval);
  to->set_level(from.level);
  to->set_reason(from.reason);
  to->set_name(from.name);
}

// A kind of a later version is none that we know.
model::JobOrder::Kind KindOf(uint32_t number) {
  auto last = static_cast<uint32_t>(model::JobOrder::Kind::kInterval);
  return static_cast<model::JobOrder::Kind>(number <= last ? number : 0);
}

model::JobOrder FromProto(const v1::Order& from) {
  model::JobOrder to;
  to.action = from.action();
  to.kind = KindOf(from.kind());
  if (from.has_step()) to.step = from.step();
  to.limit_ms = from.limit_ms();
  to.interval = from.interval();
  to.level = from.level();
  to.reason = from.reason();
  to.name = from.name();
  return to;
}

void ToProto(const model::RankAnswer& from, v1::RankAnswer* to) {
  to->set_rank(from.rank);
  to->set_outcome(from.outcome);
  if (from.step) to->set_step(*from.step);
  to->set_collective_timeout_s(from.collective_timeout_s);
  to->set_detail(from.detail);
  to->set_end(static_cast<uint32_t>(from.end));
  to->set_step_ns(static_cast<uint64_t>(from.step_ns));
  to->set_at_step_ns(static_cast<uint64_t>(from.at_step_ns));
}

model::RankAnswer::End EndOf(uint32_t number) {
  auto last = static_cast<uint32_t>(model::RankAnswer::End::kSaves);
  return static_cast<model::RankAnswer::End>(std::min(number, last));
}

// What is no time is told as none.
int64_t TimeOf(uint64_t ns) { return ns <= INT64_MAX ? static_cast<int64_t>(ns) : 0; }

model::RankAnswer FromProto(const v1::RankAnswer& from) {
  model::RankAnswer to;
  to.rank = from.rank();
  to.outcome = from.outcome();
  if (from.has_step()) to.step = from.step();
  to.collective_timeout_s = from.collective_timeout_s();
  to.detail = from.detail();
  to.end = EndOf(from.end());
  to.step_ns = TimeOf(from.step_ns());
  to.at_step_ns = TimeOf(from.at_step_ns());
  return to;
}

}  // namespace

void ToProto(const Command& from, v1::Command* to) {
  to->set_log_interval_steps(from.log_interval_steps);
  to->set_alert(from.alert);
  if (from.order) ToProto(*from.order, to->mutable_order());
}

Command FromProto(const v1::Command& from) {
  Command to{from.log_interval_steps(), from.alert()};
  if (from.has_order()) to.order = FromProto(from.order());
  return to;
}

void ToProto(const model::JobAnswer& from, v1::Answer* to) {
  to->set_action(from.action);
  to->set_kind(static_cast<uint32_t>(from.kind));
  if (from.order_step) to->set_order_step(*from.order_step);
  to->set_host(from.host);
  if (from.node_rank) to->set_node_rank(*from.node_rank);
  for (const model::RankAnswer& rank : from.ranks) ToProto(rank, to->add_ranks());
}

model::JobAnswer FromProto(const v1::Answer& from) {
  model::JobAnswer to;
  to.action = from.action();
  to.kind = KindOf(from.kind());
  if (from.has_order_step()) to.order_step = from.order_step();
  to.host = from.host();
  if (from.has_node_rank()) to.node_rank = from.node_rank();
  for (const v1::RankAnswer& rank : from.ranks()) to.ranks.push_back(FromProto(rank));
  return to;
}

}  // namespace rankscope::wire
