#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace rankscope::agent {

// Where a keeper reads its pipes into: memory that it shares with its guard, so that bytes which had left a pipe and
// were not yet in the capture survive the keeper's SIGKILL. One reader at a time.
class ReadBuffer {
 public:
  ReadBuffer();
  ~ReadBuffer();
  ReadBuffer(const ReadBuffer&) = delete;
  ReadBuffer& operator=(const ReadBuffer&) = delete;

  // read(2) of what the pipe holds, noting whose bytes they are: `before` counts the channel's bytes in the capture.
  // As read: 0 at the end, -1 with errno.
  long Read(int fd, uint32_t channel, uint64_t before);
  // The bytes are in the capture.
  void Done();
  std::string_view bytes() const;

  struct Left {
    uint32_t channel;
    uint64_t before;
    std::string_view bytes;
  };
  // What the reader that died had taken from a pipe and not reported as done.
  std::optional<Left> Rescue() const;

 private:
  struct Shared;
  Shared* shared_;
};

}  // namespace rankscope::agent
