#define _GNU_SOURCE
#include "embed/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "embed/launcher_variables.h"

extern char** environ;

/* The agent interprets them. */
static const char* const kLauncherVariables[] = {
    RANKSCOPE_LOCAL_RANK_VARIABLES,   RANKSCOPE_RANK_VARIABLES,       RANKSCOPE_TORCH_RANK_VARIABLE,
    RANKSCOPE_NODE_RANK_VARIABLES,    RANKSCOPE_WORLD_SIZE_VARIABLES, RANKSCOPE_TORCH_ATTEMPT_VARIABLE,
    RANKSCOPE_SLURM_ATTEMPT_VARIABLE, RANKSCOPE_WORKER_OF_VARIABLE,   RANKSCOPE_LONE_RANK_VARIABLE,
    RANKSCOPE_LAUNCHER_VARIABLE};

static int IsLaunchers(const char* variable) {
  for (size_t i = 0; i < sizeof kLauncherVariables / sizeof *kLauncherVariables; ++i) {
    size_t length = strlen(kLauncherVariables[i]);
    if (strncmp(variable, kLauncherVariables[i], length) == 0 && variable[length] == '=') return 1;
  }
  return 0;
}

static void CopyEnvironment(rankscope_ring* ring) {
  for (char** variable = environ; variable && *variable; ++variable) {
    size_t bytes = strlen(*variable) + 1;
    if (!IsLaunchers(*variable) || ring->environment_bytes + bytes > RANKSCOPE_ENVIRONMENT_BYTES) continue;
    memcpy(ring->environment + ring->environment_bytes, *variable, bytes);
    ring->environment_bytes += (uint32_t)bytes;
  }
}

static size_t HeaderBytes(void) { return (sizeof(rankscope_ring) + 4095) & ~(size_t)4095; }

static int MapNew(int fd, uint32_t data_bytes, rankscope_ring** out) {
  size_t bytes = HeaderBytes() + data_bytes;
  /* fallocate: a full /dev/shm is an error here and now, not a SIGBUS in the middle of training. */
  int error = posix_fallocate(fd, 0, (off_t)bytes);
  if (error != 0) return -error;
  void* map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (map == MAP_FAILED) return -errno;
  *out = map;
  return 0;
}

int rankscope_ring_create(const char* directory, uint32_t data_bytes, rankscope_ring** out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  char path[4096], hidden[4096];
  int length =
      snprintf(path, sizeof path, "%s/%d-%lld%09ld", directory, (int)getpid(), (long long)now.tv_sec, now.tv_nsec);
  if (length < 0 || (size_t)length + 5 > sizeof path) return -ENAMETOOLONG;
  snprintf(hidden, sizeof hidden, "%.*s/.%s", (int)strlen(directory), directory, path + strlen(directory) + 1);
  int fd = open(hidden, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return -errno;
  rankscope_ring* ring = NULL;
  int error = MapNew(fd, data_bytes, &ring);
  close(fd);
  if (error == 0) {
    ring->header_bytes = (uint32_t)HeaderBytes();
    ring->data_bytes = data_bytes;
    ring->pid = getpid();
    ring->step = RANKSCOPE_NO_STEP;
    CopyEnvironment(ring);
    __atomic_store_n(&ring->magic, RANKSCOPE_RING_MAGIC, __ATOMIC_RELEASE);
    if (rename(hidden, path) != 0) error = -errno; /* the agent sees whole rings only */
  }
  if (error != 0) {
    unlink(hidden);
    rankscope_ring_unmap(ring);
    return error;
  }
  *out = ring;
  return 0;
}

void rankscope_ring_unmap(rankscope_ring* ring) {
  if (ring) munmap(ring, (size_t)ring->header_bytes + ring->data_bytes);
}

static char* Data(rankscope_ring* ring) { return (char*)ring + ring->header_bytes; }

static size_t RecordBytes(size_t payload) {
  size_t bytes = sizeof(rankscope_record_header) + payload;
  return (bytes + RANKSCOPE_RECORD_ALIGN - 1) & ~(size_t)(RANKSCOPE_RECORD_ALIGN - 1);
}

static void* Begin(rankscope_ring* ring, uint64_t at, uint32_t kind, size_t bytes) {
  rankscope_record_header* header = (rankscope_record_header*)(Data(ring) + (at & (ring->data_bytes - 1)));
  header->length = (uint32_t)bytes;
  header->kind = kind;
  return header + 1;
}

void* rankscope_ring_reserve(rankscope_ring* ring, uint32_t kind, size_t payload) {
  size_t bytes = RecordBytes(payload);
  uint64_t head = ring->head;
  size_t to_end = ring->data_bytes - (head & (ring->data_bytes - 1));
  size_t padding = bytes > to_end ? to_end : 0;
  uint64_t used = head - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
  if (used + padding + bytes > ring->data_bytes) {
    __atomic_fetch_add(&ring->dropped, 1, __ATOMIC_RELAXED);
    return NULL;
  }
  if (padding > 0) {
    Begin(ring, head, RANKSCOPE_PADDING, padding);
    __atomic_store_n(&ring->head, head + padding, __ATOMIC_RELEASE);
  }
  return Begin(ring, ring->head, kind, bytes);
}

void rankscope_ring_commit(rankscope_ring* ring, size_t payload) {
  __atomic_store_n(&ring->head, ring->head + RecordBytes(payload), __ATOMIC_RELEASE);
}
