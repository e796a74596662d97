#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "notify/matcher.h"

namespace rankscope::notify {

// Nobody is told of what its matchers match, from `starts` up to `ends`: but who was told that something fires is told
// of its end. Data, not configuration: people make and end them.
struct Silence {
  std::string id;
  std::vector<std::string> matchers;
  base::TimeNs starts = 0, ends = 0;
  std::string by, reason;
  std::string project = {};  // only its updates; empty: all

  bool operator==(const Silence&) const = default;
};

// The silences that hold. Thread-compatible.
class Silences {
 public:
  static constexpr size_t kMost = 1000;  // each is compared with each update
  // kInvalid: no matcher, one that is wrong, no reason, nobody's, one that ends before it begins, or one too many.
  base::Status Add(Silence silence);
  // Forgets those that ended before `now`.
  void Expire(base::TimeNs now);
  void Remove(const std::string& id);
  std::vector<Silence> All() const;
  // The silence that keeps the update from being told; null: none.
  const Silence* Of(const Update& update, base::TimeNs now) const;

 private:
  struct Entry {
    Silence silence;
    std::vector<Matcher> matchers;
  };
  std::vector<Entry> entries_;
};

}  // namespace rankscope::notify
