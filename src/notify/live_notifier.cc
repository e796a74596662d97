#include "notify/live_notifier.h"

#include <sys/stat.h>

#include <mutex>

namespace rankscope::notify {

base::Result<std::unique_ptr<LiveNotifier>> LiveNotifier::Start(Options options) {
  std::unique_ptr<LiveNotifier> live(new LiveNotifier(std::move(options)));
  RETURN_IF_ERROR(live->Reload());
  return live;
}

// Looked at before it is read: a change meanwhile is seen at the next look.
base::Status LiveNotifier::Reload() {
  seen_ = Look();
  auto config = ReadConfig(options_.config_path);
  if (config.ok()) return StartWith(*std::move(config));
  if (!running_ && config_) RETURN_IF_ERROR(StartWith(config_));
  return config.status();
}

// One process has the delivery log open, and it once: the notifier before has to go first.
base::Status LiveNotifier::StartWith(std::shared_ptr<const Config> config) {
  std::unique_lock lock(mutex_);
  notifier_.reset();
  auto notifier = Notifier::Start({options_.log_path, config, {}, options_.warn});
  running_ = notifier.ok();
  config_ = std::move(config);
  if (!notifier.ok()) return notifier.status();
  notifier_ = *std::move(notifier);
  return {};
}

LiveNotifier::FileLook LiveNotifier::Look() const {
  struct stat info {};
  if (stat(options_.config_path.c_str(), &info) != 0) info = {};
  return {info.st_ino, info.st_size, info.st_mtim.tv_sec * base::kNsPerSecond + info.st_mtim.tv_nsec};
}

}  // namespace rankscope::notify
