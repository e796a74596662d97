#include "agent/alerts.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/shown.h"

namespace rankscope::agent {
namespace {

constexpr size_t kLongestLine = 500;
constexpr off_t kLargestFile = 1 << 20;

}  // namespace

void AppendAlert(const std::string& run_directory, const std::string& line) {
  auto fd = base::OpenFile(run_directory + "/alerts", O_WRONLY | O_CREAT | O_APPEND);
  struct stat info {};
  if (!fd.ok() || fstat(fd->get(), &info) != 0 || info.st_size > kLargestFile) return;
  std::string text = model::Shown(line, kLongestLine) + "\n";
  (void)!write(fd->get(), text.data(), text.size());
}

std::vector<std::string> AlertReader::Next() {
  if (!fd_.valid()) {
    auto fd = base::OpenFile(path_, O_RDONLY);
    if (!fd.ok()) return {};  // none so far
    fd_ = *std::move(fd);
  }
  char buffer[4096];
  for (ssize_t got; (got = read(fd_.get(), buffer, sizeof buffer)) > 0;) rest_.append(buffer, static_cast<size_t>(got));
  std::vector<std::string> lines;
  for (size_t end; (end = rest_.find('\n')) != std::string::npos;) {
    lines.push_back(rest_.substr(0, end + 1));
    rest_.erase(0, end + 1);
  }
  return lines;
}

}  // namespace rankscope::agent
