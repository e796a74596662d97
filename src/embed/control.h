#ifndef RANKSCOPE_EMBED_CONTROL_H
#define RANKSCOPE_EMBED_CONTROL_H

#include "embed/ring_layout.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The rank's side of the control block. One thread at a time, but for the last two. */

/* What a process remembers of its waiting. */
typedef struct {
  uint64_t number;  /* of the order that it waits for, or has waited for */
  int64_t began_ns; /* CLOCK_MONOTONIC; 0: it does not wait */
  uint64_t left;    /* the order that it does not wait for any more */
  uint32_t level;   /* as last heeded */
} rankscope_waiter;

void rankscope_control_begin(rankscope_control* control, int worker);
/* The process begins or tells this step; RANKSCOPE_NO_STEP is none. `back`: also one that is lower than before. Not 0:
 * heed. */
int rankscope_control_arrive(rankscope_control* control, rankscope_waiter* waiter, int64_t step, int back);
/* One of enum rankscope_told. `ends`: whoever asks ends where it is told to stop, which is said. */
int rankscope_control_heed(rankscope_control* control, rankscope_waiter* waiter, int ends);

int rankscope_control_raised(rankscope_control* control);
void rankscope_control_mark(rankscope_control* control, uint32_t trait);

#ifdef __cplusplus
}
#endif
#endif
