#define _GNU_SOURCE
#include "embed/rankscope_embed.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "embed/control.h"
#include "embed/ring.h"

enum { kDefaultInterval = 10, kDefaultRingBytes = 1 << 20, kSpikeAfter = 20 };
static const int64_t kWindowAgeNs = 10000000000; /* slow steps are told one by one */
static const double kSpikeDeviations = 8;
static const double kForget = 0.05; /* weight of the newest value in the running mean and deviation */

typedef struct {
  double mean, deviation; /* exponentially weighted; the deviation is the mean absolute one */
  uint32_t count;
} History;

struct rankscope_handle {
  rankscope_ring* ring;
  unsigned char* alive; /* a page that the kernel wipes in a forked child */
  pid_t pid;            /* asked instead where the kernel is too old to wipe */
  int busy;             /* spin lock of this process's threads */
  rankscope_waiter waiter;
  int64_t window_began_ns;
  size_t touched_count;
  uint16_t touched[RANKSCOPE_MAX_FIELDS]; /* fields of the open window, in the order of their first value */
  History histories[RANKSCOPE_MAX_FIELDS];
};

static int64_t WallNow(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static uint32_t IntervalFromEnvironment(void) {
  const char* text = getenv("RANKSCOPE_LOG_INTERVAL_STEPS");
  long steps = text ? strtol(text, NULL, 10) : 0;
  return steps > 0 ? (uint32_t)steps : kDefaultInterval;
}

static unsigned char* MapForkWitness(void) {
#ifdef MADV_WIPEONFORK
  void* page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return NULL;
  if (madvise(page, 4096, MADV_WIPEONFORK) == 0) {
    *(unsigned char*)page = 1;
    return page;
  }
  munmap(page, 4096);
#endif
  return NULL;
}

static int IsForked(const rankscope_handle* handle) {
  return handle->alive ? !*handle->alive : getpid() != handle->pid;
}

static void Lock(rankscope_handle* handle) {
  while (__atomic_exchange_n(&handle->busy, 1, __ATOMIC_ACQUIRE)) {
    while (__atomic_load_n(&handle->busy, __ATOMIC_RELAXED)) {
    }
  }
}

static void Unlock(rankscope_handle* handle) { __atomic_store_n(&handle->busy, 0, __ATOMIC_RELEASE); }

int rankscope_open(const rankscope_options* options, rankscope_handle** out) {
  rankscope_options given = {0};
  if (options) memcpy(&given, options, options->size < sizeof given ? options->size : sizeof given);
  const char* directory = given.directory ? given.directory : getenv("RANKSCOPE_RINGS");
  if (!directory || !*directory) return -ENOENT;
  uint32_t bytes = given.ring_bytes ? given.ring_bytes : kDefaultRingBytes;
  if (bytes < 4096 || (bytes & (bytes - 1)) != 0) return -EINVAL;
  rankscope_handle* handle = calloc(1, sizeof *handle);
  if (!handle) return -ENOMEM;
  int error = rankscope_ring_create(directory, bytes, &handle->ring);
  if (error != 0) {
    free(handle);
    return error;
  }
  handle->ring->log_interval_steps = given.log_interval_steps ? given.log_interval_steps : IntervalFromEnvironment();
  handle->ring->window = 1;
  rankscope_control_begin(&handle->ring->control, given.worker);
  handle->alive = MapForkWitness();
  handle->pid = getpid();
  *out = handle;
  return 0;
}

static int FindField(const rankscope_ring* ring, const char* name, size_t length) {
  for (uint32_t i = 0; i < ring->field_count; ++i) {
    if (strncmp(ring->names[i], name, length) == 0 && ring->names[i][length] == '\0') return (int)i;
  }
  return -ENOSPC;
}

int rankscope_field(rankscope_handle* handle, const char* name, size_t length) {
  if (!handle) return 0;
  if (IsForked(handle)) return -ECHILD;
  if (length == 0 || length >= RANKSCOPE_NAME_BYTES) return -ENAMETOOLONG;
  rankscope_ring* ring = handle->ring;
  Lock(handle);
  int field = FindField(ring, name, length);
  if (field < 0 && ring->field_count < RANKSCOPE_MAX_FIELDS) {
    field = (int)ring->field_count;
    memcpy(ring->names[field], name, length);
    __atomic_store_n(&ring->field_count, ring->field_count + 1, __ATOMIC_RELEASE);
  }
  Unlock(handle);
  return field;
}

/* Whether the value is far from the field's run so far. */
static int IsSpike(History* history, double value) {
  double distance = fabs(value - history->mean);
  int spike = history->count >= kSpikeAfter && distance > kSpikeDeviations * history->deviation + 1e-9 * fabs(value);
  double weight = history->count < kSpikeAfter ? 1.0 / (history->count + 1) : kForget;
  history->deviation += weight * (distance - history->deviation);
  history->mean += weight * (value - history->mean);
  ++history->count;
  return spike;
}

/* Adds a value to the open window; whether it must go out at once. */
static int Accumulate(rankscope_handle* handle, uint32_t field, double value) {
  rankscope_window_field* window = &handle->ring->window_fields[field];
  if (window->count + window->nonfinite == 0) handle->touched[handle->touched_count++] = (uint16_t)field;
  window->last = value;
  if (!isfinite(value)) {
    ++window->nonfinite;
    return 1;
  }
  if (window->count == 0 || value < window->min) window->min = value;
  if (window->count == 0 || value > window->max) window->max = value;
  window->sum += value;
  ++window->count;
  return IsSpike(&handle->histories[field], value);
}

/* The open window becomes a record, and a new one begins. */
static int FlushWindow(rankscope_handle* handle) {
  rankscope_ring* ring = handle->ring;
  if (handle->touched_count == 0) return 0;
  size_t payload = sizeof(rankscope_window_record) + handle->touched_count * sizeof(rankscope_window_entry);
  rankscope_window_record* record = rankscope_ring_reserve(ring, RANKSCOPE_WINDOW, payload);
  if (record) {
    *record = (rankscope_window_record){ring->window, ring->window_time_ns, ring->step, ring->window_steps,
                                        (uint32_t)handle->touched_count};
    rankscope_window_entry* entries = (rankscope_window_entry*)(record + 1);
    for (size_t i = 0; i < handle->touched_count; ++i) {
      entries[i] = (rankscope_window_entry){handle->touched[i], 0, ring->window_fields[handle->touched[i]]};
    }
    rankscope_ring_commit(ring, payload);
  }
  for (size_t i = 0; i < handle->touched_count; ++i) {
    memset(&ring->window_fields[handle->touched[i]], 0, sizeof(rankscope_window_field));
  }
  handle->touched_count = 0;
  ring->window_steps = 0;
  ++ring->window;
  return record ? 0 : -ENOSPC;
}

static int IsDue(const rankscope_ring* ring, int64_t began_ns) {
  uint32_t interval = __atomic_load_n(&ring->log_interval_steps, __ATOMIC_RELAXED);
  if (interval <= 1 || ring->window_steps >= interval) return 1;
  if (ring->step != RANKSCOPE_NO_STEP && ring->step % interval == 0) return 1;
  return ring->window_time_ns - began_ns > kWindowAgeNs;
}

static int Arrive(rankscope_handle* handle, int64_t step, int back) {
  Lock(handle);
  int heed = rankscope_control_arrive(&handle->ring->control, &handle->waiter, step, back);
  Unlock(handle);
  return heed ? RANKSCOPE_HEED : 0;
}

int rankscope_log(rankscope_handle* handle, int64_t step, const uint32_t* fields, const double* values, size_t count) {
  if (!handle) return 0;
  if (IsForked(handle)) return -ECHILD;
  rankscope_ring* ring = handle->ring;
  if (count == 0) return Arrive(handle, step, /*back=*/0);
  for (size_t i = 0; i < count; ++i) {
    if (fields[i] >= ring->field_count) return -EINVAL;
  }
  Lock(handle);
  int64_t now = WallNow();
  if (ring->window_steps == 0) handle->window_began_ns = now;
  if (ring->window_steps == 0 || step == RANKSCOPE_NO_STEP || step != ring->step) ++ring->window_steps;
  if (step != RANKSCOPE_NO_STEP) ring->step = step;
  ring->window_time_ns = now;
  int urgent = 0;
  for (size_t i = 0; i < count; ++i) urgent |= Accumulate(handle, fields[i], values[i]);
  int result = urgent || IsDue(ring, handle->window_began_ns) ? FlushWindow(handle) : 0;
  Unlock(handle);
  int heed = Arrive(handle, step, /*back=*/0);
  return result == 0 ? heed : result;
}

int rankscope_record(rankscope_handle* handle, const char* stream, int64_t step, const char* json, size_t length) {
  if (!handle) return 0;
  if (IsForked(handle)) return -ECHILD;
  size_t name = strlen(stream);
  size_t payload = sizeof(rankscope_json_record) + name + length;
  if (payload > handle->ring->data_bytes / 4) return -EMSGSIZE;
  Lock(handle);
  if (step == RANKSCOPE_NO_STEP) step = handle->ring->step;
  rankscope_json_record* record = rankscope_ring_reserve(handle->ring, RANKSCOPE_JSON, payload);
  if (record) {
    *record = (rankscope_json_record){WallNow(), step, (uint32_t)name, (uint32_t)length};
    memcpy(record + 1, stream, name);
    memcpy((char*)(record + 1) + name, json, length);
    rankscope_ring_commit(handle->ring, payload);
  }
  Unlock(handle);
  return record ? 0 : -ENOSPC;
}

int rankscope_set_step(rankscope_handle* handle, int64_t step) {
  if (!handle) return 0;
  if (IsForked(handle)) return -ECHILD;
  Lock(handle);
  handle->ring->step = step;
  Unlock(handle);
  return Arrive(handle, step, /*back=*/1);
}

void rankscope_allow_pause(rankscope_handle* handle) {
  if (handle && !IsForked(handle)) rankscope_control_mark(&handle->ring->control, RANKSCOPE_MAY_PAUSE);
}

void rankscope_can_end(rankscope_handle* handle, int saves) {
  if (!handle || IsForked(handle)) return;
  rankscope_control_mark(&handle->ring->control, RANKSCOPE_CAN_END | (saves ? RANKSCOPE_SAVES : 0));
}

static int Heed(rankscope_handle* handle, int ends) {
  if (!handle || IsForked(handle)) return RANKSCOPE_GO_ON;
  Lock(handle);
  int told = rankscope_control_heed(&handle->ring->control, &handle->waiter, ends);
  Unlock(handle);
  return told;
}

int rankscope_heed(rankscope_handle* handle) { return Heed(handle, 1); }
int rankscope_is_held(rankscope_handle* handle) { return Heed(handle, 0) == RANKSCOPE_WAIT; }

int rankscope_raised(rankscope_handle* handle) {
  if (!handle || IsForked(handle)) return RANKSCOPE_GO_ON;
  return rankscope_control_raised(&handle->ring->control);
}

void rankscope_set_collective_timeout(rankscope_handle* handle, uint32_t seconds) {
  if (!handle || IsForked(handle) || seconds == 0) return;
  uint32_t* known = &handle->ring->control.collective_timeout_s;
  if (*known == 0 || seconds < *known) __atomic_store_n(known, seconds, __ATOMIC_RELEASE);
}

void rankscope_set_stack_signal(rankscope_handle* handle, int number) {
  if (!handle || IsForked(handle)) return;
  __atomic_store_n(&handle->ring->control.stack_signal, (uint32_t)number, __ATOMIC_RELEASE);
}

uint32_t rankscope_level(const rankscope_handle* handle) {
  return handle ? __atomic_load_n(&handle->ring->control.level, __ATOMIC_RELAXED) : 0;
}

uint32_t rankscope_log_interval_steps(const rankscope_handle* handle) {
  return handle ? __atomic_load_n(&handle->ring->log_interval_steps, __ATOMIC_RELAXED) : 0;
}

void rankscope_set_log_interval_steps(rankscope_handle* handle, uint32_t steps) {
  if (handle && steps > 0) __atomic_store_n(&handle->ring->log_interval_steps, steps, __ATOMIC_RELAXED);
}

uint64_t rankscope_dropped(const rankscope_handle* handle) {
  return handle ? __atomic_load_n(&handle->ring->dropped, __ATOMIC_RELAXED) : 0;
}

void rankscope_close(rankscope_handle* handle) {
  if (!handle) return;
  if (!IsForked(handle)) {
    Lock(handle);
    FlushWindow(handle);
    __atomic_store_n(&handle->ring->closed, 1, __ATOMIC_RELEASE);
    Unlock(handle);
    rankscope_ring_unmap(handle->ring);
  }
  if (handle->alive) munmap(handle->alive, 4096);
  free(handle);
}
