#include "agent/ranks/stack_dump.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "agent/child_process.h"
#include "base/clock.h"

namespace rankscope::agent {
namespace {

constexpr int64_t kQuietNs = 40 * base::kNsPerMs;       // a dump that has not grown for so long is whole
constexpr int64_t kLongQuietNs = 400 * base::kNsPerMs;  // also without the thread that it ends with
constexpr char kSignalled[] = "Current thread ";
constexpr int64_t kSignalNs = 7 * base::kNsPerSecond;
constexpr int64_t kPySpyNs = 10 * base::kNsPerSecond;
constexpr size_t kMostText = 64 << 10;

uint64_t SizeOf(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
}

// Whether the kernel says that the signal is in the mask of the process: SigCgt has those with a handler, SigBlk those
// that its main thread blocks.
bool InMask(const std::string& mask, pid_t pid, int number) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  std::string line;
  while (std::getline(status, line)) {
    if (!line.starts_with(mask + ":")) continue;
    return (std::strtoull(line.c_str() + mask.size() + 1, nullptr, 16) >> (number - 1) & 1) != 0;
  }
  return false;
}

std::string OnPath(const char* program) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    std::string candidate = folder + "/" + program;
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return {};
}

}  // namespace

std::string StacksFile(const std::string& rings, pid_t pid) { return rings + "/.stacks-" + std::to_string(pid); }

void StackDump::Begin(const RingReader& ring, int64_t now_ns) {
  began_ns_ = grew_ns_ = now_ns;
  if (Signal(ring) || StartPySpy(ring.pid())) return;
  Fail(
      "it has no handler of ours for its stacks (Python, under `rankscope run`, on the main thread), and py-spy is not "
      "installed");
}

bool StackDump::Signal(const RingReader& ring) {
  int number = ring.control().speaks() ? ring.control().stack_signal() : 0;
  if (number < SIGRTMIN || number > SIGRTMAX || !InMask("SigCgt", ring.pid(), number)) return false;
  file_ = StacksFile(rings_, ring.pid());
  if (access(file_.c_str(), F_OK) != 0) return false;  // its handler writes elsewhere: it is not ours
  method_ = "faulthandler";
  begins_at_ = size_ = SizeOf(file_);
  if (!InMask("SigBlk", ring.pid(), number)) handler_ = {ring.pid(), number};
  ring.Signal(number);
  return true;
}

bool StackDump::StartPySpy(pid_t pid) {
  std::string program = OnPath("py-spy");
  if (program.empty()) return false;
  method_ = "py-spy";
  file_ = scratch_ + "/py-spy-" + std::to_string(pid);
  sigset_t none;
  sigemptyset(&none);
  unlink(file_.c_str());
  py_spy_ = StartDetached({program, "dump", "--pid", std::to_string(pid)}, file_, none);
  return py_spy_ > 0;
}

bool StackDump::Look(int64_t now_ns) {
  if (over_) return true;
  if (!(py_spy_ > 0 ? PySpyHasEnded() : IsWhole(now_ns))) {
    if (now_ns - began_ns_ <= (py_spy_ > 0 ? kPySpyNs : kSignalNs)) return false;
    if (py_spy_ > 0) kill(py_spy_, SIGKILL);
    if (size_ == begins_at_) Fail(method_ + " has not answered");
  }
  if (over_) return true;
  over_ = true;
  ReadText();
  if (text_.empty()) Fail(method_ + " has said nothing");
  return true;
}

bool StackDump::IsWhole(int64_t now_ns) {
  uint64_t size = SizeOf(file_);
  if (size != size_) grew_ns_ = now_ns;
  size_ = size;
  if (size_ == begins_at_ || now_ns - grew_ns_ < kQuietNs) return false;
  // Its main thread blocks the signal for as long as the handler is at it, however long a loaded node takes for that.
  if (handler_.pid > 0 && InMask("SigBlk", handler_.pid, handler_.number)) return false;
  ReadText();
  return text_.find(kSignalled) != std::string::npos || now_ns - grew_ns_ >= kLongQuietNs;
}

bool StackDump::PySpyHasEnded() {
  size_ = SizeOf(file_);
  int status = 0;
  if (waitpid(py_spy_, &status, WNOHANG) == 0) return false;
  ReadText();
  if (status != 0) Fail("py-spy: " + text_.substr(0, text_.find('\n')));
  return true;
}

void StackDump::ReadText() {
  std::ifstream file(file_, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(begins_at_));
  text_.resize(kMostText);
  file.read(text_.data(), static_cast<std::streamsize>(kMostText));
  text_.resize(static_cast<size_t>(file.gcount()));
  while (!text_.empty() && text_.back() == '\n') text_.pop_back();
}

void StackDump::Fail(std::string why) {
  failure_ = std::move(why);
  over_ = true;
}

// faulthandler:  Current thread 0x… (most recent call first):\n  File "train.py", line 12 in load
// py-spy:        Thread 12 (idle): "MainThread"\n    load (train.py:12)
std::string InnermostFrame(const std::string& text) {
  size_t thread = text.find(kSignalled);
  if (thread == std::string::npos) thread = text.find("\"MainThread\"");
  size_t begin = text.find('\n', thread == std::string::npos ? 0 : thread);
  if (begin == std::string::npos) return {};
  std::string line = text.substr(begin + 1, text.find('\n', begin + 1) - begin - 1);
  size_t first = line.find_first_not_of(' ');
  if (first == std::string::npos) return {};
  line.erase(0, first);
  size_t quote = line.find("\", line ");
  if (line.rfind("File \"", 0) != 0 || quote == std::string::npos) return line;
  std::string rest = line.substr(quote + 8);  // "12 in load"
  return line.substr(6, quote - 6) + ":" + rest;
}

}  // namespace rankscope::agent
