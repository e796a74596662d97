#define _GNU_SOURCE
#include "embed/control.h"

#include <time.h>

#include "embed/rankscope_embed.h"

/* An agent looks many times a second. One that was killed has a successor within a second or two. */
static const int64_t kAgentGoneNs = 15000000000;

static int64_t Now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

typedef struct {
  uint64_t number;
  int kind;
  int64_t at_step, limit_ns;
} Order;

/* One that is being changed while it is read is read again. */
static Order Load(const rankscope_control* control) {
  Order order;
  uint64_t word = __atomic_load_n(&control->order, __ATOMIC_SEQ_CST);
  for (;;) {
    order.at_step = __atomic_load_n(&control->at_step, __ATOMIC_SEQ_CST);
    order.limit_ns = (int64_t)__atomic_load_n(&control->limit_ms, __ATOMIC_SEQ_CST) * 1000000;
    uint64_t again = __atomic_load_n(&control->order, __ATOMIC_SEQ_CST);
    if (again == word) break;
    word = again;
  }
  order.number = word >> 8;
  order.kind = (int)(word & 0xff);
  return order;
}

static int IsDue(const rankscope_control* control, const rankscope_waiter* waiter, const Order* order) {
  return order->kind != RANKSCOPE_GO && order->number != waiter->left && control->passed_step >= order->at_step;
}

static void Say(rankscope_control* control, uint64_t number, int state) {
  __atomic_store_n(&control->state, number << 8 | (uint64_t)state, __ATOMIC_SEQ_CST);
}

void rankscope_control_begin(rankscope_control* control, int worker) {
  control->passed_step = RANKSCOPE_NO_STEP;
  control->traits = worker ? RANKSCOPE_IS_WORKER : 0;
  __atomic_store_n(&control->version, RANKSCOPE_CONTROL_VERSION, __ATOMIC_RELEASE);
}

void rankscope_control_mark(rankscope_control* control, uint32_t trait) {
  __atomic_fetch_or(&control->traits, trait, __ATOMIC_SEQ_CST);
}

/* The step is stored before the order is looked at, and the agent does it the other way round: either it sees that the
 * step is passed, or we see the order. */
int rankscope_control_arrive(rankscope_control* control, rankscope_waiter* waiter, int64_t step, int back) {
  int heed = control->level != waiter->level;
  if (!(control->traits & RANKSCOPE_MAY_PAUSE) || step == RANKSCOPE_NO_STEP) return heed;
  if (step == control->passed_step || (step < control->passed_step && !back)) return heed;
  __atomic_store_n(&control->passed_step, step, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&control->order, __ATOMIC_SEQ_CST) == 0) return heed;
  Order order = Load(control);
  return heed || IsDue(control, waiter, &order);
}

static int Wait(rankscope_control* control, rankscope_waiter* waiter, const Order* order) {
  int64_t now = Now();
  if (waiter->began_ns == 0 || waiter->number != order->number) {
    waiter->number = order->number;
    waiter->began_ns = now;
  }
  int agent_is_gone = now - __atomic_load_n(&control->beat_ns, __ATOMIC_ACQUIRE) > kAgentGoneNs;
  int too_long = now - waiter->began_ns > order->limit_ns;
  Say(control, order->number, agent_is_gone || too_long ? RANKSCOPE_LEFT : RANKSCOPE_WAITING);
  if (!agent_is_gone && !too_long) return RANKSCOPE_WAIT;
  waiter->left = order->number;
  waiter->began_ns = 0;
  return RANKSCOPE_GO_ON;
}

int rankscope_control_heed(rankscope_control* control, rankscope_waiter* waiter, int ends) {
  waiter->level = __atomic_load_n(&control->level, __ATOMIC_RELAXED);
  if (!(control->traits & RANKSCOPE_MAY_PAUSE)) return RANKSCOPE_GO_ON;
  Order order = Load(control);
  int due = IsDue(control, waiter, &order);
  if (due && order.kind != RANKSCOPE_END) return Wait(control, waiter, &order);
  waiter->began_ns = 0;
  if (due && ends) Say(control, order.number, RANKSCOPE_ENDING);
  if (!(due && ends) && (control->state & 0xff) == RANKSCOPE_WAITING) Say(control, control->state >> 8, RANKSCOPE_GOING);
  return due ? RANKSCOPE_STOP : RANKSCOPE_GO_ON;
}

int rankscope_control_raised(rankscope_control* control) {
  if (!(control->traits & RANKSCOPE_MAY_PAUSE)) return RANKSCOPE_GO_ON;
  rankscope_control_mark(control, RANKSCOPE_HAS_RAISED);
  int kind = Load(control).kind;
  int agent_is_gone = Now() - __atomic_load_n(&control->beat_ns, __ATOMIC_ACQUIRE) > kAgentGoneNs;
  return !agent_is_gone && (kind == RANKSCOPE_PREPARE || kind == RANKSCOPE_HOLD) ? RANKSCOPE_WAIT : RANKSCOPE_GO_ON;
}
