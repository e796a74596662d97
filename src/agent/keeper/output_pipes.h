#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "agent/capture.h"
#include "agent/keeper/event_loop.h"
#include "agent/keeper/line_clock.h"
#include "agent/keeper/mirror.h"
#include "agent/keeper/read_buffer.h"
#include "base/file.h"
#include "base/status.h"

namespace rankscope::agent {

// The pipes into which command and ranks print: what comes goes into the capture and to the terminal. A rank's output
// that its launcher has directed to a file is read from there, too, and is not for the terminal. One thread.
class OutputPipes {
 public:
  struct WriteEnds {
    base::UniqueFd out, err;
  };

  // `shares_terminal`: other keepers write to it, too. Loop and capture outlive this.
  OutputPipes(EventLoop* loop, CaptureWriter* capture, bool shares_terminal);

  // A pair for stdout and stderr of the process with that origin; rank_pid 0: the launcher. They are read from now on.
  base::Result<WriteEnds> Open(const model::Origin& origin, pid_t rank_pid);
  // What the rank prints into a file, its descriptor 1 or 2, from the file's beginning to the rank's end (Drain).
  void FollowFile(const model::Origin& origin, pid_t rank_pid, int fd);
  // In a forked child, on the same loop renewed.
  void WatchAll();
  // In the successor of a keeper that has died: its last read, where it did not reach the capture.
  void Rescue();
  // Reads the rank's pipes and files to their end; of the latter there is none else.
  void Drain(pid_t rank_pid);
  // What has come to files, a few times a second.
  void ReadFiles(int64_t monotonic_now);
  // Reads each pipe once. False: nothing was there.
  bool ReadEach();

  // The time of what happens now, behind all that was read so far.
  base::TimeNs Now() { return clock_.At(base::WallNow()); }

  // Whole lines of ours onto the terminal's stderr, at a line border.
  void Announce(std::string_view lines, int64_t monotonic_now) { err_.Announce(lines, monotonic_now); }

  // After a turn of the loop in which a pipe was busy: waits a little, so that the writers need not wake us each time.
  void Gather();
  // Half lines go to the terminal when they have waited long enough, or all of them at the end.
  void Flush(int64_t monotonic_now, bool all);

  // Reads none of them any more.
  void Close();
  bool empty() const { return sources_.empty(); }
  std::vector<int> fds() const;

 private:
  struct Source {
    base::UniqueFd fd;
    uint32_t channel;
    bool err;
    pid_t rank_pid;
    bool file = false;
  };

  void Add(base::UniqueFd fd, const model::Origin& origin, bool err, pid_t rank_pid, bool file = false);
  void Watch(int fd);
  bool Read(int fd);
  bool HasTerminalToItself() const { return sources_.size() <= 2 && !shares_terminal_; }

  EventLoop* loop_;
  CaptureWriter* capture_;
  const bool shares_terminal_;
  ReadBuffer buffer_;
  Mirror out_, err_;
  std::map<int, Source> sources_;
  LineClock clock_;
  bool busy_ = false;
  int64_t files_read_at_ = 0;  // monotonic
};

}  // namespace rankscope::agent
