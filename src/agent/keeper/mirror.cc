#include "agent/keeper/mirror.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace rankscope::agent {

void Mirror::Write(int channel, std::string_view bytes, bool whole, int64_t now) {
  if (whole) return Put(bytes);
  auto half = halves_.find(channel);
  size_t border = bytes.rfind('\n');
  if (border == std::string_view::npos) {
    if (half == halves_.end()) half = halves_.emplace(channel, Half{"", now}).first;
    half->second.text.append(bytes);
    return;
  }
  if (half == halves_.end()) {
    Put(bytes.substr(0, border + 1));
  } else {  // in one write: other keepers may write to the same terminal
    Put(half->second.text.append(bytes.substr(0, border + 1)));
    halves_.erase(half);
  }
  if (border + 1 < bytes.size()) halves_[channel] = {std::string(bytes.substr(border + 1)), now};
}

void Mirror::Announce(std::string_view lines, int64_t now) {
  if (notices_.text.empty()) notices_.since = now;
  notices_.text.append(lines);
  if (at_border_) Show(std::exchange(notices_.text, {}));
}

void Mirror::Flush(int64_t now, bool all) {
  for (auto half = halves_.begin(); half != halves_.end();) {
    if (all || now - half->second.since > kPatience) {
      Put(half->second.text);
      half = halves_.erase(half);
    } else {
      ++half;
    }
  }
  if (notices_.text.empty() || (!all && now - notices_.since <= kNoticePatience)) return;
  Show("\n" + std::exchange(notices_.text, {}));
}

void Mirror::Put(std::string_view bytes) {
  if (bytes.empty()) return;
  Show(bytes);
  at_border_ = bytes.back() == '\n';
  if (at_border_ && !notices_.text.empty()) Show(std::exchange(notices_.text, {}));
}

void Mirror::Show(std::string_view bytes) {
  while (!bytes.empty() && !gone_) {
    ssize_t written = write(fd_, bytes.data(), bytes.size());
    if (written > 0) {
      bytes.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd ready{fd_, POLLOUT, 0};
      poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      gone_ = true;
    }
  }
}

}  // namespace rankscope::agent
