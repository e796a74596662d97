#include "agent/ranks/rank_orders.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <string_view>

#include "base/clock.h"

namespace rankscope::agent {
namespace {

using Kind = model::JobOrder::Kind;

constexpr int64_t kWithoutServerNs = 30 * base::kNsPerSecond;
constexpr int64_t kSayHowFarNs = base::kNsPerSecond;
constexpr uint32_t kPreparedMs = 30'000;  // so long a rank waits for what comes of a kPrepare
constexpr int64_t kAtOnce = std::numeric_limits<int64_t>::min() + 1;

// By Python's numbers; 0: not a level.
uint32_t LevelNumber(std::string_view name) {
  if (name == "DEBUG") return 10;
  if (name == "INFO") return 20;
  if (name == "WARNING") return 30;
  return name == "ERROR" ? 40 : 0;
}

std::string Outcome(rankscope_rank_state state) {
  switch (state) {
    case RANKSCOPE_WAITING:
      return "held";
    case RANKSCOPE_LEFT:
      return "left";
    case RANKSCOPE_ENDING:
      return "ending";
    case RANKSCOPE_GOING:
      break;
  }
  return "going";
}

}  // namespace

RankOrders::RankOrders(const RunConfig& config, std::string scratch, Rings* rings, const SendAnswer& answer)
    : config_(config), rings_(rings), answer_(answer), stacks_(config, std::move(scratch), answer) {}

void RankOrders::Take(const model::JobOrder& order, int64_t now_ns) {
  auto ranks = rings_->LiveRanks();
  if (order.kind == Kind::kStacks) {
    wants_samples_ = stacks_.Begin(order, ranks, now_ns) || wants_samples_;
    return;
  }
  model::JobAnswer answer = AnswerTo(order, config_);
  for (const auto& [rank, live] : ranks) {
    model::RankAnswer said = Ask(order, rank, live);
    if (!said.outcome.empty()) answer.ranks.push_back(std::move(said));
  }
  answer_(std::move(answer));
}

// An empty outcome: it follows, from Look.
model::RankAnswer RankOrders::Ask(const model::JobOrder& order, int32_t rank, const LiveRank& live) {
  RankControl control = live.ring->control();
  model::RankAnswer answer;
  answer.rank = rank;
  answer.outcome = "cannot";
  if (!control.speaks()) {
    answer.detail = "its process has an older rankscope";
  } else if (order.kind == Kind::kPrepare) {
    answer.outcome = Prepare(order, rank, live);
  } else if (order.kind == Kind::kHold) {
    answer.outcome = Hold(order, rank, control);
  } else if (order.kind == Kind::kGo) {
    answer.outcome = Release(order, rank, live);
  } else if (order.kind == Kind::kEnd) {
    answer.outcome = End(order, rank, live);
  } else if (uint32_t level = LevelNumber(order.level); order.kind == Kind::kLevel && level > 0) {
    control.SetLevel(level);
    answer.outcome = "set";
  } else if (order.kind == Kind::kInterval) {
    answer.outcome = "set";  // by the command that came with it
  } else {
    answer.detail = "this agent does not know how";
  }
  if (answer.outcome == "set") Record(order, live.origin, "set", control.passed_step(), "");
  Describe(rank, live, &answer);
  return answer;
}

void RankOrders::Describe(int32_t rank, const LiveRank& live, model::RankAnswer* answer) const {
  RankControl control = live.ring->control();
  answer->step = control.passed_step();
  answer->collective_timeout_s = control.collective_timeout_s();
  answer->end = control.end();
  auto pace = paces_.find(rank);
  if (pace == paces_.end()) return;
  answer->step_ns = pace->second.step_ns();
  answer->at_step_ns = pace->second.at_step_ns(looked_ns_);
}

// The order is written before the rank's step is looked at (embed/control.c).
std::string RankOrders::Prepare(const model::JobOrder& order, int32_t rank, const LiveRank& live) {
  RankControl control = live.ring->control();
  if (!control.may_pause()) return "not_allowed";
  int64_t step = order.step.value_or(kAtOnce);
  open_[rank] = {order, live.origin, control.Order(RANKSCOPE_PREPARE, step, kPreparedMs)};
  if (control.has_raised()) return "raised";
  auto passed = control.passed_step();
  if (!passed) return "no_step";
  return *passed >= step ? "late" : "ready";
}

std::string RankOrders::Hold(const model::JobOrder& order, int32_t rank, RankControl control) {
  auto open = open_.find(rank);
  if (open == open_.end() || open->second.order.action != order.action) return "cannot";
  control.Change(open->second.number, RANKSCOPE_HOLD, order.limit_ms);
  open->second.order = order;
  return {};
}

std::string RankOrders::Release(const model::JobOrder& order, int32_t rank, const LiveRank& live) {
  RankControl control = live.ring->control();
  auto open = open_.find(rank);
  bool waited = open != open_.end() && control.StateOf(open->second.number) == RANKSCOPE_WAITING;
  if (open != open_.end()) open_.erase(open);
  control.Order(RANKSCOPE_GO, kAtOnce, 0);
  if (waited) Record(order, live.origin, "resumed", control.passed_step(), "");
  return waited ? "resumed" : "going";
}

std::string RankOrders::End(const model::JobOrder& order, int32_t rank, const LiveRank& live) {
  RankControl control = live.ring->control();
  if (!control.may_pause()) return "not_allowed";
  auto open = open_.find(rank);
  if (open != open_.end() && open->second.order.action == order.action && order.step == open->second.order.step) {
    control.Change(open->second.number, RANKSCOPE_END, 0);
    open->second.order = order;
  } else {
    open_[rank] = {order, live.origin, control.Order(RANKSCOPE_END, order.step.value_or(kAtOnce), 0)};
  }
  return control.has_raised() ? "raised" : "";
}

void RankOrders::Look(int64_t now_ns, bool server_is_there) {
  if (server_is_there || server_seen_ns_ == 0) server_seen_ns_ = now_ns;
  auto ranks = rings_->LiveRanks();
  for (const auto& [rank, live] : ranks) {
    RankControl control = live.ring->control();
    if (control.speaks()) control.Beat(now_ns);
  }
  if (now_ns - server_seen_ns_ > kWithoutServerNs) LetGo(ranks);
  LookAtPaces(ranks, now_ns);
  LookAtRanks(ranks);
  SayHowFar(ranks, now_ns);
  stacks_.Look(now_ns);
}

void RankOrders::LookAtPaces(const std::map<int32_t, LiveRank>& ranks, int64_t now_ns) {
  looked_ns_ = now_ns;
  std::erase_if(paces_, [&](const auto& pace) { return ranks.count(pace.first) == 0; });
  for (const auto& [rank, live] : ranks) {
    RankControl control = live.ring->control();
    if (control.speaks()) paces_[rank].Look(control.passed_step(), control.waits(), now_ns);
  }
}

// Of the ranks that are still on their way to where they are to wait or end, so that who is stuck can be named.
void RankOrders::SayHowFar(const std::map<int32_t, LiveRank>& ranks, int64_t now_ns) {
  if (now_ns - said_how_far_ns_ < kSayHowFarNs) return;
  said_how_far_ns_ = now_ns;
  std::map<std::pair<std::string, Kind>, model::JobAnswer> answers;
  for (const auto& [rank, open] : open_) {
    auto live = ranks.find(rank);
    if (open.order.kind == Kind::kPrepare || open.said != RANKSCOPE_GOING || live == ranks.end()) continue;
    auto [answer, is_new] = answers.try_emplace({open.order.action, open.order.kind});
    if (is_new) answer->second = AnswerTo(open.order, config_);
    model::RankAnswer going;
    going.rank = rank;
    going.outcome = "going";
    Describe(rank, live->second, &going);
    answer->second.ranks.push_back(std::move(going));
  }
  for (auto& [order, answer] : answers) answer_(std::move(answer));
}

void RankOrders::LookAtRanks(const std::map<int32_t, LiveRank>& ranks) {
  for (auto entry = open_.begin(); entry != open_.end();) {
    Open& open = entry->second;
    auto live = ranks.find(entry->first);
    if (live == ranks.end() || live->second.ring->writer_gone()) {
      Say(open, "ended", nullptr);
      entry = open_.erase(entry);
      continue;
    }
    rankscope_rank_state state = live->second.ring->control().StateOf(open.number);
    bool is_news = state != open.said && state != RANKSCOPE_GOING && open.order.kind != Kind::kPrepare;
    if (is_news) {
      open.said = state;
      Say(open, Outcome(state), &live->second);
    }
    ++entry;
  }
}

// They would wait for somebody who may never come again.
void RankOrders::LetGo(const std::map<int32_t, LiveRank>& ranks) {
  for (auto entry = open_.begin(); entry != open_.end();) {
    auto live = ranks.find(entry->first);
    if (entry->second.order.kind == Kind::kEnd || live == ranks.end()) {
      ++entry;
      continue;
    }
    live->second.ring->control().Order(RANKSCOPE_GO, kAtOnce, 0);
    Record(entry->second.order, entry->second.origin, "left", live->second.ring->control().passed_step(),
           "no word from the server for 30 s");
    entry = open_.erase(entry);
  }
}

void RankOrders::Say(const Open& open, const std::string& outcome, const LiveRank* live) {
  model::RankAnswer said;
  said.rank = open.origin.rank.value_or(0);
  said.outcome = outcome;
  if (live) Describe(said.rank, *live, &said);
  if (outcome == "ending") {
    said.detail = said.end == model::RankAnswer::End::kSaves ? "with a checkpoint" : "what it saves is its own affair";
  }
  Record(open.order, open.origin, outcome, said.step, said.detail);
  model::JobAnswer answer = AnswerTo(open.order, config_);
  answer.ranks.push_back(std::move(said));
  answer_(std::move(answer));
}

std::vector<model::Record> RankOrders::Drain() {
  std::vector<model::Record> records = std::exchange(records_, {}), stacks = stacks_.Drain();
  records.insert(records.end(), std::make_move_iterator(stacks.begin()), std::make_move_iterator(stacks.end()));
  return records;
}

void RankOrders::Record(const model::JobOrder& order, const model::Origin& origin, const std::string& outcome,
                        std::optional<int64_t> step, const std::string& detail) {
  records_.push_back(ActionEvent(order, origin, outcome, step, detail));
}

}  // namespace rankscope::agent
