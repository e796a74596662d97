#include "agent/spool.h"

#include <sys/random.h>

#include <algorithm>

#include "base/coding.h"

namespace rankscope::agent {
namespace {

constexpr uint64_t kRetainedBytes = 64 << 20;  // acknowledged, and kept for a server that loses them

struct SpoolEntry {
  SourcePositions positions;
  wire::Frame frame;
};

std::string Encode(const SourcePositions& positions, const wire::Frame& frame) {
  std::string out;
  base::PutVarint(&out, positions.size());
  for (const auto& [source, position] : positions) {
    base::PutString(&out, source);
    base::PutVarint(&out, position);
  }
  wire::EncodeFrame(frame, &out);
  return out;
}

base::Result<SpoolEntry> Decode(std::string_view bytes) {
  base::ByteReader in(bytes);
  SpoolEntry entry;
  for (uint64_t count = in.Varint(); count > 0 && in.ok(); --count) {
    std::string source(in.String());
    entry.positions[source] = in.Varint();
  }
  if (!in.ok()) return base::Status::Corrupt("spool entry: malformed positions");
  ASSIGN_OR_RETURN(entry.frame, wire::DecodeFrame(in.Bytes(in.remaining())));
  return entry;
}

}  // namespace

base::Result<std::unique_ptr<Spool>> Spool::Open(const std::string& folder, journal::Recovery* recovery) {
  std::unique_ptr<Spool> spool(new Spool);
  ASSIGN_OR_RETURN(spool->journal_, journal::Journal::Open(folder + "/frames", {}, recovery));
  RETURN_IF_ERROR(spool->LoadIdentity(folder));
  RETURN_IF_ERROR(spool->LoadLastEntry());
  return spool;
}

base::Status Spool::LoadIdentity(const std::string& folder) {
  std::string path = folder + "/identity";
  auto bytes = base::ReadWholeFile(path);
  if (bytes.ok()) {
    base::ByteReader in(*bytes);
    producer_ = in.Bytes(16);
    epoch_ = in.Fixed32();
    if (!in.ok()) return base::Status::Corrupt(path + " is damaged");
  } else {
    producer_.resize(16);
    if (getrandom(producer_.data(), producer_.size(), 0) != 16) return base::Status::Internal("no random bytes");
  }
  ++epoch_;
  std::string identity = producer_;
  base::PutFixed32(&identity, epoch_);
  return base::WriteFileAtomically(path, identity);
}

base::Status Spool::LoadLastEntry() {
  auto reader = journal_->Read(0);
  journal::Journal::Reader::Entry raw;
  uint64_t begin = journal_->first_position();
  bool first = true;
  while (true) {
    ASSIGN_OR_RETURN(bool more, reader.Next(&raw));
    if (!more) return {};
    auto entry = Decode(raw.payload);
    if (entry.ok()) {
      if (first) first_seq_ = entry->frame.first_seq;
      first = false;
      next_seq_ = entry->frame.last_seq() + 1;
      positions_ = std::move(entry->positions);
      last_entry_begin_ = begin;
    }
    begin = raw.end_position;
  }
}

base::Status Spool::Append(std::vector<model::Record>* records, const SourcePositions& positions) {
  uint64_t seq = next_seq_;
  for (model::Record& record : *records) record.seq = seq++;
  uint64_t begin = journal_->end_position();
  auto end = journal_->Append(Encode(positions, wire::MakeFrame(*records)));
  if (!end.ok()) return end.status();
  RETURN_IF_ERROR(journal_->Sync());
  next_seq_ = seq;
  last_entry_begin_ = begin;
  positions_ = positions;
  return {};
}

Spool::Reader Spool::ReadFrom(uint64_t seq) { return {journal_->Read(0), seq}; }

base::Result<bool> Spool::Reader::Next(wire::Frame* frame, uint64_t* end_position) {
  journal::Journal::Reader::Entry raw;
  while (true) {
    ASSIGN_OR_RETURN(bool more, reader_.Next(&raw));
    if (!more) return false;
    ASSIGN_OR_RETURN(SpoolEntry entry, Decode(raw.payload));
    if (entry.frame.last_seq() < seq_) continue;
    *frame = std::move(entry.frame);
    *end_position = raw.end_position;
    return true;
  }
}

void Spool::Release(uint64_t end_position) {
  uint64_t keep_from = end_position - std::min(end_position, kRetainedBytes);
  // Removing files is an economy; what cannot be removed now goes with a later call.
  (void)journal_->TrimBefore(std::min(keep_from, last_entry_begin_)).ok();
}

}  // namespace rankscope::agent
