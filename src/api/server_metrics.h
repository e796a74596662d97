#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace rankscope::api {

// What this server has done, for Prometheus. Any thread.
class ServerMetrics {
 public:
  void CountRequest(const std::string& route, int status);
  // `limit`: the one that the query met, or empty.
  void CountQuery(int64_t took_ns, uint64_t rows, std::string_view limit);

  // What retention removed of a project.
  void CountExpired(const std::string& project, uint64_t segments, uint64_t records, uint64_t bytes);

  // Whether rules that were read again were taken.
  void CountRuleReload(bool taken);

  // The text format, version 0.0.4, with the process's memory and CPU time.
  std::string Text() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, int>, uint64_t> requests_;
  std::map<std::string, uint64_t, std::less<>> limits_;
  struct Expired {
    uint64_t segments = 0, records = 0, bytes = 0;
  };
  std::map<std::string, Expired> expired_;  // by project
  uint64_t reloads_taken_ = 0, reloads_refused_ = 0;
  uint64_t queries_ = 0, rows_ = 0;
  int64_t query_ns_ = 0;
};

}  // namespace rankscope::api
