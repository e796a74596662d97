#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "agent/ranks/ring_reader.h"

namespace rankscope::agent {

// Where the process writes its stacks when it gets the signal that its ring names.
std::string StacksFile(const std::string& rings, pid_t pid);

// Asks one process where its Python is. By its own signal where its ring names one and the kernel says that it has a
// handler (no other process is ever signalled); else by py-spy where that is on the PATH. Does not block: Look again.
// One thread.
class StackDump {
 public:
  // `scratch`: a folder for py-spy's answer. The ring outlives Begin only.
  StackDump(std::string rings, std::string scratch) : rings_(std::move(rings)), scratch_(std::move(scratch)) {}

  void Begin(const RingReader& ring, int64_t now_ns);
  // Whether it is over: there is a text, or a reason why not.
  bool Look(int64_t now_ns);

  const std::string& text() const { return text_; }  // 64 KiB of it at most
  // faulthandler | py-spy
  const std::string& method() const { return method_; }
  // Why there is no text.
  const std::string& failure() const { return failure_; }

 private:
  bool Signal(const RingReader& ring);
  bool StartPySpy(pid_t pid);
  bool IsWhole(int64_t now_ns);
  bool PySpyHasEnded();
  void ReadText();
  void Fail(std::string why);

  const std::string rings_, scratch_;
  std::string file_, method_, text_, failure_;
  uint64_t begins_at_ = 0, size_ = 0;
  int64_t began_ns_ = 0, grew_ns_ = 0;
  struct Handler {
    pid_t pid = 0;  // 0: not known whether it is at it
    int number = 0;
  } handler_;
  pid_t py_spy_ = 0;
  bool over_ = false;
};

// Innermost first, as "FILE:LINE in FUNCTION", of the thread that got the signal, which is the main one unless that
// blocks it; empty: the text has no frame. Of faulthandler's text or of py-spy's.
std::string InnermostFrame(const std::string& text);

}  // namespace rankscope::agent
