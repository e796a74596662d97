// librankscope_preload.so, for ranks that are not Python (`rankscope run --preload` puts it into LD_PRELOAD): before
// main it does what the Python bootstrap does in a rank, take_pipes in python/rankscope/_rank.py. It asks the keeper's
// socket for the write ends of two pipes of the rank's own and makes them its fd 1 and 2, where they are still the
// launcher's pipe. libc only; it leaves no thread, no handler and no descriptor behind, and whatever fails changes
// nothing.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { kAbsent = -1 };

// The first of the variables that is a number.
static long Number(const char* const* names) {
  for (; *names; ++names) {
    const char* text = getenv(*names);
    char* end = NULL;
    long value = text ? strtol(text, &end, 10) : 0;
    if (text && end != text && *end == '\0' && value >= 0) return value;
  }
  return kAbsent;
}
#define NUMBER(...) Number((const char* const[]){__VA_ARGS__, NULL})

static int IsLaunchers(int fd, const char* variable) {
  const char* inode = getenv(variable);
  struct stat info;
  char ours[64];
  if (!inode || fstat(fd, &info) != 0) return 0;
  snprintf(ours, sizeof ours, "%lu:%lu", (unsigned long)info.st_dev, (unsigned long)info.st_ino);
  return strcmp(inode, ours) == 0;
}

static long Larger(long a, long b) { return a > b ? a : b; }

// Appends `"name": value, ` where there is a value.
static void AddNumber(char* text, size_t size, const char* name, long value) {
  size_t length = strlen(text);
  if (value != kAbsent) snprintf(text + length, size - length, "\"%s\": %ld, ", name, value);
}

// CUDA_VISIBLE_DEVICES, where it holds nothing that JSON would have to escape.
static void AddGpu(char* text, size_t size) {
  const char* visible = getenv("CUDA_VISIBLE_DEVICES");
  size_t length = strlen(text);
  if (visible && strlen(visible) < 1024 && !strpbrk(visible, "\"\\\n\t")) {
    snprintf(text + length, size - length, "\"gpu\": \"%s\", ", visible);
  }
}

// Who this process is, as a line of JSON. False where it is no rank; RANK is a global one only beside LOCAL_RANK.
static int Introduce(char* text, size_t size) {
  long local = NUMBER("LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID");
  long rank = getenv("LOCAL_RANK") ? NUMBER("RANK") : kAbsent;
  if (rank == kAbsent) rank = NUMBER("OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID");
  if (local == kAbsent || rank == kAbsent) return 0;
  strcpy(text, "{");
  AddNumber(text, size, "rank", rank);
  AddNumber(text, size, "local_rank", local);
  AddNumber(text, size, "node_rank", NUMBER("GROUP_RANK", "NODE_RANK", "SLURM_NODEID"));
  AddNumber(text, size, "world_size", NUMBER("WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_NTASKS"));
  AddNumber(text, size, "attempt", Larger(NUMBER("TORCHELASTIC_RESTART_COUNT"), NUMBER("SLURM_RESTART_COUNT")));
  AddGpu(text, size);
  size_t length = strlen(text);
  snprintf(text + length, size - length, "\"source\": \"console\"}");
  return 1;
}

static int Connect(const char* path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  struct timeval patience = {2, 0};
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || strlen(path) >= sizeof address.sun_path) return fd;
  strcpy(address.sun_path, path);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (connect(fd, (struct sockaddr*)&address, sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

// The two descriptors that come beside the answer's one byte.
static int ReceivePipes(int socket, int pipes[2]) {
  char byte;
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(2 * sizeof(int))];
  } control;
  struct iovec part = {&byte, 1};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1) return 0;
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (!header || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(2 * sizeof(int))) return 0;
  memcpy(pipes, CMSG_DATA(header), 2 * sizeof(int));
  return 1;
}

static int AskForPipes(const char* path, const char* introduction, int pipes[2]) {
  int keeper = Connect(path);
  if (keeper < 0) return 0;
  size_t length = strlen(introduction);
  int got = send(keeper, introduction, length, MSG_NOSIGNAL) == (ssize_t)length && ReceivePipes(keeper, pipes);
  close(keeper);
  return got;
}

static void TakePipes(const char* introduction, const int ours[2]) {
  const char* path = getenv("RANKSCOPE_SOCKET");
  int pipes[2];
  // Again: a keeper that died meanwhile has a successor.
  if (!path || (!AskForPipes(path, introduction, pipes) && !AskForPipes(path, introduction, pipes))) return;
  for (int i = 0; i < 2; ++i) {
    if (ours[i]) dup2(pipes[i], i + 1);
    close(pipes[i]);
  }
}

__attribute__((constructor)) static void Start(void) {
  char introduction[4096], pid[24];
  if (!getenv("RANKSCOPE_RUN") || getenv("RANKSCOPE_RANK_PID")) return;  // a rank's child keeps the rank's pipes
  int ours[2] = {IsLaunchers(1, "RANKSCOPE_STDOUT_INODE"), IsLaunchers(2, "RANKSCOPE_STDERR_INODE")};
  if ((!ours[0] && !ours[1]) || !Introduce(introduction, sizeof introduction)) return;
  TakePipes(introduction, ours);
  snprintf(pid, sizeof pid, "%ld", (long)getpid());
  setenv("RANKSCOPE_RANK_PID", pid, 1);
}
