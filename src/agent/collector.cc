#include "agent/collector.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "model/event.h"
#include "parse/line_record.h"

namespace rankscope::agent {
namespace {

constexpr char kRecordSource[] = "keeper";
// Of what the capture may hold no more when an agent comes again: the command's pid; 1: other ranks were seen, and the
// command's start as a rank is told.
constexpr char kCommand[] = "command", kOtherRanks[] = "other ranks", kCommandsRank[] = "command rank";

std::string ChannelSource(uint32_t channel) { return "channel " + std::to_string(channel); }
// Of the line at that place of the channel, so many parts lie before it.
std::string PartsSource(uint32_t channel) { return "parts of channel " + std::to_string(channel); }

// Where the spans that are out behind that place begin and end.
std::string EdgeSource(uint32_t channel, size_t edge) {
  return "edge " + std::to_string(edge) + " of channel " + std::to_string(channel);
}

uint64_t PositionOf(const SourcePositions& positions, const std::string& source) {
  auto found = positions.find(source);
  return found == positions.end() ? 0 : found->second;
}

std::deque<parse::Span> SpansOut(const SourcePositions& positions, uint32_t channel) {
  std::deque<parse::Span> out = {{0, PositionOf(positions, ChannelSource(channel))}};
  for (size_t edge = 0; positions.contains(EdgeSource(channel, edge)); edge += 2) {
    out.push_back({positions.at(EdgeSource(channel, edge)), PositionOf(positions, EdgeSource(channel, edge + 1))});
  }
  return out;
}

void SetSpansOut(std::deque<parse::Span> out, uint32_t channel, SourcePositions* positions) {
  (*positions)[ChannelSource(channel)] = out.front().end;
  for (size_t edge = 0; positions->erase(EdgeSource(channel, edge)) > 0;) ++edge;
  for (size_t i = 1; i < out.size(); ++i) {
    (*positions)[EdgeSource(channel, 2 * i - 2)] = out[i].begin;
    (*positions)[EdgeSource(channel, 2 * i - 1)] = out[i].end;
  }
}

// What is neither held nor yet to come, from the channel's beginning on; the first may be empty.
std::deque<parse::Span> Between(const std::vector<parse::Span>& held, uint64_t taken) {
  std::deque<parse::Span> out;
  uint64_t begin = 0;
  for (parse::Span span : held) {
    if (span.begin > begin || out.empty()) out.push_back({begin, span.begin});
    begin = span.end;
  }
  if (taken > begin || out.empty()) out.push_back({begin, taken});
  return out;
}

bool IsEvent(const model::Record& record, const char* name) {
  const auto* event = model::FindField(record.fields, "event");
  return event && *event == model::FieldValue(std::string(name));
}

pid_t PidOf(const model::Record& record) {
  const auto* pid = model::FindField(record.fields, "pid");
  return pid ? static_cast<pid_t>(model::AsNumber(*pid).value_or(0)) : 0;
}

void SetEvent(model::Record* record, const char* name) {
  for (auto& [key, value] : record->fields) {
    if (key == "event") value = std::string(name);
  }
}

}  // namespace

Collector::Collector(RunConfig config, SourcePositions resume)
    : config_(std::move(config)),
      resume_(std::move(resume)),
      record_index_(PositionOf(resume_, kRecordSource)),
      command_is_a_rank_(PositionOf(resume_, kCommandsRank) == 1),
      other_ranks_(PositionOf(resume_, kOtherRanks) == 1) {
  if (record_index_ > 0) command_ = static_cast<pid_t>(PositionOf(resume_, kCommand));
}

bool Collector::WantsRings(const CaptureEntry& entry, base::TimeNs looked_at) const {
  if (const auto* captured = std::get_if<CaptureRecord>(&entry)) return IsEvent(captured->record, "node_end");
  const auto* bytes = std::get_if<CaptureBytes>(&entry);
  const bool may_be_a_rank = lone_command().value_or(0) != 0 && !command_is_a_rank_;
  return bytes && may_be_a_rank && bytes->time >= looked_at;
}

void Collector::Take(const CaptureEntry& entry) {
  if (const auto* channel = std::get_if<CaptureChannel>(&entry)) {
    TakeChannel(*channel);
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

void Collector::TakeChannel(const CaptureChannel& channel) {
  auto [state, added] = channels_.try_emplace(channel.id);
  if (!added) return;  // repeated at the beginning of a file
  state->second.channel = channel.channel;
  other_ranks_ = other_ranks_ || channel.channel.origin.rank.has_value();
  CompleteOrigin(config_, &state->second.channel.origin);
  state->second.out = SpansOut(resume_, channel.id);
  const auto parts = static_cast<uint32_t>(PositionOf(resume_, PartsSource(channel.id)));
  state->second.assembler = parse::LineAssembler(channel.bytes_before, parts);
}

void Collector::TakeBytes(const CaptureBytes& bytes) {
  auto found = channels_.find(bytes.channel);
  if (found == channels_.end()) return;
  ChannelState& state = found->second;
  // A rank's lines keep their order when they are merged by time, so its time never goes back.
  state.last_time = std::max(state.last_time, bytes.time);
  for (std::string_view fresh = bytes.bytes; !fresh.empty();) {
    const uint64_t taken = state.assembler.taken();
    while (!state.out.empty() && state.out.front().end <= taken) state.out.pop_front();
    const bool is_out = !state.out.empty() && state.out.front().begin <= taken;
    const uint64_t edge = is_out              ? state.out.front().end
                          : state.out.empty() ? taken + fresh.size()
                                              : state.out.front().begin;
    const std::string_view next = fresh.substr(0, edge - taken);
    fresh.remove_prefix(next.size());
    if (is_out) {
      state.assembler.Skip(next.size());
    } else {
      state.assembler.Feed(state.last_time, next, [&](parse::Line line) { Emit(&state, std::move(line)); });
    }
  }
}

void Collector::TakeRecord(const CaptureRecord& captured) {
  if (IsEvent(captured.record, "job_start")) command_ = PidOf(captured.record);
  if (IsEvent(captured.record, "rank_start")) other_ranks_ = true;
  if (IsEvent(captured.record, "node_end")) node_ended_ = true;
  if (captured.index <= record_index_) return;
  record_index_ = captured.index;
  model::Record record = captured.record;
  CompleteOrigin(config_, &record.origin);
  if (IsEvent(record, "rank_exit")) AddTail(&record);
  if (!config_.run.empty()) record.fields.emplace_back("run", config_.run);
  if (IsEvent(record, "job_start")) record.fields.emplace_back("member", config_.member);
  if (IsEvent(record, "node_end") && command_is_a_rank_ && !other_ranks_) EndCommandsRank(record);
  Push(std::move(record));
}

void Collector::TakeCommandForARank() {
  if (std::exchange(command_is_a_rank_, true)) return;
  model::Record start = model::MakeEvent("rank_start", base::WallNow(), "rank 0 started: the command itself");
  start.origin.rank = start.origin.local_rank = 0;
  CompleteOrigin(config_, &start.origin);
  start.fields.emplace_back("pid", static_cast<int64_t>(command_.value_or(0)));
  start.fields.emplace_back("source", std::string("hook"));
  start.fields.emplace_back("world_size", int64_t{1});
  if (!config_.run.empty()) start.fields.emplace_back("run", config_.run);
  Push(std::move(start));
}

void Collector::EndCommandsRank(model::Record end) {
  SetEvent(&end, "rank_exit");
  end.origin.rank = end.origin.local_rank = 0;
  end.fields.emplace_back("pid", static_cast<int64_t>(command_.value_or(0)));
  size_t colon = end.text.rfind(": ");
  end.text = "rank 0 ended" + (colon == std::string::npos ? "" : end.text.substr(colon));
  AddTail(&end);
  Push(std::move(end));
}

void Collector::Add(model::Record record) {
  other_ranks_ = other_ranks_ || IsEvent(record, "rank_start");
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
  record.origin = OriginOf(*state);
  record.stream = state->channel.stream;
  record.time = line.time;
  record.text = std::move(line.text);
  parse::RedactSecrets(&record.text);
  parse::UnderstandLine(&record);
  parse::MarkPart(line, &record);
  state->last_lines.push_back({record.time, record.text.substr(0, kTailLineBytes)});
  if (state->last_lines.size() > kTailLines) state->last_lines.pop_front();
  Push(std::move(record));
}

// What the command prints has no rank, unless the command is one.
model::Origin Collector::OriginOf(const ChannelState& state) const {
  model::Origin origin = state.channel.origin;
  if (command_is_a_rank_ && !other_ranks_ && !origin.rank) origin.rank = origin.local_rank = 0;
  return origin;
}

void Collector::Push(model::Record record) {
  pending_bytes_ += model::EncodedBytes(record);
  pending_.push_back(std::move(record));
}

// The last lines of both its streams, in order. The rank's channels are read to their end before the keeper writes the
// exit, so that their half lines belong here.
void Collector::AddTail(model::Record* exit) {
  std::vector<LastLine> lines;
  for (auto& [id, state] : channels_) {
    const model::Origin origin = OriginOf(state);
    if (origin.rank != exit->origin.rank || origin.attempt != exit->origin.attempt) continue;
    state.assembler.Flush([&, s = &state](parse::Line line) { Emit(s, std::move(line)); });
    lines.insert(lines.end(), state.last_lines.begin(), state.last_lines.end());
  }
  std::stable_sort(lines.begin(), lines.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
  std::string tail;
  for (size_t i = lines.size() - std::min(lines.size(), kTailLines); i < lines.size(); ++i)
    tail += lines[i].text + "\n";
  if (!tail.empty()) exit->fields.emplace_back("tail", tail);
}

std::vector<model::Record> Collector::Drain() {
  pending_bytes_ = 0;
  return std::exchange(pending_, {});
}

std::deque<parse::Span> Collector::OutOf(const ChannelState& state) {
  std::deque<parse::Span> out = Between(state.assembler.held(), state.assembler.taken());
  for (parse::Span span : state.out) {
    if (span.begin > out.back().end) out.push_back(span);
    out.back().end = std::max(out.back().end, span.end);
  }
  return out;
}

SourcePositions Collector::positions() const {
  SourcePositions positions = resume_;
  for (const auto& [id, state] : channels_) {
    SetSpansOut(OutOf(state), id, &positions);
    positions.erase(PartsSource(id));
    if (uint32_t parts = state.assembler.parts_out()) positions[PartsSource(id)] = parts;
  }
  positions[kRecordSource] = record_index_;
  if (command_) positions[kCommand] = static_cast<uint64_t>(*command_);
  if (other_ranks_) positions[kOtherRanks] = 1;
  if (command_is_a_rank_) positions[kCommandsRank] = 1;
  return positions;
}

uint64_t Collector::KeeperRecords(const SourcePositions& positions) { return PositionOf(positions, kRecordSource); }

}  // namespace rankscope::agent
