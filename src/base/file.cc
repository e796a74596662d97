#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace rankscope::base {

namespace {

std::function<Status(std::string_view)>& Faults() {
  static std::function<Status(std::string_view)> faults;
  return faults;
}

Status Fault(std::string_view operation) { return Faults() ? Faults()(operation) : Status(); }

}  // namespace

void SetFileFaults(std::function<Status(std::string_view)> faults) { Faults() = std::move(faults); }

void UniqueFd::reset(int fd) {
  if (fd_ >= 0) close(fd_);
  fd_ = fd;
}

Result<UniqueFd> OpenFile(const std::string& path, int flags, int mode) {
  if ((flags & O_ACCMODE) != O_RDONLY) {
    RETURN_IF_ERROR(Fault("open").WithContext(path));
  }
  int fd = open(path.c_str(), flags | O_CLOEXEC, mode);
  if (fd < 0) return Status::FromErrno("cannot open " + path, errno);
  return UniqueFd(fd);
}

Status WriteFully(int fd, std::string_view bytes) {
  if (auto fault = Fault("write"); !fault.ok()) {
    (void)!write(fd, bytes.data(), bytes.size() / 2);
    return fault;
  }
  while (!bytes.empty()) {
    ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return Status::FromErrno("write", errno);
    }
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

Status SyncFile(int fd, const std::string& path) {
  RETURN_IF_ERROR(Fault("sync").WithContext(path));
  if (fdatasync(fd) != 0) return Status::FromErrno("cannot sync " + path, errno);
  return {};
}

Status Truncate(int fd, uint64_t size, const std::string& path) {
  RETURN_IF_ERROR(Fault("truncate").WithContext(path));
  auto end = static_cast<off_t>(size);
  if (ftruncate(fd, end) != 0 || lseek(fd, end, SEEK_SET) != end) return Status::FromErrno("cannot cut " + path, errno);
  return {};
}

Result<size_t> ReadInto(int fd, uint64_t offset, char* into, size_t count) {
  size_t have = 0;
  while (have < count) {
    ssize_t got = pread(fd, into + have, count - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Status::FromErrno("read", errno);
    if (got == 0) break;
    have += static_cast<size_t>(got);
  }
  return have;
}

Result<std::string> ReadAt(int fd, uint64_t offset, size_t count) {
  std::string bytes(count, '\0');
  ASSIGN_OR_RETURN(size_t have, ReadInto(fd, offset, bytes.data(), count));
  bytes.resize(have);
  return bytes;
}

Result<std::string> ReadWholeFile(const std::string& path) {
  ASSIGN_OR_RETURN(UniqueFd fd, OpenFile(path, O_RDONLY));
  std::string content;
  char buffer[65536];
  while (true) {
    ssize_t got = read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Status::FromErrno("cannot read " + path, errno);
    if (got == 0) return content;
    content.append(buffer, static_cast<size_t>(got));
  }
}

Status SyncDirectory(const std::string& path) {
  ASSIGN_OR_RETURN(UniqueFd fd, OpenFile(path, O_RDONLY | O_DIRECTORY));
  RETURN_IF_ERROR(Fault("sync").WithContext(path));
  if (fsync(fd.get()) != 0) return Status::FromErrno("cannot sync " + path, errno);
  return {};
}

Status WriteFileAtomically(const std::string& path, std::string_view content) {
  std::string temporary = path + ".tmp";
  {
    ASSIGN_OR_RETURN(UniqueFd fd, OpenFile(temporary, O_WRONLY | O_CREAT | O_TRUNC));
    RETURN_IF_ERROR(WriteFully(fd.get(), content).WithContext(temporary));
    RETURN_IF_ERROR(SyncFile(fd.get(), temporary));
  }
  RETURN_IF_ERROR(Fault("rename").WithContext(path));
  if (rename(temporary.c_str(), path.c_str()) != 0) return Status::FromErrno("cannot rename to " + path, errno);
  size_t slash = path.rfind('/');
  return SyncDirectory(slash == std::string::npos ? "." : path.substr(0, slash + 1));
}

Status MakeDirectories(const std::string& path) {
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    std::string prefix = path.substr(0, end);
    if (access(prefix.c_str(), F_OK) != 0) {
      RETURN_IF_ERROR(Fault("mkdir").WithContext(prefix));
    }
    if (mkdir(prefix.c_str(), 0755) == 0) {
      size_t slash = prefix.rfind('/');
      RETURN_IF_ERROR(SyncDirectory(slash == std::string::npos ? "." : prefix.substr(0, slash + 1)));
    } else if (errno != EEXIST) {
      return Status::FromErrno("cannot create directory " + prefix, errno);
    }
    if (end == std::string::npos) return {};
  }
}

Result<std::vector<std::string>> ListDirectory(const std::string& path) {
  std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(path.c_str()), closedir);
  if (!directory) return Status::FromErrno("cannot list " + path, errno);
  std::vector<std::string> names;
  while (const dirent* entry = readdir(directory.get())) {
    std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<Space> SpaceAt(const std::string& path) {
  struct statvfs info {};
  if (statvfs(path.c_str(), &info) != 0) return Status::FromErrno("cannot ask for the space at " + path, errno);
  return Space{info.f_bavail * info.f_frsize, info.f_blocks * info.f_frsize};
}

Result<UniqueFd> LockFile(const std::string& path) {
  ASSIGN_OR_RETURN(UniqueFd fd, OpenFile(path, O_RDWR | O_CREAT));
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return Status::Unavailable(path + " is held by another process");
    return Status::FromErrno("cannot lock " + path, errno);
  }
  return fd;
}

}  // namespace rankscope::base
