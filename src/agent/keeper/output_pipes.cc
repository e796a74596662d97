#include "agent/keeper/output_pipes.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "agent/keeper/channel_pipe.h"
#include "base/clock.h"

namespace rankscope::agent {
namespace {

constexpr int64_t kBetweenReadsOfFiles = 50 * base::kNsPerMs;
constexpr useconds_t kGatherUs = 1000;  // a writer that need not wake us is faster

}  // namespace

OutputPipes::OutputPipes(EventLoop* loop, CaptureWriter* capture, bool shares_terminal)
    : loop_(loop), capture_(capture), shares_terminal_(shares_terminal), out_(STDOUT_FILENO), err_(STDERR_FILENO) {}

base::Result<OutputPipes::WriteEnds> OutputPipes::Open(const model::Origin& origin, pid_t rank_pid) {
  ASSIGN_OR_RETURN(ChannelPipe out, MakeChannelPipe());
  ASSIGN_OR_RETURN(ChannelPipe err, MakeChannelPipe());
  Add(std::move(out.read), origin, /*err=*/false, rank_pid);
  Add(std::move(err.read), origin, /*err=*/true, rank_pid);
  return WriteEnds{std::move(out.write), std::move(err.write)};
}

void OutputPipes::FollowFile(const model::Origin& origin, pid_t rank_pid, int fd) {
  auto file = base::OpenFile("/proc/" + std::to_string(rank_pid) + "/fd/" + std::to_string(fd), O_RDONLY);
  if (file.ok()) Add(*std::move(file), origin, fd == STDERR_FILENO, rank_pid, /*file=*/true);
}

void OutputPipes::Add(base::UniqueFd fd, const model::Origin& origin, bool err, pid_t rank_pid, bool file) {
  int raw = fd.get();
  uint32_t channel = capture_->OpenChannel({origin, err ? model::Stream::kStderr : model::Stream::kStdout});
  sources_[raw] = {std::move(fd), channel, err, rank_pid, file};
  Watch(raw);
}

void OutputPipes::WatchAll() {
  for (const auto& [fd, source] : sources_) Watch(fd);
}

// A file is always readable to the kernel.
void OutputPipes::Watch(int fd) {
  if (sources_.at(fd).file) return;
  loop_->Watch(fd, [this, fd] { Read(fd); });
}

void OutputPipes::Rescue() {
  if (auto left = buffer_.Rescue(); left && left->before == capture_->bytes_of(left->channel)) {
    capture_->Bytes(left->channel, Now(), left->bytes);
  }
  buffer_.Done();
}

// One read: fair among many ranks. False at the end or when nothing is there.
bool OutputPipes::Read(int fd) {
  auto found = sources_.find(fd);
  if (found == sources_.end()) return false;
  Source& source = found->second;
  long got = buffer_.Read(fd, source.channel, capture_->bytes_of(source.channel));
  if (got > 0) {
    busy_ = true;
    capture_->Bytes(source.channel, Now(), buffer_.bytes());
    buffer_.Done();
    if (source.file) return true;
    (source.err ? err_ : out_).Write(fd, buffer_.bytes(), HasTerminalToItself(), base::MonotonicNow());
    return true;
  }
  if (got == 0 && source.file) return false;
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  loop_->Forget(fd);
  sources_.erase(found);
  return false;
}

void OutputPipes::Drain(pid_t rank_pid) {
  std::vector<int> theirs;
  for (const auto& [fd, source] : sources_) {
    if (source.rank_pid == rank_pid) theirs.push_back(fd);
  }
  for (int fd : theirs) {
    while (Read(fd)) {
    }
    auto left = sources_.find(fd);
    if (left != sources_.end() && left->second.file) sources_.erase(left);
  }
}

void OutputPipes::ReadFiles(int64_t monotonic_now) {
  if (monotonic_now - files_read_at_ < kBetweenReadsOfFiles) return;
  files_read_at_ = monotonic_now;
  for (int fd : fds()) {
    if (sources_.at(fd).file) Read(fd);
  }
}

bool OutputPipes::ReadEach() {
  bool any = false;
  for (int fd : fds()) any = Read(fd) || any;
  return any;
}

void OutputPipes::Gather() {
  if (std::exchange(busy_, false)) usleep(kGatherUs);
}

void OutputPipes::Flush(int64_t monotonic_now, bool all) {
  out_.Flush(monotonic_now, all);
  err_.Flush(monotonic_now, all);
}

void OutputPipes::Close() {
  for (int fd : fds()) loop_->Forget(fd);
  sources_.clear();
}

std::vector<int> OutputPipes::fds() const {
  std::vector<int> fds;
  for (const auto& [fd, source] : sources_) fds.push_back(fd);
  return fds;
}

}  // namespace rankscope::agent
