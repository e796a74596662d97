#include "live_settings.h"

#include "cli/rule_files.h"

namespace rankscope {

base::Status LiveSettings::Load() {
  if (options_.detect) {
    ASSIGN_OR_RETURN(rules_, files_.Load());
  }
  if (!options_.notify.empty()) {
    ASSIGN_OR_RETURN(notifier_,
                     notify::LiveNotifier::Start({options_.notify, options_.data_dir + "/notify.sqlite", Say}));
  }
  NameUnknownChannels();
  return {};
}

void LiveSettings::Reload(bool all, Projects* projects) {
  bool anew = options_.detect && (all || files_.HaveChanged()) && ReloadRules(projects);
  anew = (notifier_ && (all || notifier_->HasChanged()) && ReloadNotify()) || anew;
  if (anew) NameUnknownChannels();
}

// Whether they are new.
bool LiveSettings::ReloadRules(Projects* projects) {
  auto rules = files_.Load();
  metrics_->CountRuleReload(rules.ok());
  if (rules.ok()) {
    projects->UseRules(*rules);
    rules_ = *rules;
    Say("the rules were read again: " + std::to_string((*rules)->rules().size()) + " of them");
  } else {
    Say("the rules stay as they were: " + rules.status().message());
  }
  return rules.ok();
}

// Likewise. What goes on is said once.
bool LiveSettings::ReloadNotify() {
  auto status = notifier_->Reload();
  metrics_->CountNotifyReload(status.ok());
  std::string said =
      status.ok() ? "the notification file was read again" : "notifications stay as they were: " + status.message();
  if (status.ok() || said != notify_said_) Say(said);
  notify_said_ = said;
  return status.ok();
}

// Of webhooks: what such a rule finds is told by the routes alone.
void LiveSettings::NameUnknownChannels() const {
  if (!rules_) return;
  auto config = notifier_ ? notifier_->Get().config() : nullptr;
  for (const std::string& sentence : cli::UnknownChannels(rules_->rules(), config.get())) Say(sentence);
}

}  // namespace rankscope
