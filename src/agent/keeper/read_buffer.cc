#include "agent/keeper/read_buffer.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>

namespace rankscope::agent {
namespace {

constexpr size_t kCapacity = 1 << 20;  // a whole pipe
constexpr size_t kBlank = 16;

enum State : uint32_t { kIdle, kReading, kRead };

}  // namespace

struct ReadBuffer::Shared {
  std::atomic<uint32_t> state;
  uint32_t channel;
  uint64_t before;
  uint64_t wanted, got;
  char bytes[kCapacity];
};

ReadBuffer::ReadBuffer() {
  void* memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  shared_ = memory == MAP_FAILED ? nullptr : static_cast<Shared*>(memory);
}

ReadBuffer::~ReadBuffer() {
  if (shared_) munmap(shared_, sizeof(Shared));
}

// A process may be killed after the kernel has copied the bytes and before it could note how many: so only as many are
// asked for as the pipe holds now (it gives exactly these), and the last places are blank before.
long ReadBuffer::Read(int fd, uint32_t channel, uint64_t before) {
  int there = 0;
  ioctl(fd, FIONREAD, &there);
  size_t wanted = std::clamp<size_t>(static_cast<size_t>(there), 1, kCapacity);
  shared_->channel = channel;
  shared_->before = before;
  shared_->wanted = wanted;
  size_t blank = std::min(wanted, kBlank);
  std::memset(shared_->bytes + wanted - blank, 0, blank);
  shared_->state.store(kReading, std::memory_order_release);
  ssize_t got = read(fd, shared_->bytes, wanted);
  shared_->got = got > 0 ? static_cast<uint64_t>(got) : 0;
  shared_->state.store(got > 0 ? kRead : kIdle, std::memory_order_release);
  return got;
}

void ReadBuffer::Done() { shared_->state.store(kIdle, std::memory_order_release); }

std::string_view ReadBuffer::bytes() const { return {shared_->bytes, shared_->got}; }

std::optional<ReadBuffer::Left> ReadBuffer::Rescue() const {
  uint32_t state = shared_->state.load(std::memory_order_acquire);
  if (state == kIdle) return std::nullopt;
  if (state == kRead) return Left{shared_->channel, shared_->before, bytes()};
  size_t blank = std::min<size_t>(shared_->wanted, kBlank);
  std::string_view last(shared_->bytes + shared_->wanted - blank, blank);
  if (last.find_first_not_of('\0') == std::string_view::npos) return std::nullopt;  // the read had not happened
  return Left{shared_->channel, shared_->before, {shared_->bytes, shared_->wanted}};
}

}  // namespace rankscope::agent
