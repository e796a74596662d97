#include "agent/ranks/rank_control.h"

#include <algorithm>

#include "embed/rankscope_embed.h"

namespace rankscope::agent {
namespace {

template <typename T>
T Load(const T& field) {
  return __atomic_load_n(&field, __ATOMIC_SEQ_CST);
}

template <typename T>
void Store(T* field, T value) {
  __atomic_store_n(field, value, __ATOMIC_SEQ_CST);
}

uint64_t Word(uint64_t number, rankscope_order_kind kind) { return number << 8 | static_cast<uint64_t>(kind); }

}  // namespace

bool RankControl::speaks() const { return Load(block_->version) != 0; }
bool RankControl::Has(rankscope_trait trait) const { return speaks() && (Load(block_->traits) & trait) != 0; }
uint32_t RankControl::collective_timeout_s() const { return Load(block_->collective_timeout_s); }
int RankControl::stack_signal() const { return static_cast<int>(Load(block_->stack_signal)); }

model::RankAnswer::End RankControl::end() const {
  using End = model::RankAnswer::End;
  if (!Has(RANKSCOPE_CAN_END)) return End::kGoesOn;
  return Has(RANKSCOPE_SAVES) ? End::kSaves : End::kEnds;
}

std::optional<int64_t> RankControl::passed_step() const {
  int64_t step = Load(block_->passed_step);
  return step == RANKSCOPE_NO_STEP ? std::nullopt : std::optional<int64_t>(step);
}

// The rank reads the order again where it has changed meanwhile; in between there is none.
uint64_t RankControl::Order(rankscope_order_kind kind, int64_t at_step, uint32_t limit_ms) {
  uint64_t number = std::max(Load(block_->order) >> 8, Load(block_->state) >> 8) + 1;
  Store(&block_->order, Word(number, RANKSCOPE_GO));
  Store(&block_->at_step, at_step);
  Store(&block_->limit_ms, limit_ms);
  Store(&block_->order, Word(number, kind));
  return number;
}

void RankControl::Change(uint64_t number, rankscope_order_kind kind, uint32_t limit_ms) {
  Store(&block_->limit_ms, limit_ms);
  Store(&block_->order, Word(number, kind));
}

rankscope_rank_state RankControl::StateOf(uint64_t number) const {
  uint64_t state = Load(block_->state);
  bool known = state >> 8 == number && (state & 0xff) <= RANKSCOPE_LEFT;
  return known ? static_cast<rankscope_rank_state>(state & 0xff) : RANKSCOPE_GOING;
}

bool RankControl::waits() const { return (Load(block_->state) & 0xff) == RANKSCOPE_WAITING; }

void RankControl::Beat(int64_t monotonic_ns) { Store(&block_->beat_ns, monotonic_ns); }
void RankControl::SetLevel(uint32_t level) { Store(&block_->level, level); }

}  // namespace rankscope::agent
