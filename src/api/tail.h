#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "api/http_server.h"
#include "query/log_source.h"
#include "query/query.h"

namespace rankscope::api {

// All live tails: one subscription to the source, one ticker thread that releases records in the order of their times
// after kReorder, and a queue per client. A slow client loses records, counted and said in its own stream; it never
// slows the others nor ingest.
class TailHub {
 public:
  static constexpr int64_t kReorder = 80 * base::kNsPerMs;
  static constexpr int64_t kHeartbeat = 5 * base::kNsPerSecond;

  explicit TailHub(query::LogSource* source);
  ~TailHub();

  // Sends the last `last` matches, then goes on until the client leaves.
  void Serve(query::Query query, uint64_t last, const std::shared_ptr<Responder>& responder);

 private:
  struct Held {
    int64_t due;  // monotonic
    model::Record record;
  };
  struct Client {
    query::Query query;
    std::shared_ptr<Responder> responder;
    std::deque<Held> held;
    bool live = false;                                   // history is sent
    std::set<std::pair<std::string, uint64_t>> history;  // what it sent, by origin and seq
    uint64_t dropped = 0;
    int64_t last_word = 0;
  };

  void OnAppend(const model::RecordBatch& records);
  void Loop();
  void Release(Client* client, int64_t now);
  void Say(Client* client, std::string_view line);

  query::LogSource* source_;
  uint64_t subscription_ = 0;
  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::map<uint64_t, std::shared_ptr<Client>> clients_;
  uint64_t last_id_ = 0;
  bool stopping_ = false;
  std::thread ticker_;
};

}  // namespace rankscope::api
