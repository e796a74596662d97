#include <algorithm>
#include <cmath>
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

// The lines around the hits of one rank, each once: from a hit backwards, then forwards until enough lines have come
// that are no hits themselves.
class RankContext {
 public:
  RankContext(uint64_t lines, Execution* execution, Stage* next) : lines_(lines), execution_(execution), next_(next) {}

  void Add(const Record& record) { hits_.push_back(record); }

  // False: the next stage wants no more.
  bool Run() {
    lines_of_rank_ = LinesOf(hits_);
    std::stable_sort(hits_.begin(), hits_.end(), [](const Record& a, const Record& b) {
      return std::tie(a.time, a.seq) < std::tie(b.time, b.seq);
    });
    for (const Record& hit : hits_) {
      if (done_.contains(&hit)) continue;
      if (execution_->budget->Spent()) break;
      if (!Before(hit) || !FromHit(hit)) return false;
    }
    return true;
  }

 private:
  base::Status Read(const Record& hit, bool newest_first, const std::function<bool(const Record&)>& take) const {
    constexpr base::TimeNs kForever = INT64_MAX;
    model::Scan scan;
    scan.project = execution_->query->project;
    Filter time = newest_first ? Filter::Time(INT64_MIN, hit.time == kForever ? kForever : hit.time + 1)
                               : Filter::Time(hit.time, kForever);
    scan.filter = Filter::And({lines_of_rank_, std::move(time)});
    scan.newest_first = newest_first;
    return execution_->source->Read(scan, execution_->budget, take);
  }

  bool Before(const Record& hit) {
    std::vector<Record> before;
    bool found = false;
    Keep(Read(hit, /*newest_first=*/true, [&](const Record& record) {
      if (!found) {
        found = IsSame(record, hit);
        return lines_ > 0;
      }
      bool shown = last_shown_ && IsSame(record, *last_shown_);
      if (!shown && IsLine(record)) before.push_back(record);
      return !shown && before.size() < lines_;
    }));
    return std::all_of(before.rbegin(), before.rend(), [&](const Record& record) { return Show(record, "before"); });
  }

  bool FromHit(const Record& hit) {
    bool found = false, wanted = true;
    uint64_t left = lines_;
    Keep(Read(hit, /*newest_first=*/false, [&](const Record& record) {
      if (!found && !IsSame(record, hit)) return true;
      found = true;
      const Record* known = FindHit(record);
      if (!known && !IsLine(record)) return true;
      if (!known && left == 0) return false;
      left = known ? lines_ : left - 1;
      if (known) done_.insert(known);
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

  bool Show(const Record& record, const char* role) {
    last_shown_ = record;
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
  std::optional<Record> last_shown_;
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
