#pragma once

#include <memory>
#include <string>

#include "api/server_metrics.h"
#include "commands.h"
#include "live_rules.h"
#include "notify/live_notifier.h"
#include "projects.h"

namespace rankscope {

// What a server reads again while it runs: its rules and its notification file. One thread.
class LiveSettings {
 public:
  LiveSettings(const ServeOptions& options, std::shared_ptr<api::ServerMetrics> metrics)
      : options_(options), metrics_(std::move(metrics)), files_(options.rules) {}

  // Before anything else.
  base::Status Load();
  // What has changed, or `all`. With a mistake in a file, what was read of it before stays.
  void Reload(bool all, Projects* projects);

  // Null: nothing is detected.
  const std::shared_ptr<const detect::RuleSet>& rules() const { return rules_; }
  // Null: nobody is told.
  notify::LiveNotifier* notifier() const { return notifier_.get(); }

 private:
  bool ReloadRules(Projects* projects);
  bool ReloadNotify();
  void NameUnknownChannels() const;

  const ServeOptions options_;
  const std::shared_ptr<api::ServerMetrics> metrics_;
  LiveRules files_;
  std::shared_ptr<const detect::RuleSet> rules_;
  std::unique_ptr<notify::LiveNotifier> notifier_;
  std::string notify_said_;  // of its last reload
};

}  // namespace rankscope
