#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/status.h"

namespace rankscope::cli {

// The ranks of a job's last attempt that ended badly: who was first, how each ended, and its last words.
class BadEnds {
 public:
  // `job`: the server's answer about it.
  BadEnds(std::string server, const nlohmann::ordered_json& job);

  base::Status Load();
  // The first few; nothing where no rank ended badly. `width`: of the terminal, in which each is a line.
  void Print(size_t width) const;
  // Of those, {timestamp, rank, host, how, last_words} each.
  nlohmann::ordered_json ToJson() const;
  // Whether that is what the rank has said last, and Print() tells it.
  bool Tells(int64_t rank, const std::string& words) const;

 private:
  struct End {
    std::string time, host, how, last_words;  // the time as it is written
    int64_t rank = 0;
  };

  void Take(const nlohmann::ordered_json& event);

  const std::string server_, job_;
  const int64_t attempt_;
  size_t all_ = 0;
  std::vector<End> first_;  // in the order of time
};

}  // namespace rankscope::cli
