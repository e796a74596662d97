#include "ingest/replay.h"

#include <utility>
#include <variant>

#include "wire/frame.h"

namespace rankscope::ingest {
namespace {

using Records = std::shared_ptr<const model::RecordBatch>;

void Take(const Watermarks& table, Watermarks* watermarks) {
  for (const auto& [producer, watermark] : table) {
    Watermark& mine = (*watermarks)[producer];
    if (mine.committed_seq <= watermark.committed_seq) mine = watermark;
  }
}

base::Result<Records> RecordsOf(const FrameEntry& entry) { return wire::OpenFrame(entry.frame, entry.sender.project); }
base::Result<Records> RecordsOf(const BatchEntry& entry) { return entry.records; }

template <typename Entry>
base::Status ReplayRecords(const Entry& entry, uint64_t end_position, Fanout* fanout, Replayed* replayed,
                           base::Status* damage) {
  const Sender& sender = entry.sender;
  bool numbered = !sender.producer.empty();
  if (numbered) replayed->watermarks[sender.producer] = {sender.epoch, entry.last_seq()};
  auto records = RecordsOf(entry);
  if (!records.ok()) {
    *damage = records.status();
    return {};
  }
  if (numbered) (void)replayed->claims.Take(sender.producer, **records);
  return fanout->Redeliver(end_position, *records);
}

base::Status ReplayEntry(const journal::Journal::Reader::Entry& raw, Fanout* fanout, Replayed* replayed,
                         base::Status* damage) {
  auto entry = DecodeEntry(raw.payload);
  if (!entry.ok()) {
    *damage = entry.status();
  } else if (auto* table = std::get_if<Watermarks>(&*entry)) {
    Take(*table, &replayed->watermarks);
  } else if (auto* lost = std::get_if<LostEntry>(&*entry)) {
    replayed->watermarks[lost->sender.producer] = {lost->sender.epoch, lost->last_seq()};
  } else if (auto* forget = std::get_if<ForgetEntry>(&*entry)) {
    Forget(forget->prefix, &replayed->watermarks);
  } else if (auto* tick = std::get_if<TickEntry>(&*entry)) {
    return fanout->Redeliver(raw.end_position, *tick);
  } else if (auto* batch = std::get_if<BatchEntry>(&*entry)) {
    return ReplayRecords(*batch, raw.end_position, fanout, replayed, damage);
  } else {
    return ReplayRecords(std::get<FrameEntry>(*entry), raw.end_position, fanout, replayed, damage);
  }
  return {};
}

// A sink that is further than the journal would not be given what is written at the positions between.
base::Status CheckEnd(journal::Journal* journal, const std::string& folder, const Fanout& fanout,
                      std::vector<std::string>* report) {
  uint64_t furthest = fanout.FurthestPosition();
  uint64_t end = journal->end_position();
  if (furthest <= end) return {};
  report->push_back(folder + ": its newest " + std::to_string(furthest - end) +
                    " bytes are missing (a file was removed or cut short); their records are served, but agents may "
                    "send some again");
  return journal->AdvanceTo(furthest);
}

}  // namespace

base::Status Replay(journal::Journal* journal, const std::string& folder, Fanout* fanout, Replayed* replayed,
                    std::vector<std::string>* report) {
  auto reader = journal->Read(0);
  journal::Journal::Reader::Entry raw;
  while (true) {
    ASSIGN_OR_RETURN(bool more, reader.Next(&raw));
    if (!more) break;
    base::Status damage;
    RETURN_IF_ERROR(ReplayEntry(raw, fanout, replayed, &damage));
    if (!damage.ok()) report->push_back(folder + ": " + damage.message());
  }
  report->insert(report->end(), reader.damage().begin(), reader.damage().end());
  return CheckEnd(journal, folder, *fanout, report);
}

}  // namespace rankscope::ingest
