#include "cli/job_time.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/url.h"
#include "cli/http_client.h"
#include "cli/time_argument.h"
#include "model/record_json.h"

namespace rankscope::cli {

base::Result<JobTime> JobTimeOf(const std::string& server, const std::string& job) {
  JobTime time{"", base::WallNow()};
  if (job.empty()) return time;
  RETURN_IF_ERROR(GetLines(server, "/api/v1/jobs/" + base::UrlEncode(job), [&](std::string_view line) {
    auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object()) return false;
    time.state = json.value("state", "");
    auto heard = ParseTimeArgument(json.value("last_heard", ""), 0);
    if (time.state != "running" && heard.ok()) time.reference = *heard;
    return false;
  }));
  return time;
}

bool IsRelative(const std::string& text) {
  auto early = ParseTimeArgument(text, 0), late = ParseTimeArgument(text, base::kNsPerSecond);
  return early.ok() && late.ok() && *early != *late;
}

void SayReference(const JobTime& time) {
  if (time.state.empty()) return;
  const char* from = time.state == "running" ? "the job is running: times count back from now"
                     : time.state == "lost"
                         ? "nothing is heard of the job any more: times count back from its last record"
                         : "the job has ended: times count back from its last record";
  std::fprintf(stderr, "rankscope: %s, %s\n", from, model::FormatTime(time.reference).c_str());
}

base::Result<std::string> SinceOf(const JobTime& time, const std::string& since) {
  if (since.empty()) return std::string();
  auto from = ParseTimeArgument(since, time.reference);
  if (!from.ok()) return from.status().WithContext("--since");
  if (IsRelative(since)) SayReference(time);
  return model::FormatTime(*from);
}

}  // namespace rankscope::cli
