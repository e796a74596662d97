// Kills the process before the N-th call that changes a file or sends bytes, N being $RANKSCOPE_KILL_AT: so a test can
// stop a program between any two states that others can see. It stands in front of the C library's own functions.
#include <dlfcn.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>

namespace {

void CountCall() {
  static const char* text = std::getenv("RANKSCOPE_KILL_AT");
  static const long kill_at = text ? std::strtol(text, nullptr, 10) : 0;
  static std::atomic<long> calls{0};
  if (kill_at > 0 && ++calls == kill_at) (void)raise(SIGKILL);
}

template <typename Function>
Function* Real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

ssize_t pwrite64(int fd, const void* bytes, size_t count, off64_t offset) {
  static auto* real = Real<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
  CountCall();
  return real(fd, bytes, count, offset);
}

int fdatasync(int fd) {
  static auto* real = Real<int(int)>("fdatasync");
  CountCall();
  return real(fd);
}

int fsync(int fd) {
  static auto* real = Real<int(int)>("fsync");
  CountCall();
  return real(fd);
}

ssize_t send(int fd, const void* bytes, size_t count, int flags) {
  static auto* real = Real<ssize_t(int, const void*, size_t, int)>("send");
  CountCall();
  return real(fd, bytes, count, flags);
}

ssize_t recv(int fd, void* bytes, size_t count, int flags) {
  static auto* real = Real<ssize_t(int, void*, size_t, int)>("recv");
  CountCall();
  return real(fd, bytes, count, flags);
}
}
