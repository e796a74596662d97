#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace rankscope::agent {

// Puts the channels' output back onto one terminal stream, byte for byte, switching between channels only at line
// borders. A half line waits kPatience for its rest, so that prompts and progress bars still show. A terminal that
// has gone away (EPIPE) is forgotten: the training process never learns of it.
class Mirror {
 public:
  static constexpr int64_t kPatience = 100 * base::kNsPerMs;
  // A word of ours waits for a line border so long; then it makes one.
  static constexpr int64_t kNoticePatience = base::kNsPerSecond;

  explicit Mirror(int fd) : fd_(fd) {}

  // `whole`: the only channel of the stream, whose bytes pass as they are.
  void Write(int channel, std::string_view bytes, bool whole, int64_t now);
  // Whole lines of ours, at the next line border of the stream.
  void Announce(std::string_view lines, int64_t now);
  // Writes half lines that have waited long enough; all of them with `all`.
  void Flush(int64_t now, bool all);

 private:
  struct Half {
    std::string text;
    int64_t since;
  };
  void Put(std::string_view bytes);
  void Show(std::string_view bytes);

  int fd_;
  bool gone_ = false;
  bool at_border_ = true;
  Half notices_;  // not yet written
  std::map<int, Half> halves_;
};

}  // namespace rankscope::agent
