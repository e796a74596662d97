#include "monitor/incident_evidence.h"

#include <algorithm>
#include <vector>

#include "model/record_json.h"
#include "notify/text.h"

namespace rankscope::monitor {
namespace {

using model::Filter;

constexpr uint64_t kLines = 25, kMetrics = 50;
constexpr size_t kMostText = 1 << 10, kMostBytes = 120 << 10;  // of each of the two lists

Filter Is(const char* key, const std::string& value) {
  return Filter::Text(Filter::Kind::kEquals, key, value, /*case_sensitive=*/true);
}

Filter Lines() { return Filter::Or({Is("stream", "stdout"), Is("stream", "stderr")}); }

// Of whom, and when.
struct Place {
  std::string project, job;
  std::optional<int32_t> rank;
  base::TimeNs time = 0;
};

Place PlaceOf(const diagnose::Incident& incident) {
  Place place{incident.project, incident.job, {}, incident.started};
  if (incident.evidence.empty()) return place;
  place.rank = incident.evidence.front().origin.rank;
  place.time = incident.evidence.front().time;
  return place;
}

base::Result<std::vector<model::Record>> Side(store::Store* store, const Place& place, Filter what, bool before,
                                              uint64_t limit) {
  model::Scan scan;
  scan.project = place.project;
  std::vector<Filter> all;
  all.push_back(Is("job_id", place.job));
  if (place.rank) all.push_back(Filter::Range("rank", *place.rank, *place.rank));
  all.push_back(std::move(what));
  all.push_back(before ? Filter::Time(INT64_MIN, place.time) : Filter::Time(place.time, INT64_MAX));
  scan.filter = Filter::And(std::move(all));
  scan.newest_first = before;
  scan.limit = limit;
  std::vector<model::Record> records;
  base::Budget budget;
  RETURN_IF_ERROR(store->Read(scan, &budget, [&](const model::Record& record) {
    records.push_back(record);
    return true;
  }));
  return records;
}

void Cut(model::Record* record) {
  record->text = notify::CutBytes(record->text, kMostText);
  for (auto& [name, value] : record->fields) {
    if (auto* text = std::get_if<std::string>(&value)) *text = notify::CutBytes(*text, kMostText);
  }
}

// Those next to the place first, as long as there is room for them.
class Copy {
 public:
  bool Take(model::Record record) {
    Cut(&record);
    std::string json;
    model::AppendJson(record, &json);
    if (bytes_ + json.size() > kMostBytes) {
      ++left_out_;
      return false;
    }
    bytes_ += json.size();
    kept_.emplace_back(record.time, std::move(json));
    return true;
  }
  std::string Json() {
    std::stable_sort(kept_.begin(), kept_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::string list = "[";
    for (const auto& [time, json] : kept_) list += (list.size() > 1 ? "," : "") + json;
    return list + "]";
  }
  size_t left_out() const { return left_out_; }

 private:
  std::vector<std::pair<base::TimeNs, std::string>> kept_;
  size_t bytes_ = 0, left_out_ = 0;
};

base::Result<std::string> ListJson(store::Store* store, const Place& place, const Filter& what, uint64_t limit,
                                   size_t* left_out) {
  ASSIGN_OR_RETURN(auto before, Side(store, place, what, /*before=*/true, limit));
  ASSIGN_OR_RETURN(auto after, Side(store, place, what, /*before=*/false, limit));
  std::reverse(before.begin(), before.end());
  Copy copy;
  for (size_t i = 0; i < std::max(before.size(), after.size()); ++i) {
    if (i < after.size()) copy.Take(after[i]);
    if (i < before.size()) copy.Take(before[before.size() - 1 - i]);
  }
  *left_out += copy.left_out();
  return copy.Json();
}

}  // namespace

base::Result<std::string> AroundJson(store::Store* store, const diagnose::Incident& incident) {
  Place place = PlaceOf(incident);
  size_t left_out = 0;
  ASSIGN_OR_RETURN(std::string lines, ListJson(store, place, Lines(), kLines, &left_out));
  ASSIGN_OR_RETURN(std::string metrics, ListJson(store, place, Is("stream", "metric"), kMetrics, &left_out));
  return R"({"lines":)" + lines + R"(,"metrics":)" + metrics + R"(,"left_out":)" + std::to_string(left_out) + "}";
}

}  // namespace rankscope::monitor
