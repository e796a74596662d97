#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace rankscope::base {

// Owns a file descriptor. -1 is none.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

// For tests: asked before each operation that changes files ("open" to write, "write", "sync", "rename", "mkdir",
// "truncate"); a status other than OK is its outcome, a failed write leaves half of its bytes. Null: no more. The
// caller sees to it that no such operation runs meanwhile.
void SetFileFaults(std::function<Status(std::string_view operation)> faults);

// open(2) with O_CLOEXEC; the error names the path.
Result<UniqueFd> OpenFile(const std::string& path, int flags, int mode = 0644);
// Writes every byte or says why not; EINTR is retried. What stood before an error stays written.
Status WriteFully(int fd, std::string_view bytes);
// fdatasync; the error names the path.
Status SyncFile(int fd, const std::string& path);
// Cuts the file, open to write, to `size` bytes and goes there.
Status Truncate(int fd, uint64_t size, const std::string& path);
// Reads up to `count` bytes at `offset`; fewer at the end of the file.
Result<std::string> ReadAt(int fd, uint64_t offset, size_t count);
// The same into `into`; how many came.
Result<size_t> ReadInto(int fd, uint64_t offset, char* into, size_t count);
Result<std::string> ReadWholeFile(const std::string& path);
// The file has either the old or the new content after a crash (temporary, fdatasync, rename, directory fsync).
Status WriteFileAtomically(const std::string& path, std::string_view content);
// mkdir -p; each new directory's parent is fsynced.
Status MakeDirectories(const std::string& path);
Status SyncDirectory(const std::string& path);
// Names in the directory, sorted, without "." and "..".
Result<std::vector<std::string>> ListDirectory(const std::string& path);
struct Space {
  uint64_t free = 0, total = 0;  // bytes; free is what an ordinary user may still write
};
// Of the file system that holds the path.
Result<Space> SpaceAt(const std::string& path);
// flock(LOCK_EX|LOCK_NB) on PATH, created if absent; kUnavailable when another process holds it.
Result<UniqueFd> LockFile(const std::string& path);

}  // namespace rankscope::base
