#include "diagnose/case/pipe_copy.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>
#include <vector>

namespace rankscope::diagnose {
namespace {

constexpr char kStandardInput[] = "-";
constexpr size_t kBlockBytes = 1 << 20;

base::Result<base::UniqueFd> FileWithoutName() {
  const char* folder = std::getenv("TMPDIR");
  std::string name = std::string(folder != nullptr && *folder != '\0' ? folder : "/tmp") + "/rankscope.XXXXXX";
  base::UniqueFd fd(mkostemp(name.data(), O_CLOEXEC));
  if (!fd.valid()) return base::Status::FromErrno(name, errno);
  unlink(name.c_str());
  return fd;
}

base::Status CopyAll(int from, int to) {
  std::vector<char> block(kBlockBytes);
  while (true) {
    const ssize_t got = read(from, block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return base::Status::FromErrno("read", errno);
    if (got == 0) return {};
    RETURN_IF_ERROR(base::WriteFully(to, {block.data(), static_cast<size_t>(got)}));
  }
}

}  // namespace

bool IsPipe(const std::string& path) {
  struct stat status {};
  const bool known = stat(path.c_str(), &status) == 0;
  return path == kStandardInput || (known && (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode)));
}

base::Result<std::shared_ptr<base::UniqueFd>> CopyPipe(const std::string& path) {
  base::UniqueFd named;
  if (path != kStandardInput) {
    ASSIGN_OR_RETURN(named, base::OpenFile(path, O_RDONLY));
  }
  ASSIGN_OR_RETURN(base::UniqueFd copy, FileWithoutName());
  const base::Status copied = CopyAll(named.valid() ? named.get() : STDIN_FILENO, copy.get());
  if (!copied.ok()) return base::Status::Invalid(path + ": " + copied.message());
  return std::make_shared<base::UniqueFd>(std::move(copy));
}

}  // namespace rankscope::diagnose
