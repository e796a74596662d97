// librankscope_preload.so, for ranks that are not Python (`rankscope run --preload` puts it into LD_PRELOAD): before
// main it does what the Python bootstrap does in a rank, take_pipes in python/rankscope/_rank.py. It asks the keeper's
// socket for the write ends of two pipes of the rank's own and makes them its fd 1 and 2, where they are still the
// launcher's pipe. libc only; it leaves no thread, no handler and no descriptor behind, and whatever fails changes
// nothing.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "embed/launcher_variables.h"

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

// What mpirun and srun name a rank by. They give it a pipe or a terminal of its own and copy what comes.
static const char* Forwarder(void) {
  static const char* const kNames[] = {RANKSCOPE_RANK_VARIABLES};
  static const char* const kMore[] = {"LOCAL_RANK", "OMPI_MCA_orte_tag_output", "OMPI_MCA_orte_timestamp_output",
                                      "OMPI_MCA_orte_output_filename"};
  for (size_t i = 0; i < sizeof kMore / sizeof *kMore; ++i) {
    if (getenv(kMore[i])) return NULL;  // it does more than copy
  }
  for (size_t i = 0; i < sizeof kNames / sizeof *kNames; ++i) {
    if (getenv(kNames[i])) return kNames[i];
  }
  return NULL;
}

static long ParentOf(long pid) {
  char path[64], text[1024] = "";
  snprintf(path, sizeof path, "/proc/%ld/stat", pid);
  FILE* file = fopen(path, "re");
  if (!file) return 0;
  size_t length = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[length] = '\0';
  const char* name_end = strrchr(text, ')');
  long parent = 0;
  return name_end && sscanf(name_end, ") %*c %ld", &parent) == 1 ? parent : 0;
}

static int HasVariable(long pid, const char* name) {
  char path[64];
  char* entry = NULL;
  size_t size = 0, length = strlen(name);
  int found = 0;
  snprintf(path, sizeof path, "/proc/%ld/environ", pid);
  FILE* file = fopen(path, "re");
  while (file && !found && getdelim(&entry, &size, '\0', file) > 0) {
    found = strncmp(entry, name, length) == 0 && entry[length] == '=';
  }
  free(entry);
  if (file) fclose(file);
  return found;
}

// Whether fd is what a forwarding launcher gave the rank: what the rank's first process, this one or a script around
// it, has. What the user has redirected, or such a script reads, stays as it is.
static int IsForwarded(int fd) {
  const char* name = Forwarder();
  struct stat ours, given;
  char path[64];
  if (!name || fstat(fd, &ours) != 0 || !(S_ISFIFO(ours.st_mode) || isatty(fd))) return 0;
  long first = getpid();
  for (long parent; (parent = ParentOf(first)) > 0 && HasVariable(parent, name);) first = parent;
  snprintf(path, sizeof path, "/proc/%ld/fd/%d", first, fd);
  return stat(path, &given) == 0 && given.st_dev == ours.st_dev && given.st_ino == ours.st_ino;
}

// Shells are not ranks but start them; a Python that has no LOCAL_RANK may be a launcher: its bootstrap can tell.
static int MayBeRank(void) {
  char path[4096];
  ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
  path[length > 0 ? length : 0] = '\0';
  const char* name = strrchr(path, '/');
  if (!name) return 0;
  ++name;
  if (strncmp(name, "python", 6) == 0) return getenv("LOCAL_RANK") != NULL;
  return strcmp(name, "sh") != 0 && strcmp(name, "bash") != 0 && strcmp(name, "dash") != 0;
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
  long local = NUMBER(RANKSCOPE_LOCAL_RANK_VARIABLES);
  long rank = getenv("LOCAL_RANK") ? NUMBER(RANKSCOPE_TORCH_RANK_VARIABLE) : kAbsent;
  if (rank == kAbsent) rank = NUMBER(RANKSCOPE_RANK_VARIABLES);
  if (local == kAbsent || rank == kAbsent) return 0;
  strcpy(text, "{");
  AddNumber(text, size, "rank", rank);
  AddNumber(text, size, "local_rank", local);
  AddNumber(text, size, "node_rank", NUMBER(RANKSCOPE_NODE_RANK_VARIABLES));
  AddNumber(text, size, "world_size", NUMBER(RANKSCOPE_WORLD_SIZE_VARIABLES));
  AddNumber(text, size, "attempt",
            Larger(NUMBER(RANKSCOPE_TORCH_ATTEMPT_VARIABLE), NUMBER(RANKSCOPE_SLURM_ATTEMPT_VARIABLE)));
  AddGpu(text, size);
  size_t length = strlen(text);
  snprintf(text + length, size - length, "\"source\": \"console\"}");
  return 1;
}

static int Connect(const char* path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  struct timeval patience = {20, 0};  // it answers hundreds of ranks one by one, on a node that has just begun
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
  if (!path) return;
  errno = 0;
  int got = AskForPipes(path, introduction, pipes);
  // A keeper that died meanwhile has a successor; one that does not answer in time is not asked again.
  if (!got && errno != EAGAIN) got = AskForPipes(path, introduction, pipes);
  if (!got) return;
  for (int i = 0; i < 2; ++i) {
    if (ours[i]) dup2(pipes[i], i + 1);
    close(pipes[i]);
  }
}

__attribute__((constructor)) static void Start(void) {
  char introduction[4096], pid[24];
  if (!getenv("RANKSCOPE_RUN") || getenv("RANKSCOPE_RANK_PID")) return;  // a rank's child keeps the rank's pipes
  if (!MayBeRank() || !Introduce(introduction, sizeof introduction)) return;
  int ours[2] = {IsLaunchers(1, "RANKSCOPE_STDOUT_INODE") || IsForwarded(1),
                 IsLaunchers(2, "RANKSCOPE_STDERR_INODE") || IsForwarded(2)};
  if (!ours[0] && !ours[1]) return;
  TakePipes(introduction, ours);
  snprintf(pid, sizeof pid, "%ld", (long)getpid());
  setenv("RANKSCOPE_RANK_PID", pid, 1);
}
