#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "api/http_server.h"
#include "catalog/incidents.h"

namespace rankscope::api {

// Incidents as they change, as server-sent events: `id:` is a change number, `data:` the incident's JSON form. One
// thread looks for changes five times a second, as long as somebody listens. States that follow each other more quickly
// may be left out, the last one never. Who does not read is sent no more. A comment is the heartbeat.
class IncidentTail {
 public:
  explicit IncidentTail(catalog::Incidents* incidents) : incidents_(incidents) {}
  ~IncidentTail();

  // Sends what is there, then what changes, until the client leaves. State and limit are of what is there first: who
  // has seen an incident open is to see it resolved.
  void Serve(const catalog::IncidentFilter& filter, const std::shared_ptr<Responder>& reply);

 private:
  struct Client {
    catalog::IncidentFilter filter;  // changed_after: the last change that it was sent
    std::shared_ptr<Responder> reply;
    int64_t last_word = 0;  // monotonic
  };
  void Loop();
  void Look();
  // False: the client is gone.
  bool Send(Client* client, uint64_t last_change);

  catalog::Incidents* incidents_;
  std::mutex mutex_;  // guards what follows; the clients' contents are the thread's own
  std::condition_variable wake_;
  std::map<uint64_t, std::shared_ptr<Client>> clients_;
  uint64_t last_id_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace rankscope::api
