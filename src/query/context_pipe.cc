#include <algorithm>
#include <cmath>
#include <compare>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include "query/pipes.h"
#include "query/rank_filter.h"

namespace rankscope::query {
namespace {

using model::Filter;
using model::Record;

Filter StreamIs(model::Stream stream) {
  return Filter::Text(Filter::Kind::kEquals, "stream", std::string(model::StreamName(stream)), true);
}

// The lines of the hits' rank: what it printed, and the streams in which the hits were. The same for all hits, or a
// line would be before one and after another.
Filter LinesOf(const std::vector<Record>& hits) {
  std::set<model::Stream> streams = {model::Stream::kStdout, model::Stream::kStderr};
  for (const Record& hit : hits) streams.insert(hit.stream);
  std::vector<Filter> any;
  any.reserve(streams.size());
  for (model::Stream stream : streams) any.push_back(StreamIs(stream));
  return Filter::And({SameRank(hits.front().origin), Filter::Or(std::move(any))});
}

// What happened to a rank is none of its lines: an end is told by ten events of ours, which would be all of its
// context.
bool IsLine(const Record& record) { return record.stream != model::Stream::kEvent; }

bool IsNan(const model::FieldValue& value) {
  const auto* number = std::get_if<double>(&value);
  return number && std::isnan(*number);
}

// A NaN is the same as a NaN here, unlike for ==.
bool IsSame(const Record& a, const Record& b) {
  auto same_field = [](const auto& one, const auto& other) {
    return one == other || (one.first == other.first && IsNan(one.second) && IsNan(other.second));
  };
  return std::tie(a.origin, a.stream, a.time, a.seq, a.step, a.level, a.text) ==
             std::tie(b.origin, b.stream, b.time, b.seq, b.step, b.level, b.text) &&
         std::equal(a.fields.begin(), a.fields.end(), b.fields.begin(), b.fields.end(), same_field);
}

// Where a record stands in its rank: at one time by seq, else (HTTP gives no numbers) as it is read.
struct Place {
  base::TimeNs time = 0;
  uint64_t seq = 0;
  size_t at = 0;
  auto operator<=>(const Place&) const = default;
};

auto KeyOf(const Record& record) { return std::tie(record.time, record.seq); }

// The lines around the hits of one rank, each once: from a hit backwards, then forwards until enough lines have come
// that are no hits themselves.
class RankContext {
 public:
  RankContext(uint64_t lines, Execution* execution, Stage* next) : lines_(lines), execution_(execution), next_(next) {}

  void Add(const Record& record) { hits_.push_back(record); }

  // False: the next stage wants no more.
  bool Run() {
    lines_of_rank_ = LinesOf(hits_);
    std::stable_sort(hits_.begin(), hits_.end(), [](const Record& a, const Record& b) { return KeyOf(a) < KeyOf(b); });
    for (const Record& hit : hits_) {
      while (!done_.contains(&hit) && !execution_->budget->Spent()) {
        auto start = StartOf(hit);
        if (!start) break;
        if (!ShowBefore(*start) || !ShowFrom(start->first)) return false;
      }
    }
    return true;
  }

 private:
  // The first of the hits that nothing orders but their reading, and the lines before it, newest first.
  struct Start {
    Place first;
    std::vector<Record> before;
  };

  base::Status Read(base::TimeNs from, bool newest_first, const std::function<bool(const Record&)>& take) const {
    constexpr base::TimeNs kForever = INT64_MAX;
    model::Scan scan;
    scan.project = execution_->query->project;
    Filter time =
        newest_first ? Filter::Time(INT64_MIN, from == kForever ? kForever : from + 1) : Filter::Time(from, kForever);
    scan.filter = Filter::And({lines_of_rank_, std::move(time)});
    scan.newest_first = newest_first;
    return execution_->source->Read(scan, execution_->budget, take);
  }

  // None: the hit is gone meanwhile.
  std::optional<Start> StartOf(const Record& hit) {
    Start start;
    std::vector<Record> alike;  // of one key, newest first
    bool found = false, more = true;
    auto take_alike = [&] {
      found = found || FindFirst(alike, &start.first);
      more = found && TakeBefore(alike, &start);
      alike.clear();
    };
    Keep(Read(hit.time, /*newest_first=*/true, [&](const Record& record) {
      if (KeyOf(record) > KeyOf(hit)) return true;
      if (!alike.empty() && KeyOf(record) != KeyOf(alike.front())) take_alike();
      if (more) alike.push_back(record);
      return more;
    }));
    if (!alike.empty()) take_alike();
    return found ? std::optional(std::move(start)) : std::nullopt;
  }

  bool FindFirst(const std::vector<Record>& alike, Place* first) const {
    auto at = std::find_if(alike.rbegin(), alike.rend(), [&](const Record& record) { return FindHit(record); });
    if (at == alike.rend()) return false;
    *first = {at->time, at->seq, static_cast<size_t>(at - alike.rbegin())};
    return true;
  }

  // False: those are all.
  bool TakeBefore(const std::vector<Record>& alike, Start* start) const {
    for (size_t i = 0; i < alike.size() && start->before.size() < lines_; ++i) {
      Place place{alike[i].time, alike[i].seq, alike.size() - 1 - i};
      if (last_shown_ && place <= *last_shown_) return false;
      if (place < start->first && IsLine(alike[i])) start->before.push_back(alike[i]);
    }
    return start->before.size() < lines_;
  }

  bool ShowBefore(const Start& start) const {
    return std::all_of(start.before.rbegin(), start.before.rend(),
                       [&](const Record& record) { return Show(record, "before"); });
  }

  bool ShowFrom(const Place& first) {
    std::optional<Place> place;
    bool wanted = true;
    uint64_t left = lines_;
    Keep(Read(first.time, /*newest_first=*/false, [&](const Record& record) {
      bool alike = place && KeyOf(record) == std::tie(place->time, place->seq);
      place = {record.time, record.seq, alike ? place->at + 1 : 0};
      if (*place < first) return true;
      const Record* known = FindHit(record);
      if (!known && !IsLine(record)) return true;
      if (!known && left == 0) return false;
      left = known ? lines_ : left - 1;
      if (known) done_.insert(known);
      last_shown_ = place;
      wanted = Show(record, known ? "hit" : "after");
      return wanted && (left > 0 || known);
    }));
    return wanted;
  }

  const Record* FindHit(const Record& record) const {
    auto at = std::lower_bound(hits_.begin(), hits_.end(), record.time,
                               [](const Record& hit, base::TimeNs time) { return hit.time < time; });
    for (; at != hits_.end() && at->time == record.time; ++at) {
      if (IsSame(*at, record) && !done_.contains(&*at)) return &*at;
    }
    return nullptr;
  }

  bool Show(const Record& record, const char* role) const {
    Row row = Row::Of(record);
    row.columns.emplace_back("context", std::string(role));
    return next_->Take(row);
  }

  void Keep(base::Status status) const {
    if (execution_->status.ok()) execution_->status = std::move(status);
  }

  const uint64_t lines_;
  Execution* execution_;
  Stage* next_;
  std::vector<Record> hits_;
  Filter lines_of_rank_;
  std::set<const Record*> done_;
  std::optional<Place> last_shown_;
};

class ContextStage : public Stage {
 public:
  ContextStage(const ContextPipe& pipe, Execution* execution, Stage* next)
      : lines_(pipe.lines), execution_(execution), next_(next) {}

  bool Take(const Row& row) override {
    std::string identity = RankIdentity(row.record->origin);
    auto [index, fresh] = index_.try_emplace(identity, ranks_.size());
    if (fresh) ranks_.emplace_back(lines_, execution_, next_);
    execution_->budget->Take(MemoryOf(*row.record));
    ranks_[index->second].Add(*row.record);
    return true;
  }

  void Finish() override {
    for (RankContext& rank : ranks_) {
      if (!rank.Run()) break;
    }
    next_->Finish();
  }

 private:
  const uint64_t lines_;
  Execution* execution_;
  Stage* next_;
  std::map<std::string, size_t> index_;
  std::vector<RankContext> ranks_;  // in the order of their first hits
};

}  // namespace

base::Result<Pipe> ParseContext(Scanner* scanner) {
  ContextPipe context;
  ASSIGN_OR_RETURN(context.lines, scanner->Count());
  return Pipe(context);
}

std::unique_ptr<Stage> Start(const ContextPipe& pipe, Execution* execution, Stage* next) {
  return std::make_unique<ContextStage>(pipe, execution, next);
}

}  // namespace rankscope::query
