/* The ring's shared memory, as writer (a rank) and reader (the agent) see it. Format: docs/design/embed.md. */
#ifndef RANKSCOPE_EMBED_RING_LAYOUT_H
#define RANKSCOPE_EMBED_RING_LAYOUT_H

#include <stdint.h>

#define RANKSCOPE_RING_MAGIC 0x3130474e52534b52ull /* "RKSRNG01", little-endian: the version is part of it */
#define RANKSCOPE_MAX_FIELDS 512
#define RANKSCOPE_NAME_BYTES 64
#define RANKSCOPE_ENVIRONMENT_BYTES 4096
#define RANKSCOPE_RECORD_ALIGN 8
#define RANKSCOPE_CONTROL_VERSION 1

enum rankscope_record_kind {
  RANKSCOPE_PADDING = 0, /* to the end of the data area */
  RANKSCOPE_WINDOW = 1,  /* rankscope_window_record, then its fields */
  RANKSCOPE_JSON = 2,    /* rankscope_json_record, then stream name and JSON */
};

typedef struct {
  uint32_t length; /* of the whole record, a multiple of 8 */
  uint32_t kind;
} rankscope_record_header;

/* What happened to one field between two records. Only finite values count for min, max and sum. */
typedef struct {
  double last, min, max, sum;
  uint32_t count;     /* finite values */
  uint32_t nonfinite; /* NaN and infinities */
} rankscope_window_field;

typedef struct {
  uint64_t window; /* 1, 2, …: a window killed between its record and its clearing is not read twice */
  int64_t time_ns, step;
  uint32_t steps, fields;
} rankscope_window_record;

typedef struct {
  uint32_t field, reserved;
  rankscope_window_field values;
} rankscope_window_entry;

typedef struct {
  int64_t time_ns, step;
  uint32_t stream_bytes, json_bytes;
} rankscope_json_record;

enum rankscope_order_kind {
  RANKSCOPE_GO = 0,      /* nothing is asked */
  RANKSCOPE_PREPARE = 1, /* wait at the step for what comes of it */
  RANKSCOPE_HOLD = 2,    /* wait at the step */
  RANKSCOPE_END = 3,     /* save and end at the step */
};

enum rankscope_rank_state {
  RANKSCOPE_GOING = 0,
  RANKSCOPE_WAITING = 1,
  RANKSCOPE_ENDING = 2,
  RANKSCOPE_LEFT = 3, /* it waited long enough, or nobody was there any more */
};

enum rankscope_trait {
  RANKSCOPE_MAY_PAUSE = 1,  /* the job lets itself be held */
  RANKSCOPE_IS_WORKER = 2,  /* not the rank's own process: nobody asks it for anything */
  RANKSCOPE_HAS_RAISED = 4, /* an exception that nobody caught; the process is about to end */
  RANKSCOPE_CAN_END = 8,    /* its loop asks whether to end, and then does */
  RANKSCOPE_SAVES = 16,     /* and saves a checkpoint with that, whatever the script does */
};

/* What is asked of a running rank, and what it answers: docs/design/embed.md. An order is a number, which grows by one
 * with each step that is named, and what is asked. All fields are read and written atomically. */
typedef struct {
  /* The agent's. */
  uint64_t order __attribute__((aligned(64))); /* number << 8 | kind; written after at_step and limit_ms */
  int64_t at_step;                             /* the first step before which it holds */
  int64_t beat_ns;                             /* CLOCK_MONOTONIC, when the agent last looked */
  uint32_t limit_ms;                           /* a rank waits no longer */
  uint32_t level;                              /* for Python's logging; 0: as the program has it */

  /* The rank's. */
  uint32_t version __attribute__((aligned(64))); /* 0: the process knows nothing of all this */
  uint32_t traits;
  int64_t passed_step;           /* the greatest that it has begun or told: no order can hold it there any more */
  uint64_t state;                /* number << 8 | what it does about that order */
  uint32_t collective_timeout_s; /* the shortest of its process groups; 0: not known */
  uint32_t stack_signal;         /* dumps Python's stacks into the file .stacks-PID beside the ring; 0: none does */
} rankscope_control;

typedef struct {
  uint64_t magic; /* written last */
  uint32_t header_bytes, data_bytes;
  int32_t pid;
  uint32_t environment_bytes;
  char environment[RANKSCOPE_ENVIRONMENT_BYTES]; /* NAME=value\0… of the launcher's variables */

  /* The writer's. */
  uint64_t head __attribute__((aligned(64))); /* bytes ever written; released after the bytes */
  uint64_t dropped;
  int64_t step;
  uint32_t field_count; /* released after the name */
  uint32_t closed;

  /* The reader's. */
  uint64_t tail __attribute__((aligned(64))); /* bytes that are safe in the agent's spool */
  uint32_t log_interval_steps;

  /* The open window: what the agent reads when the process has died before its record was due. */
  uint64_t window __attribute__((aligned(64)));
  int64_t window_time_ns;
  uint32_t window_steps, reserved;
  rankscope_window_field window_fields[RANKSCOPE_MAX_FIELDS];
  char names[RANKSCOPE_MAX_FIELDS][RANKSCOPE_NAME_BYTES];

  rankscope_control control; /* within what a header without it was rounded up to: such a ring has version 0 here */
} rankscope_ring;

#endif
