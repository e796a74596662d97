#include "cli/actions_command.h"

#include <poll.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/url.h"
#include "cli/http_client.h"

namespace rankscope::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kLookEveryMs = 50;
constexpr int64_t kSayEveryNs = 3 * base::kNsPerSecond;

volatile std::sig_atomic_t interrupted = 0;

// Ctrl-C ends the waiting, not what is waited for.
class InterruptWatch {
 public:
  InterruptWatch() {
    struct sigaction action {};
    action.sa_handler = [](int) { interrupted = 1; };
    action.sa_flags = SA_RESTART;
    sigaction(SIGINT, &action, &before_);
  }
  ~InterruptWatch() { sigaction(SIGINT, &before_, nullptr); }
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

 private:
  struct sigaction before_ {};
};

// What is under way is said when it is something else, and then every few seconds.
class Progress {
 public:
  void Say(const std::string& job, const std::string& outcome, const std::string& summary) {
    int64_t now = base::MonotonicNow();
    bool news = outcome != outcome_ || now - said_ns_ >= kSayEveryNs;
    if (summary.empty() || summary == summary_ || !news) return;
    std::fprintf(stderr, "%s: %s\n", job.c_str(), summary.c_str());
    outcome_ = outcome;
    summary_ = summary;
    said_ns_ = now;
  }

 private:
  std::string outcome_, summary_;
  int64_t said_ns_ = 0;
};

std::string Text(const Json& object, const char* name) {
  auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// "rank 3", "ranks 0-2,5".
std::string Named(const std::set<int64_t>& ranks) {
  std::string text;
  for (auto first = ranks.begin(); first != ranks.end();) {
    auto last = first;
    for (auto next = std::next(last); next != ranks.end() && *next == *last + 1; ++next) last = next;
    text += (text.empty() ? "" : ",") + std::to_string(*first) + (last == first ? "" : "-" + std::to_string(*last));
    first = std::next(last);
  }
  return (ranks.size() == 1 ? "rank " : "ranks ") + text;
}

// Ranks that say the same, a line; those of few last, since they are the odd ones.
void PrintRanks(const Json& report) {
  std::map<std::pair<std::string, std::string>, std::set<int64_t>> groups;
  for (const Json& rank : report["ranks"]) {
    groups[{Text(rank, "outcome"), Text(rank, "detail")}].insert(rank.value("rank", int64_t{0}));
  }
  std::vector<std::pair<std::set<int64_t>, std::string>> lines;
  lines.reserve(groups.size());
  for (const auto& [said, ranks] : groups) {
    lines.emplace_back(ranks, said.second.empty() ? said.first : said.first + ": " + said.second);
  }
  std::stable_sort(lines.begin(), lines.end(),
                   [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
  for (const auto& [ranks, said] : lines) std::printf("  %s %s\n", Named(ranks).c_str(), said.c_str());
}

void Print(const ActionOptions& options, const Json& report) {
  if (options.json) {
    std::printf("%s\n", base::JsonText(report).c_str());
    return;
  }
  std::printf("%s: %s\n", options.job.c_str(), Text(report, "summary").c_str());
  PrintRanks(report);
  if (options.action == "dump_stacks" && Text(report, "outcome") != "refused") {
    std::printf("whole: rankscope query 'job:%s stream:stack action_id:%s'\n", options.job.c_str(),
                Text(report, "id").c_str());
  }
}

base::Status Take(std::string_view line, Json* report) {
  *report = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (report->is_object() && report->contains("ranks")) return {};
  return base::Status::Unavailable("the server's answer is not an action's report");
}

base::Result<Json> BeginAction(const ActionOptions& options) {
  Json body = {{"action", options.action}, {"by", options.by}, {"note", options.note}};
  if (options.hold_s > 0) body["hold_s"] = options.hold_s;
  Json report;
  base::Status status;
  RETURN_IF_ERROR(PostLines(options.server, "/api/v1/jobs/" + base::UrlEncode(options.job) + "/actions",
                            base::JsonText(body), [&](std::string_view line) {
                              status = Take(line, &report);
                              return true;
                            }));
  RETURN_IF_ERROR(status);
  return report;
}

base::Status LookAgain(const ActionOptions& options, Json* report) {
  base::Status status;
  RETURN_IF_ERROR(
      GetLines(options.server, "/api/v1/actions/" + base::UrlEncode(Text(*report, "id")), [&](std::string_view line) {
        status = Take(line, report);
        return true;
      }));
  return status;
}

base::Status Interrupted(const ActionOptions& options) {
  std::string goes_on = options.job + ": " + options.action + " goes on without this command";
  if (options.action != "pause_job" && options.action != "stop_job") return base::Status::Unavailable(goes_on);
  return base::Status::Unavailable(goes_on + "; `rankscope resume " + options.job + "` withdraws it");
}

}  // namespace

base::Status RunAction(const ActionOptions& options) {
  InterruptWatch watch;
  ASSIGN_OR_RETURN(Json report, BeginAction(options));
  Progress progress;
  while (Text(report, "state") == "running") {
    if (interrupted) return Interrupted(options);
    if (!options.json) progress.Say(options.job, Text(report, "outcome"), Text(report, "summary"));
    poll(nullptr, 0, kLookEveryMs);
    RETURN_IF_ERROR(LookAgain(options, &report));
  }
  std::string outcome = Text(report, "outcome");
  if (outcome == "refused" && !options.json)
    return base::Status::Unavailable(options.job + ": " + Text(report, "summary"));
  Print(options, report);
  if (outcome != "refused" && outcome != "given_up" && outcome != "incomplete") return {};
  return base::Status::Unavailable(options.job + ": " + options.action + ": " + outcome);
}

}  // namespace rankscope::cli
