#include "api/server_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>

namespace rankscope::api {
namespace {

void Head(std::string_view name, std::string_view type, std::string_view help, std::string* out) {
  *out += "# HELP " + std::string(name) + " " + std::string(help) + "\n# TYPE " + std::string(name) + " " +
          std::string(type) + "\n";
}

void Value(const std::string& name, double value, std::string* out) {
  char text[64];
  std::snprintf(text, sizeof text, " %.17g\n", value);
  *out += name + text;
}

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
  Head("process_cpu_seconds_total", "counter", "User and system CPU time.", out);
  Value("process_cpu_seconds_total", Seconds(usage.ru_utime) + Seconds(usage.ru_stime), out);
  Head("process_resident_memory_bytes", "gauge", "Resident memory.", out);
  Value("process_resident_memory_bytes", ResidentBytes(), out);
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

void ServerMetrics::CountExpired(const std::string& project, uint64_t segments, uint64_t records, uint64_t bytes) {
  std::lock_guard lock(mutex_);
  Expired& expired = expired_[project];
  expired.segments += segments;
  expired.records += records;
  expired.bytes += bytes;
}

void ServerMetrics::CountRuleReload(bool taken) {
  std::lock_guard lock(mutex_);
  ++(taken ? reloads_taken_ : reloads_refused_);
}

std::string ServerMetrics::Text() const {
  std::string out;
  std::lock_guard lock(mutex_);
  Head("rankscope_http_requests_total", "counter", "Answers begun, by route and status.", &out);
  for (const auto& [key, count] : requests_) {
    Value("rankscope_http_requests_total{route=\"" + key.first + "\",status=\"" + std::to_string(key.second) + "\"}",
          static_cast<double>(count), &out);
  }
  Head("rankscope_query_seconds", "summary", "Time that queries took, the client's reading included.", &out);
  Value("rankscope_query_seconds_sum", static_cast<double>(query_ns_) / 1e9, &out);
  Value("rankscope_query_seconds_count", static_cast<double>(queries_), &out);
  Head("rankscope_query_rows_total", "counter", "Rows answered.", &out);
  Value("rankscope_query_rows_total", static_cast<double>(rows_), &out);
  Head("rankscope_query_partial_total", "counter", "Queries that met a limit or were cancelled, by which.", &out);
  for (const auto& [limit, count] : limits_) {
    Value("rankscope_query_partial_total{limit=\"" + limit + "\"}", static_cast<double>(count), &out);
  }
  auto expired = [&](const char* name, const char* help, uint64_t Expired::*count) {
    Head(name, "counter", help, &out);
    for (const auto& [project, counts] : expired_)
      Value(std::string(name) + "{project=\"" + project + "\"}", static_cast<double>(counts.*count), &out);
  };
  expired("rankscope_retention_segments_total", "Segments that retention removed.", &Expired::segments);
  expired("rankscope_retention_records_total", "Records in them.", &Expired::records);
  expired("rankscope_retention_bytes_total", "Their size on disk.", &Expired::bytes);
  Head("rankscope_rule_reloads_total", "counter", "Times that the rules were read again, by whether they were taken.",
       &out);
  Value("rankscope_rule_reloads_total{outcome=\"taken\"}", static_cast<double>(reloads_taken_), &out);
  Value("rankscope_rule_reloads_total{outcome=\"refused\"}", static_cast<double>(reloads_refused_), &out);
  AppendProcess(&out);
  return out;
}

}  // namespace rankscope::api
