/* The ring's shared memory, as writer (a rank) and reader (the agent) see it. Format: docs/design/embed.md. */
#ifndef RANKSCOPE_EMBED_RING_LAYOUT_H
#define RANKSCOPE_EMBED_RING_LAYOUT_H

#include <stdint.h>

#define RANKSCOPE_RING_MAGIC 0x3130474e52534b52ull /* "RKSRNG01", little-endian: the version is part of it */
#define RANKSCOPE_MAX_FIELDS 512
#define RANKSCOPE_NAME_BYTES 64
#define RANKSCOPE_ENVIRONMENT_BYTES 4096
#define RANKSCOPE_RECORD_ALIGN 8

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
} rankscope_ring;

#endif
