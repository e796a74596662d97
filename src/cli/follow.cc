#include "cli/follow.h"

#include <poll.h>

#include <algorithm>
#include <cstdio>

#include "base/clock.h"
#include "base/url.h"
#include "cli/http_client.h"
#include "cli/record_lines.h"
#include "cli/shown_lines.h"

namespace rankscope::cli {
namespace {

constexpr int kFirstWaitMs = 100, kLongestWaitMs = 2000;
constexpr int64_t kSteady = 10 * base::kNsPerSecond;  // a reading that lasted so long was no mere attempt
constexpr uint64_t kMostHistory = 100'000;            // that a tail sends

class Follower {
 public:
  Follower(const FollowOptions& options, const std::function<bool(std::string_view)>& take,
           const std::function<bool()>& idle)
      : options_(options), take_(take), idle_(idle), shown_(options.last, base::WallNow()) {}

  base::Status Run() {
    base::Status status = Tail(options_.server, options_.last);
    while (!left_ && !gave_up_ && IsAway(status)) {
      std::string limit =
          options_.give_up_after_s > 0 ? " for " + std::to_string(options_.give_up_after_s) + " s at most" : "";
      std::fprintf(stderr, "rankscope: the server is gone; waiting for it%s\n", limit.c_str());
      status = GoOn();
    }
    return left_ ? base::Status() : status;
  }

 private:
  // One that ends in order ends its answers in order, too.
  static bool IsAway(const base::Status& status) { return status.ok() || status.code() == base::Code::kUnavailable; }

  // Waits for the server and reads on, until it goes again; gives up when it does not come back in time.
  base::Status GoOn() {
    int64_t gone = base::MonotonicNow();
    while (true) {
      poll(nullptr, 0, wait_ms_);
      wait_ms_ = std::min(wait_ms_ * 2, kLongestWaitMs);
      if (!Idle()) return {};
      auto server = options_.find_again();
      base::Status status = server.ok() ? CatchUp(*server) : server.status();
      if (status.ok()) return left_ ? status : ReadOn(*server);
      if (!IsAway(status)) return status;
      int64_t waited_s = (base::MonotonicNow() - gone) / base::kNsPerSecond;
      gave_up_ = options_.give_up_after_s > 0 && waited_s >= options_.give_up_after_s;
      if (gave_up_) return status;
    }
  }

  base::Status ReadOn(const std::string& server) {
    std::fputs("rankscope: the server is back\n", stderr);
    int64_t begun = base::MonotonicNow();
    base::Status status = Tail(server, kMostHistory);
    if (base::MonotonicNow() - begun >= kSteady) wait_ms_ = kFirstWaitMs;
    return status;
  }

  // All that is stored and not shown, however much: a tail's history has its limit.
  base::Status CatchUp(const std::string& server) {
    base::Status status = Read(server, "/api/v1/query?query=", "");
    if (status.code() != base::Code::kCorrupt) return status;
    std::fprintf(stderr, "rankscope: %s\n", status.message().c_str());  // it is damaged: go on behind it
    return {};
  }

  base::Status Tail(const std::string& server, uint64_t last) {
    return Read(server, "/api/v1/tail?query=", "&last=" + std::to_string(last));
  }

  base::Status Read(const std::string& server, const std::string& door, const std::string& parameters) {
    shown_.BeginAgain();
    std::string path = door + base::UrlEncode(options_.query + (anew_ ? shown_.Wanted() : "")) + parameters;
    anew_ = true;
    return GetRecords(
        server, path, [this](std::string_view line) { return Take(line); }, [this] { return Idle(); });
  }

  bool Take(std::string_view line) {
    if (!shown_.IsNew(line)) return true;
    shown_.Note(line, base::WallNow());
    left_ = left_ || !take_(line);
    return !left_;
  }

  bool Idle() {
    left_ = left_ || !idle_();
    return !left_;
  }

  const FollowOptions& options_;
  const std::function<bool(std::string_view)>& take_;
  const std::function<bool()>& idle_;
  ShownLines shown_;
  bool anew_ = false;  // not the first reading
  bool left_ = false;  // nobody reads any more
  bool gave_up_ = false;
  int wait_ms_ = kFirstWaitMs;
};

}  // namespace

base::Status Follow(const FollowOptions& options, const std::function<bool(std::string_view)>& take,
                    const std::function<bool()>& idle) {
  return Follower(options, take, idle).Run();
}

}  // namespace rankscope::cli
