#include "ingest/rank_claims.h"

#include <algorithm>

#include "model/event.h"

namespace rankscope::ingest {
namespace {

constexpr int64_t kTolerance = base::kNsPerSecond;  // clocks of nodes differ, and a node's last word comes late
constexpr size_t kMaxRanks = 200'000;               // beyond, all is forgotten: a doubled rank is then noticed anew

// Somebody else's word about the rank.
bool IsJudgement(const model::RecordView& record) {
  if (record.stream != model::Stream::kEvent) return false;
  const model::FieldView* name = record.FindField("event");
  return name && model::IsJudgement(name->text);
}

bool SameRank(const model::Origin& a, const model::Origin& b) {
  return a.rank == b.rank && a.attempt == b.attempt && a.job == b.job && a.project == b.project;
}

}  // namespace

std::vector<model::Record> RankClaims::Take(const std::string& producer, const model::RecordBatch& records) {
  std::vector<model::Record> doubled;
  const model::Origin* last = nullptr;
  Claims* claims = nullptr;
  model::RecordBatch::Cursor cursor(records);
  model::RecordView record;
  while (cursor.Next(&record)) {
    const model::Origin& origin = *record.origin;
    if (!origin.rank || IsJudgement(record)) continue;
    if (!last || !SameRank(*last, origin)) {
      if (ranks_.size() >= kMaxRanks) ranks_.clear();
      claims = &ranks_[{origin.project, origin.job, origin.attempt, *origin.rank}];
    }
    last = &origin;
    if (Extend(claims, producer, record.time)) record.CopyTo(&doubled.emplace_back());
  }
  return doubled;
}

// True when the producer's time now overlaps another's, and did not before.
bool RankClaims::Extend(Claims* claims, const std::string& producer, base::TimeNs time) {
  auto mine =
      std::find_if(claims->all.begin(), claims->all.end(), [&](const Claim& c) { return c.producer == producer; });
  if (mine == claims->all.end()) mine = claims->all.insert(mine, {producer, time, time});
  mine->first = std::min(mine->first, time);
  mine->last = std::max(mine->last, time);
  if (claims->doubled || claims->all.size() == 1) return false;
  for (const Claim& other : claims->all) {
    bool overlap = std::min(other.last, mine->last) - std::max(other.first, mine->first) > kTolerance;
    if (&other != &*mine && overlap) claims->doubled = true;
  }
  return claims->doubled;
}

}  // namespace rankscope::ingest
