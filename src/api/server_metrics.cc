#include "api/server_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>

namespace rankscope::api {

void AppendMetricHead(std::string_view name, std::string_view type, std::string_view help, std::string* out) {
  *out += "# HELP " + std::string(name) + " " + std::string(help) + "\n# TYPE " + std::string(name) + " " +
          std::string(type) + "\n";
}

void AppendMetric(const std::string& name, double value, std::string* out) {
  char text[64];
  std::snprintf(text, sizeof text, " %.17g\n", value);
  *out += name + text;
}

namespace {

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double ResidentBytes() {
  long pages = 0, resident = 0;
  FILE* file = std::fopen("/proc/self/statm", "r");
  if (!file) return 0;
  bool read = std::fscanf(file, "%ld %ld", &pages, &resident) == 2;
  std::fclose(file);
  return read ? static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) : 0;
}

void AppendProcess(std::string* out) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  AppendMetricHead("process_cpu_seconds_total", "counter", "User and system CPU time.", out);
  AppendMetric("process_cpu_seconds_total", Seconds(usage.ru_utime) + Seconds(usage.ru_stime), out);
  AppendMetricHead("process_resident_memory_bytes", "gauge", "Resident memory.", out);
  AppendMetric("process_resident_memory_bytes", ResidentBytes(), out);
}

}  // namespace

void ServerMetrics::CountRequest(const std::string& route, int status) {
  std::lock_guard lock(mutex_);
  ++requests_[{route, status}];
}

void ServerMetrics::CountQuery(int64_t took_ns, uint64_t rows, std::string_view limit) {
  std::lock_guard lock(mutex_);
  ++queries_;
  rows_ += rows;
  query_ns_ += took_ns;
  if (!limit.empty()) ++limits_[std::string(limit)];
}

void ServerMetrics::CountIngested(const std::string& project, uint64_t records) {
  std::lock_guard lock(mutex_);
  ingested_[project] += records;
}

void ServerMetrics::CountExpired(const std::string& project, uint64_t segments, uint64_t records, uint64_t bytes) {
  std::lock_guard lock(mutex_);
  Expired& expired = expired_[project];
  expired.segments += segments;
  expired.records += records;
  expired.bytes += bytes;
}

void ServerMetrics::CountRuleReload(bool taken) {
  std::lock_guard lock(mutex_);
  ++(taken ? rule_reloads_.taken : rule_reloads_.refused);
}

void ServerMetrics::CountNotifyReload(bool taken) {
  std::lock_guard lock(mutex_);
  ++(taken ? notify_reloads_.taken : notify_reloads_.refused);
}

std::string ServerMetrics::Text() const {
  std::string out;
  std::lock_guard lock(mutex_);
  AppendMetricHead("rankscope_http_requests_total", "counter", "Answers begun, by route and status.", &out);
  for (const auto& [key, count] : requests_) {
    AppendMetric(
        "rankscope_http_requests_total{route=\"" + key.first + "\",status=\"" + std::to_string(key.second) + "\"}",
        static_cast<double>(count), &out);
  }
  AppendMetricHead("rankscope_query_seconds", "summary", "Time that queries took, the client's reading included.",
                   &out);
  AppendMetric("rankscope_query_seconds_sum", static_cast<double>(query_ns_) / 1e9, &out);
  AppendMetric("rankscope_query_seconds_count", static_cast<double>(queries_), &out);
  AppendMetricHead("rankscope_query_rows_total", "counter", "Rows answered.", &out);
  AppendMetric("rankscope_query_rows_total", static_cast<double>(rows_), &out);
  AppendMetricHead("rankscope_query_partial_total", "counter", "Queries that met a limit or were cancelled, by which.",
                   &out);
  for (const auto& [limit, count] : limits_) {
    AppendMetric("rankscope_query_partial_total{limit=\"" + limit + "\"}", static_cast<double>(count), &out);
  }
  AppendMetricHead("rankscope_ingest_records_total", "counter", "Records taken in, without those held before.", &out);
  for (const auto& [project, count] : ingested_) {
    AppendMetric("rankscope_ingest_records_total{project=\"" + project + "\"}", static_cast<double>(count), &out);
  }
  auto expired = [&](const char* name, const char* help, uint64_t Expired::*count) {
    AppendMetricHead(name, "counter", help, &out);
    for (const auto& [project, counts] : expired_)
      AppendMetric(std::string(name) + "{project=\"" + project + "\"}", static_cast<double>(counts.*count), &out);
  };
  expired("rankscope_retention_segments_total", "Segments that retention removed.", &Expired::segments);
  expired("rankscope_retention_records_total", "Records in them.", &Expired::records);
  expired("rankscope_retention_bytes_total", "Their size on disk.", &Expired::bytes);
  auto reloads = [&](const std::string& name, const char* help, const Reloads& counts) {
    AppendMetricHead(name, "counter", help, &out);
    AppendMetric(name + "{outcome=\"taken\"}", static_cast<double>(counts.taken), &out);
    AppendMetric(name + "{outcome=\"refused\"}", static_cast<double>(counts.refused), &out);
  };
  reloads("rankscope_rule_reloads_total", "Times that the rules were read again, by whether they were taken.",
          rule_reloads_);
  reloads("rankscope_notify_reloads_total", "Likewise the notification file.", notify_reloads_);
  AppendProcess(&out);
  return out;
}

}  // namespace rankscope::api
