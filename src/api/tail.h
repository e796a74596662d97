#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

#include "api/http_server.h"
#include "model/filter.h"
#include "query/log_source.h"
#include "query/query.h"

namespace rankscope::api {

// All live tails: one subscription to the source, and one thread that matches what was appended with each client's
// query and releases it in the order of times after kReorder. The appending thread only hands batches over. A slow
// client loses records, and so do all when batches come faster than they are looked at: counted and said in the
// client's own stream.
class TailHub {
 public:
  static constexpr int64_t kReorder = 80 * base::kNsPerMs;
  static constexpr int64_t kHeartbeat = 5 * base::kNsPerSecond;
  static constexpr uint64_t kMaxLast = 100'000;

  explicit TailHub(query::LogSource* source);
  ~TailHub();

  // kLines: an object a line, a blank line as heartbeat. kEvents: server-sent events, a comment as heartbeat.
  enum class Format : uint8_t { kLines, kEvents };

  // Sends the last `last` matches of the query's filter, at most kMaxLast, then goes on until the client leaves.
  // kInvalid, and nothing is answered: the query has pipes.
  base::Status Serve(const query::Query& query, uint64_t last, Format format,
                     const std::shared_ptr<Responder>& responder);

 private:
  using Records = std::shared_ptr<const model::RecordBatch>;
  struct Batch {
    uint64_t number;  // from 1, in the order of arrival
    int64_t due;      // monotonic
    Records records;
  };
  struct Held {
    uint64_t batch;
    int64_t due;
    model::Record record;
  };
  struct Client {
    Client(const query::Query& query, model::Matcher matcher, Format format, std::shared_ptr<Responder> responder)
        : project(query.project), matcher(std::move(matcher)), format(format), responder(std::move(responder)) {}

    const std::string project;
    const model::Matcher matcher;
    const Format format;
    std::shared_ptr<Responder> responder;
    uint64_t after;  // the last batch before it came
    // Guarded by mutex_ until it is live, then the ticker's. What the history shows of batches up to `history_until` is
    // not sent again, nor what is older: such a batch may have come during the scan.
    bool live = false;
    std::unordered_multiset<size_t> history;  // hashes of records as JSON
    uint64_t history_until = 0;
    std::optional<std::pair<base::TimeNs, uint64_t>> history_from;  // time and seq; what is older was not asked for
    // The ticker's.
    std::deque<Held> held;
    uint64_t dropped = 0, missed = 0;
    int64_t last_word = 0;
  };

  void OnAppend(const Records& records);
  bool SendHistory(const query::Query& query, uint64_t last, Client* client, std::unordered_multiset<size_t>* sent);
  void Loop();
  void Tick();
  static void Take(const Batch& batch, Client* client);
  static void Release(Client* client, uint64_t newest, int64_t now);
  static void Confess(Client* client);
  static bool WasSent(Client* client, const Held& held, const std::string& json);
  static bool Say(Client* client, std::string_view json);

  query::LogSource* source_;
  uint64_t subscription_ = 0;
  std::mutex mutex_;  // guards what follows; never held while records are matched or encoded
  std::condition_variable wake_;
  std::map<uint64_t, std::shared_ptr<Client>> clients_;
  uint64_t last_id_ = 0;
  uint64_t batches_ = 0;        // that came
  std::deque<Batch> arrived_;   // for the ticker
  size_t arrived_records_ = 0;  // in it
  uint64_t missed_ = 0;         // records that did not fit in
  bool stopping_ = false;
  std::thread ticker_;
};

}  // namespace rankscope::api
