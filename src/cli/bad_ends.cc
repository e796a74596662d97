#include "cli/bad_ends.h"

#include <algorithm>
#include <cstdio>

#include "base/shell_word.h"
#include "base/url.h"
#include "cli/http_client.h"
#include "cli/listing.h"
#include "cli/query_command.h"
#include "cli/table.h"
#include "parse/traceback_lines.h"

namespace rankscope::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMostEnds = 8;

size_t CountBadEnds(const Json& job, int64_t attempt) {
  const Json ranks = job.value("ranks", Json::array());
  return static_cast<size_t>(std::count_if(ranks.begin(), ranks.end(), [attempt](const Json& rank) {
    std::string exit = rank.value("exit", "");
    bool is_bad = !exit.empty() && exit != "exit 0" && exit != "unknown";
    return is_bad && rank.value("attempt", int64_t{0}) == attempt;
  }));
}

// "SIGKILL" of "rank 2 ended: SIGKILL".
std::string HowItEnded(const std::string& message) {
  constexpr std::string_view kBefore = " ended: ";
  size_t at = message.find(kBefore);
  return at == std::string::npos ? message : message.substr(at + kBefore.size());
}

}  // namespace

BadEnds::BadEnds(std::string server, const Json& job)
    : server_(std::move(server)), job_(job.value("job_id", "")), attempt_(job.value("attempt", int64_t{0})) {
  all_ = CountBadEnds(job, attempt_);
}

base::Status BadEnds::Load() {
  if (all_ == 0) return {};
  // An end of which nobody knew how is told once more when somebody does.
  std::string filter =
      "event:rank_exit rank:>=0 attempt:" + std::to_string(attempt_) + " -exit_code:0 -exit_source:unknown";
  std::string query = WithJob(job_, filter) + " | limit " + std::to_string(kMostEnds);
  return GetRows(server_, "/api/v1/query?query=" + base::UrlEncode(query), [this](const Json& event) {
    Take(event);
    return true;
  });
}

void BadEnds::Take(const Json& event) {
  End end;
  end.rank = event.value("rank", int64_t{-1});
  end.time = event.value("timestamp", std::string(24, ' '));
  end.host = event.value("host", "-");
  end.how = HowItEnded(event.value("msg", ""));
  end.last_words = parse::LastWordsOf(event.value("tail", ""));
  first_.push_back(std::move(end));
}

void BadEnds::Print(size_t width) const {
  if (first_.empty()) return;
  std::printf("\nended badly, in this order (rankscope jobs show %s)\n", base::ShellWord(job_).c_str());
  auto who_of = [](const End& end) { return "rank " + std::to_string(end.rank) + " on " + ShownValue(Json(end.host)); };
  size_t who = 0, how = 0;
  for (const End& end : first_) {
    who = std::max(who, DisplayWidth(who_of(end)));
    how = std::max(how, DisplayWidth(ShownValue(Json(end.how))));
  }
  for (const End& end : first_) {
    std::string words = end.last_words.empty() ? "-" : ShownValue(Json(end.last_words));
    std::string line = "  " + end.time.substr(11, 12) + "  " + Padded(who_of(end), who) + "  " +
                       Padded(ShownValue(Json(end.how)), how) + "  " + words;
    std::printf("%s\n", CutToWidth(line, width).c_str());
  }
  if (all_ > first_.size()) std::printf("  … %zu after these\n", all_ - first_.size());
}

Json BadEnds::ToJson() const {
  Json ends = Json::array();
  for (const End& end : first_) {
    ends.push_back({{"timestamp", end.time},
                    {"rank", end.rank},
                    {"host", end.host},
                    {"how", end.how},
                    {"last_words", end.last_words}});
  }
  return ends;
}

bool BadEnds::Tells(int64_t rank, const std::string& words) const {
  return std::any_of(first_.begin(), first_.end(),
                     [&](const End& end) { return end.rank == rank && end.last_words == words; });
}

}  // namespace rankscope::cli
