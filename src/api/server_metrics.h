#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace rankscope::api {

// The text format, version 0.0.4: what precedes a metric's values, and a value. `name` has its labels.
void AppendMetricHead(std::string_view name, std::string_view type, std::string_view help, std::string* out);
void AppendMetric(const std::string& name, double value, std::string* out);

// What this server has done, for Prometheus. Any thread.
class ServerMetrics {
 public:
  void CountRequest(const std::string& route, int status);
  // `limit`: the one that the query met, or empty.
  void CountQuery(int64_t took_ns, uint64_t rows, std::string_view limit);

  // Records that a project has taken in.
  void CountIngested(const std::string& project, uint64_t records);

  // What retention removed of a project.
  void CountExpired(const std::string& project, uint64_t segments, uint64_t records, uint64_t bytes);

  // Whether rules that were read again were taken.
  void CountRuleReload(bool taken);

  // Likewise the notification file.
  void CountNotifyReload(bool taken);

  // The text format, version 0.0.4, with the process's memory and CPU time.
  std::string Text() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, int>, uint64_t> requests_;
  std::map<std::string, uint64_t, std::less<>> limits_;
  std::map<std::string, uint64_t> ingested_;  // by project
  struct Expired {
    uint64_t segments = 0, records = 0, bytes = 0;
  };
  std::map<std::string, Expired> expired_;  // by project
  struct Reloads {
    uint64_t taken = 0, refused = 0;
  };
  Reloads rule_reloads_, notify_reloads_;
  uint64_t queries_ = 0, rows_ = 0;
  int64_t query_ns_ = 0;
};

}  // namespace rankscope::api
