#include "agent/ranks/rings.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "agent/ranks/stack_dump.h"
#include "base/clock.h"
#include "model/event.h"

namespace rankscope::agent {
namespace {

constexpr int64_t kLookEvery = 50 * base::kNsPerMs;

std::string PositionSource(const std::string& ring) { return "ring " + ring; }
std::string WindowSource(const std::string& ring) { return "window " + ring; }
std::string DroppedSource(const std::string& ring) { return "dropped " + ring; }

model::Record DamagedEvent(const std::string& ring, const std::string& damage) {
  model::Record event =
      model::MakeEvent("ring_damaged", base::WallNow(), "rankscope: " + damage + "; the rest of it was skipped");
  event.fields.emplace_back("ring", ring);
  return event;
}

model::Record DroppedEvent(int64_t count) {
  model::Record event =
      model::MakeEvent("ring_dropped", base::WallNow(),
                       "rankscope: the metric ring was full: " + std::to_string(count) + " records were lost");
  event.fields.emplace_back("dropped_records", count);
  return event;
}

}  // namespace

Rings::Rings(RunConfig config, SourcePositions resume) : config_(std::move(config)), resume_(std::move(resume)) {}

uint64_t Rings::Resumed(const std::string& source) const {
  auto found = resume_.find(source);
  return found == resume_.end() ? 0 : found->second;
}

void Rings::Look() {
  int64_t now = base::MonotonicNow();
  if (!ended_ && now - looked_at_ < kLookEvery) return;
  looked_at_ = now;
  auto names = base::ListDirectory(config_.rings);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    if (name.front() != '.' && !rings_.contains(name) && !unreadable_.contains(name)) Add(name);
  }
}

void Rings::Add(const std::string& name) {
  auto reader = RingReader::Open(config_.rings + "/" + name);
  if (!reader.ok()) {
    unreadable_[name] = true;
    return Warn({}, model::MakeEvent("ring_unreadable", base::WallNow(), "rankscope: " + reader.status().message()));
  }
  Ring& ring = rings_[name];
  ring.reader = *std::move(reader);
  ring.reader->Seek(Resumed(PositionSource(name)), Resumed(WindowSource(name)));
  ring.dropped_said = Resumed(DroppedSource(name));
  if (log_interval_steps_ > 0) ring.reader->SetLogIntervalSteps(log_interval_steps_);
}

bool Rings::Pull(size_t bytes) {
  Look();
  bool any = false;
  for (auto& [name, ring] : rings_) {
    if (!ring.finished) any = PullOne(name, &ring, bytes) || any;
  }
  return any;
}

bool Rings::IsLoneRank(const RingReader& reader) const {
  return lone_command_ != 0 && reader.owner() == lone_command_ && reader.is_alone();
}

bool Rings::command_is_a_rank() const {
  return std::any_of(rings_.begin(), rings_.end(),
                     [this](const auto& ring) { return IsLoneRank(*ring.second.reader); });
}

model::Origin Rings::OriginOf(const RingReader& reader) const {
  model::Origin origin = reader.origin();
  if (IsLoneRank(reader)) origin.rank = origin.local_rank = 0;
  return origin;
}

bool Rings::PullOne(const std::string& name, Ring* ring, size_t bytes) {
  bool gone = ended_ || ring->reader->writer_gone();  // asked before the last look at what it wrote
  bool any = false;
  while (pending_bytes_ < bytes) {
    auto record = ring->reader->Next();
    if (!record.ok()) {
      Warn(OriginOf(*ring->reader), DamagedEvent(name, record.status().message()));
      continue;
    }
    if (!record->has_value()) {
      if (gone) Finish(ring);
      SayDropped(ring);
      return any;
    }
    any = true;
    (*record)->origin = OriginOf(*ring->reader);
    Push(std::move(**record));
  }
  return any;
}

void Rings::Finish(Ring* ring) {
  if (auto window = ring->reader->TakeOpenWindow()) {
    window->origin = OriginOf(*ring->reader);
    Push(std::move(*window));
  }
  ring->finished = true;
}

void Rings::SayDropped(Ring* ring) {
  uint64_t dropped = ring->reader->dropped();
  if (dropped <= ring->dropped_said) return;
  auto count = static_cast<int64_t>(dropped - ring->dropped_said);
  ring->dropped_said = dropped;
  Warn(OriginOf(*ring->reader), DroppedEvent(count));
}

void Rings::Warn(const model::Origin& origin, model::Record event) {
  event.origin = origin;
  event.level = "warning";
  Push(std::move(event));
}

void Rings::Push(model::Record record) {
  CompleteOrigin(config_, &record.origin);
  pending_bytes_ += model::EncodedBytes(record);
  pending_.push_back(std::move(record));
}

std::vector<model::Record> Rings::Drain() {
  pending_bytes_ = 0;
  return std::exchange(pending_, {});
}

SourcePositions Rings::positions() const {
  SourcePositions positions;
  for (const auto& [name, ring] : rings_) {
    positions[PositionSource(name)] = ring.reader->position();
    positions[WindowSource(name)] = ring.reader->last_window();
    positions[DroppedSource(name)] = ring.dropped_said;
  }
  return positions;
}

void Rings::Remove(const std::string& name, pid_t pid) const {
  unlink((config_.rings + "/" + name).c_str());
  unlink(StacksFile(config_.rings, pid).c_str());
}

void Rings::Release(const SourcePositions& durable) {
  for (auto ring = rings_.begin(); ring != rings_.end();) {
    auto position = durable.find(PositionSource(ring->first));
    auto window = durable.find(WindowSource(ring->first));
    if (position != durable.end()) ring->second.reader->Release(position->second);
    bool whole = ring->second.finished && position != durable.end() && window != durable.end() &&
                 position->second == ring->second.reader->position() &&
                 window->second == ring->second.reader->last_window();
    if (whole) Remove(ring->first, ring->second.reader->pid());
    ring = whole ? rings_.erase(ring) : std::next(ring);
  }
}

bool Rings::done() const {
  return std::all_of(rings_.begin(), rings_.end(), [](const auto& ring) { return ring.second.finished; });
}

std::map<int32_t, Rings::LiveRank> Rings::LiveRanks() const {
  std::map<int32_t, LiveRank> ranks;
  std::map<int32_t, int64_t> began;
  for (const auto& [name, ring] : rings_) {
    model::Origin origin = OriginOf(*ring.reader);
    if (ring.finished || !origin.rank || ring.reader->control().is_worker()) continue;
    int64_t time = std::atoll(name.c_str() + std::min(name.find('-') + 1, name.size()));
    const int32_t rank = *origin.rank;
    if (auto known = began.find(rank); known != began.end() && known->second > time) continue;
    began[rank] = time;
    ranks[rank] = {std::move(origin), ring.reader.get()};
  }
  return ranks;
}

void Rings::SetLogIntervalSteps(uint32_t steps) {
  if (log_interval_steps_ == steps) return;
  log_interval_steps_ = steps;
  for (auto& [name, ring] : rings_) ring.reader->SetLogIntervalSteps(steps);
}

}  // namespace rankscope::agent
