#include "agent/collector.h"

#include <algorithm>

#include "parse/line_record.h"

namespace rankscope::agent {
namespace {

constexpr char kRecordSource[] = "keeper";

std::string ChannelSource(uint32_t channel) { return "channel " + std::to_string(channel); }

uint64_t PositionOf(const SourcePositions& positions, const std::string& source) {
  auto found = positions.find(source);
  return found == positions.end() ? 0 : found->second;
}

bool IsEvent(const model::Record& record, const char* name) {
  const auto* event = model::FindField(record.fields, "event");
  return event && *event == model::FieldValue(std::string(name));
}

}  // namespace

Collector::Collector(RunConfig config, SourcePositions resume)
    : config_(std::move(config)), resume_(std::move(resume)), record_index_(PositionOf(resume_, kRecordSource)) {}

void Collector::Take(const CaptureEntry& entry) {
  if (const auto* channel = std::get_if<CaptureChannel>(&entry)) {
    auto [state, added] = channels_.try_emplace(channel->id);
    if (!added) return;  // repeated at the beginning of a file
    state->second.channel = channel->channel;
    CompleteOrigin(config_, &state->second.channel.origin);
    state->second.fed = channel->bytes_before;
    state->second.skip_to = PositionOf(resume_, ChannelSource(channel->id));
  } else if (const auto* bytes = std::get_if<CaptureBytes>(&entry)) {
    TakeBytes(*bytes);
  } else if (const auto* record = std::get_if<CaptureRecord>(&entry)) {
    TakeRecord(*record);
  } else if (std::holds_alternative<CaptureEnd>(entry)) {
    for (auto& [id, state] : channels_) {
      state.assembler.Flush([&, s = &state](parse::Line line) { Emit(s, std::move(line)); });
    }
    ended_ = true;
  }
}

void Collector::TakeBytes(const CaptureBytes& bytes) {
  auto found = channels_.find(bytes.channel);
  if (found == channels_.end()) return;
  ChannelState& state = found->second;
  std::string_view fresh = bytes.bytes;
  if (state.fed < state.skip_to) {
    size_t known = std::min<uint64_t>(fresh.size(), state.skip_to - state.fed);
    fresh.remove_prefix(known);
    state.fed += known;
  }
  state.fed += fresh.size();
  state.assembler.Feed(bytes.time, fresh, [&](parse::Line line) { Emit(&state, std::move(line)); });
}

void Collector::TakeRecord(const CaptureRecord& captured) {
  if (captured.index <= record_index_) return;
  record_index_ = captured.index;
  model::Record record = captured.record;
  CompleteOrigin(config_, &record.origin);
  if (IsEvent(record, "rank_exit")) AddTail(&record);
  if (!config_.run.empty()) record.fields.emplace_back("run", config_.run);
  if (IsEvent(record, "job_start")) record.fields.emplace_back("member", config_.member);
  Push(std::move(record));
}

void Collector::Add(model::Record record) {
  CompleteOrigin(config_, &record.origin);
  Push(std::move(record));
}

void Collector::Tick(base::TimeNs now) {
  for (auto& [id, state] : channels_) {
    state.assembler.Tick(now, [&, s = &state](parse::Line line) { Emit(s, std::move(line)); });
  }
}

void Collector::Emit(ChannelState* state, parse::Line line) {
  model::Record record;
  record.origin = state->channel.origin;
  record.stream = state->channel.stream;
  // A rank's lines keep their order when they are merged by time, so its time never goes back.
  record.time = state->last_time = std::max(state->last_time, line.time);
  record.text = std::move(line.text);
  parse::RedactSecrets(&record.text);
  parse::UnderstandLine(&record);
  state->last_lines.push_back(record.text);
  if (state->last_lines.size() > kTailLines) state->last_lines.pop_front();
  Push(std::move(record));
}

void Collector::Push(model::Record record) {
  pending_bytes_ += record.text.size() + 64 + record.fields.size() * 32;
  pending_.push_back(std::move(record));
}

// The rank's channels are read to their end before the keeper writes the exit, so that their half lines belong here.
void Collector::AddTail(model::Record* exit) {
  std::string tail;
  for (auto& [id, state] : channels_) {
    const model::Origin& origin = state.channel.origin;
    if (origin.rank != exit->origin.rank || origin.attempt != exit->origin.attempt) continue;
    state.assembler.Flush([&, s = &state](parse::Line line) { Emit(s, std::move(line)); });
    for (const std::string& line : state.last_lines) tail += line + "\n";
  }
  if (!tail.empty()) exit->fields.emplace_back("tail", tail);
}

std::vector<model::Record> Collector::Drain() {
  pending_bytes_ = 0;
  return std::exchange(pending_, {});
}

SourcePositions Collector::positions() const {
  SourcePositions positions = resume_;
  for (const auto& [id, state] : channels_) {
    positions[ChannelSource(id)] = std::max(state.skip_to, state.fed - state.assembler.held_bytes());
  }
  positions[kRecordSource] = record_index_;
  return positions;
}

}  // namespace rankscope::agent
