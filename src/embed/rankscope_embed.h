/* Metrics and events out of a training process, in C.
 *
 * A handle is a ring in shared memory that the node's agent maps too: a call copies a few numbers and returns; it makes
 * no system call, takes no lock that another process holds, and starts nothing. What was logged before a SIGKILL is
 * read by the agent. Depends on libc only.
 *
 * Threads: a handle may be used from any thread, not from signal handlers. After fork() the child's calls do nothing
 * and return -ECHILD: data-loader workers are inert. Errors: 0 or a positive result on success, else -errno. */
#ifndef RANKSCOPE_EMBED_H
#define RANKSCOPE_EMBED_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RANKSCOPE_API __attribute__((visibility("default")))
#define RANKSCOPE_NO_STEP INT64_MIN /* "the current step": the last one logged or set, if any */

typedef struct rankscope_handle rankscope_handle;

typedef struct {
  size_t size;                 /* sizeof(rankscope_options): later versions append */
  const char* directory;       /* where rings lie; NULL: $RANKSCOPE_RINGS, set by `rankscope run` */
  uint32_t log_interval_steps; /* one metric record per so many steps; 0: $RANKSCOPE_LOG_INTERVAL_STEPS, else 10 */
  uint32_t ring_bytes;         /* a power of two; 0: 1 MiB */
  int worker;                  /* not 0: a helper of the rank's process, which is asked for nothing */
} rankscope_options;

/* Creates this process's ring. `options` may be NULL. Who the process is (rank, attempt, …) the agent reads from a
 * copy of the launcher's environment variables. -ENOENT: there is no directory, so no agent; use a NULL handle: every
 * call takes one and does nothing. */
RANKSCOPE_API int rankscope_open(const rankscope_options* options, rankscope_handle** out);

/* Flushes the open window and says that no more comes. NULL is fine. */
RANKSCOPE_API void rankscope_close(rankscope_handle* handle);

/* The id of a field, for rankscope_log: look it up once. At most 512 names of at most 63 bytes: -ENOSPC,
 * -ENAMETOOLONG. The names of frameworks (lr, grad_norm) are mapped to the canonical ones by the agent. */
RANKSCOPE_API int rankscope_field(rankscope_handle* handle, const char* name, size_t length);

#define RANKSCOPE_HEED 1 /* something is asked of the rank: call rankscope_heed now */

/* Values of one step, or none: then it is only told. They go into the open window, which becomes a record (last, min,
 * max, mean of each field) every log_interval_steps steps or 10 s, and at once when a value is NaN, infinite or far
 * from its run so far. -ENOSPC: the ring is full and the window's record was dropped and counted. RANKSCOPE_HEED: with
 * the first values of a step, where a job that lets itself be held waits. */
RANKSCOPE_API int rankscope_log(rankscope_handle* handle, int64_t step, const uint32_t* fields, const double* values,
                                size_t count);

/* A record of its own: a flat JSON object (DESIGN.md section 3; `msg`, `level` and any field) for stream "metric",
 * "batch" or "event". -EMSGSIZE: more than a quarter of the ring. */
RANKSCOPE_API int rankscope_record(rankscope_handle* handle, const char* stream, int64_t step, const char* json,
                                   size_t length);

/* The step that RANKSCOPE_NO_STEP stands for. Call it between steps; RANKSCOPE_HEED as above. */
RANKSCOPE_API int rankscope_set_step(rankscope_handle* handle, int64_t step);

/* What the agent or the server set last. */
RANKSCOPE_API uint32_t rankscope_log_interval_steps(const rankscope_handle* handle);
RANKSCOPE_API void rankscope_set_log_interval_steps(rankscope_handle* handle, uint32_t steps);

/* Pausing: people or a rule may have all ranks wait before the same step, and go on or end there. A rank waits of its
 * own accord, between two steps, where it calls rankscope_log or rankscope_set_step with a new step:
 *
 *   if (rankscope_set_step(handle, step) == RANKSCOPE_HEED)
 *     while ((told = rankscope_heed(handle)) == RANKSCOPE_WAIT) usleep(20000);
 *
 * It waits no longer than it was told, and 15 s where the agent is gone. */
enum rankscope_told { RANKSCOPE_GO_ON = 0, RANKSCOPE_WAIT = 1, RANKSCOPE_STOP = 2 /* end; save before */ };

/* Without this nothing makes the rank wait or end. */
RANKSCOPE_API void rankscope_allow_pause(rankscope_handle* handle);
/* The loop ends where it is told to stop: no job is told to that has a rank which has not said this. `saves`: a
 * checkpoint is saved with that in any case. */
RANKSCOPE_API void rankscope_can_end(rankscope_handle* handle, int saves);
/* One of enum rankscope_told. Who is told to stop is believed to do so: who cannot asks rankscope_is_held alone. */
RANKSCOPE_API int rankscope_heed(rankscope_handle* handle);
RANKSCOPE_API int rankscope_is_held(rankscope_handle* handle);
/* Says that the process ends by an exception. RANKSCOPE_WAIT: people are at it; else it may end. */
RANKSCOPE_API int rankscope_raised(rankscope_handle* handle);
/* Ranks are held for less. The shortest that is told counts. */
RANKSCOPE_API void rankscope_set_collective_timeout(rankscope_handle* handle, uint32_t seconds);
/* This signal makes the process write its stacks into the file .stacks-PID in the rings' directory. */
RANKSCOPE_API void rankscope_set_stack_signal(rankscope_handle* handle, int number);
/* The level that the rank's logging is to have, by Python's numbers; 0: its own. */
RANKSCOPE_API uint32_t rankscope_level(const rankscope_handle* handle);

/* Records that found the ring full. */
RANKSCOPE_API uint64_t rankscope_dropped(const rankscope_handle* handle);

#ifdef __cplusplus
}
#endif
#endif
