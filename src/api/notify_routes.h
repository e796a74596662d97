#pragma once

#include <memory>
#include <string>

#include "api/http_server.h"
#include "notify/live_notifier.h"

namespace rankscope::api {

// The routes of notifications: who was told what of the project's incidents and jobs, how the channels do, and the
// project's silences. All answer 404 where the server tells nobody.
class NotifyRoutes {
 public:
  // `notifier` null: nobody is told.
  NotifyRoutes(notify::LiveNotifier* notifier, std::string project)
      : notifier_(notifier), project_(std::move(project)) {}

  // channel=, job_id=, incident=, limit=N (1000): newest first, a line a word to a channel.
  void Tellings(const Request& request, const std::shared_ptr<Responder>& reply) const;
  // A line a channel: those of the whole server.
  void Channels(const std::shared_ptr<Responder>& reply) const;
  // Body {"channel": NAME}: sends a test on it, and answers what came back. Blocks.
  void Test(const Request& request, const std::shared_ptr<Responder>& reply) const;

  void ListSilences(const std::shared_ptr<Responder>& reply) const;
  // Body {"matchers": [TEXT], "for": DURATION, "note": WHY, "by": WHO}. Answers the silence.
  void AddSilence(const Request& request, const std::shared_ptr<Responder>& reply) const;
  void EndSilence(const std::shared_ptr<Responder>& reply, const std::string& id) const;

  // What the channels have done, for Prometheus; empty where the server tells nobody.
  std::string MetricsText() const;

 private:
  base::Result<notify::LiveNotifier::Use> Get() const;

  notify::LiveNotifier* notifier_;
  const std::string project_;
};

}  // namespace rankscope::api
