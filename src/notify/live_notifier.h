#pragma once

#include <functional>
#include <memory>
#include <shared_mutex>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "notify/notifier.h"

namespace rankscope::notify {

// The notifier of a running server, whose configuration is read anew while it runs. Any thread.
class LiveNotifier {
 public:
  struct Options {
    std::string config_path, log_path;
    std::function<void(const std::string&)> warn;  // see Notifier::Options
  };
  // kInvalid, "FILE:LINE:COLUMN: …": the configuration is refused whole. Else as Notifier::Start.
  static base::Result<std::unique_ptr<LiveNotifier>> Start(Options options);

  // The notifier, which is not exchanged while this is held: only briefly.
  class Use {
   public:
    Notifier* operator->() const { return notifier_; }
    Notifier& operator*() const { return *notifier_; }
    // Null: the delivery log could not be opened again, and whoever has something to tell comes again later.
    explicit operator bool() const { return notifier_ != nullptr; }
    const std::shared_ptr<const Config>& config() const { return config_; }

   private:
    friend class LiveNotifier;
    explicit Use(const LiveNotifier& live)
        : lock_(live.mutex_), notifier_(live.notifier_.get()), config_(live.config_) {}
    std::shared_lock<std::shared_mutex> lock_;
    Notifier* notifier_;
    std::shared_ptr<const Config> config_;
  };
  Use Get() const { return Use(*this); }

  // Whether the file looks different from when it was read last, or there is no notifier. One thread, as Reload.
  bool HasChanged() const { return !running_ || Look() != seen_; }
  // Reads the file; all or nothing: with a mistake in it the configuration before stays. What waits to be told is told
  // by the new one.
  base::Status Reload();

 private:
  using FileLook = std::tuple<uint64_t, int64_t, int64_t>;  // inode, bytes, time of the last change
  explicit LiveNotifier(Options options) : options_(std::move(options)) {}
  FileLook Look() const;
  base::Status StartWith(std::shared_ptr<const Config> config);

  const Options options_;
  FileLook seen_;
  bool running_ = false;
  mutable std::shared_mutex mutex_;  // guards what follows
  std::shared_ptr<const Config> config_;
  std::unique_ptr<Notifier> notifier_;
};

}  // namespace rankscope::notify
