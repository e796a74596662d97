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
#include "model/filter.h"
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

  // kLines: an object a line, a blank line as heartbeat. kEvents: server-sent events, a comment as heartbeat.
  enum class Format : uint8_t { kLines, kEvents };

  // Sends the last `last` matches of the query's filter, then goes on until the client leaves. kInvalid, and nothing
  // is answered: the query has pipes.
  base::Status Serve(const query::Query& query, uint64_t last, Format format,
                     const std::shared_ptr<Responder>& responder);

 private:
  struct Held {
    int64_t due;  // monotonic
    model::Record record;
  };
  struct Client {
    Client(const query::Query& query, model::Matcher matcher, Format format, std::shared_ptr<Responder> responder)
        : project(query.project), matcher(std::move(matcher)), format(format), responder(std::move(responder)) {}

    const std::string project;
    const model::Matcher matcher;
    const Format format;
    std::shared_ptr<Responder> responder;
    std::deque<Held> held;
    bool live = false;                                   // history is sent
    std::set<std::pair<std::string, uint64_t>> history;  // what it sent, by origin and seq
    uint64_t dropped = 0;
    int64_t last_word = 0;
  };

  std::vector<model::Record> LastMatches(const query::Query& query, uint64_t last) const;
  void OnAppend(const model::RecordBatch& records);
  void Loop();
  void Release(Client* client, int64_t now);
  static void Say(Client* client, std::string_view json);
  static std::string Framed(Format format, std::string_view json);

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
