#include "agent/ship/spool.h"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "base/coding.h"
#include "base/file.h"

namespace rankscope::agent {
namespace {

constexpr uint64_t kFileBytes = 4 << 20;
constexpr uint64_t kThinAtOnce = 2 * kFileBytes;  // enough that a file of `frames` goes

constexpr std::string_view kIdentityMagic = "RSSPOOL1";
constexpr ssize_t kProducerBytes = 16;

// Identity := magic[8] producer[16] epoch:u32 checksum:u64
std::string EncodeIdentity(const std::string& producer, uint32_t epoch) {
  std::string out(kIdentityMagic);
  out += producer;
  base::PutFixed32(&out, epoch);
  base::PutFixed64(&out, base::Checksum(out));
  return out;
}

base::Result<std::pair<std::string, uint32_t>> DecodeIdentity(const std::string& path, std::string_view bytes) {
  base::ByteReader in(bytes);
  bool ours = in.Bytes(kIdentityMagic.size()) == kIdentityMagic;
  std::string producer(in.Bytes(kProducerBytes));
  uint32_t epoch = in.Fixed32();
  uint64_t checksum = in.Fixed64();
  if (!ours || !in.ok() || checksum != base::Checksum(bytes.substr(0, bytes.size() - sizeof checksum))) {
    return base::Status::Corrupt(path +
                                 " is damaged; without it the server may take some records for new: remove it "
                                 "only to send them all the same");
  }
  return std::pair(std::move(producer), epoch);
}

}  // namespace

base::Result<std::unique_ptr<Spool>> Spool::Open(const std::string& folder, journal::Recovery* recovery) {
  std::unique_ptr<Spool> spool(new Spool);
  journal::Journal::Options options{.file_bytes = kFileBytes};
  spool->reserve_ = folder + "/reserve";
  unlink(spool->reserve_.c_str());  // opening writes, too
  ASSIGN_OR_RETURN(spool->frames_.journal, journal::Journal::Open(folder + "/frames", options, recovery));
  ASSIGN_OR_RETURN(spool->thinned_.journal, journal::Journal::Open(folder + "/thinned", options, recovery));
  RETURN_IF_ERROR(spool->LoadIdentity(folder));
  RETURN_IF_ERROR(spool->Load(&spool->thinned_, /*newest=*/false));
  RETURN_IF_ERROR(spool->Load(&spool->frames_, /*newest=*/true));
  spool->KeepReserve();
  return spool;
}

base::Status Spool::LoadIdentity(const std::string& folder) {
  std::string path = folder + "/identity";
  auto bytes = base::ReadWholeFile(path);
  if (bytes.ok()) {
    ASSIGN_OR_RETURN(std::tie(producer_, epoch_), DecodeIdentity(path, *bytes));
  } else if (bytes.status().code() == base::Code::kNotFound) {
    producer_.resize(kProducerBytes);
    if (getrandom(producer_.data(), producer_.size(), 0) != kProducerBytes) {
      return base::Status::Internal("no random bytes");
    }
  } else {
    return bytes.status();  // another identity would send everything twice
  }
  ++epoch_;
  return base::WriteFileAtomically(path, EncodeIdentity(producer_, epoch_));
}

// Frames that had moved to `thinned` before the agent was killed stand in both.
base::Status Spool::Load(Tier* tier, bool newest) {
  auto reader = tier->journal->Read(0);
  journal::Journal::Reader::Entry raw;
  uint64_t begin = tier->journal->first_position();
  while (true) {
    ASSIGN_OR_RETURN(bool more, reader.Next(&raw));
    if (!more) return {};
    auto entry = DecodeSpoolEntry(raw.payload);
    if (entry.ok() && entry->last_seq() >= next_seq_) {
      tier->held.push_back({entry->first_seq(), entry->last_seq(), begin, raw.end_position});
      next_seq_ = entry->last_seq() + 1;
    }
    if (entry.ok() && newest) positions_ = std::move(entry->positions);
    begin = raw.end_position;
  }
}

uint64_t Spool::first_seq() const {
  if (!thinned_.held.empty()) return thinned_.held.front().first_seq;
  return frames_.held.empty() ? next_seq_ : frames_.held.front().first_seq;
}

base::Status Spool::Append(std::vector<model::Record>* records, const SourcePositions& positions) {
  uint64_t first = next_seq_, seq = next_seq_;
  for (model::Record& record : *records) record.seq = seq++;
  uint64_t begin = frames_.journal->end_position();
  auto end = frames_.journal->Append(EncodeSpoolEntry({positions, MakeFrames(*records)}));
  if (!end.ok()) return end.status();
  RETURN_IF_ERROR(frames_.journal->Sync());
  next_seq_ = seq;
  frames_.held.push_back({first, seq - 1, begin, *end});
  positions_ = positions;
  return {};
}

Spool::Reader Spool::ReadFrom(uint64_t seq) { return {thinned_.journal->Read(0), frames_.journal->Read(0), seq}; }

base::Result<bool> Spool::Reader::Next(wire::Frame* frame) {
  ASSIGN_OR_RETURN(bool found, thinned_.Take(next_seq_, frame));
  if (!found) {
    ASSIGN_OR_RETURN(found, frames_.Take(next_seq_, frame));
    // What is missing before it may have moved since `thinned` was asked.
    if (found && frame->first_seq > next_seq_) {
      wire::Frame moved;
      ASSIGN_OR_RETURN(bool any, thinned_.Take(next_seq_, &moved));
      if (any) frames_.PutBack(std::exchange(*frame, std::move(moved)));
    }
  }
  if (found) next_seq_ = frame->last_seq() + 1;
  return found;
}

base::Result<bool> Spool::TierReader::Take(uint64_t from_seq, wire::Frame* frame) {
  while (true) {
    while (!waiting_.empty()) {
      *frame = std::move(waiting_.front());
      waiting_.pop_front();
      if (frame->last_seq() >= from_seq) return true;
    }
    journal::Journal::Reader::Entry raw;
    ASSIGN_OR_RETURN(bool more, reader_.Next(&raw));
    if (!more) return false;
    auto entry = DecodeSpoolEntry(raw.payload);
    if (!entry.ok()) continue;  // what it held is missing then, and is told so
    std::move(entry->frames.begin(), entry->frames.end(), std::back_inserter(waiting_));
  }
}

// Removing files is an economy; what cannot be removed now goes with a later call.
void Spool::Tier::Trim(uint64_t position) { (void)journal->TrimBefore(position).ok(); }

void Spool::Release(uint64_t acked_seq) {
  acked_seq_ = acked_seq;  // less than before when the server has lost some
  for (Tier* tier : {&thinned_, &frames_}) {
    uint64_t acked_end = tier->journal->first_position();
    for (const Held& held : tier->held) {
      if (held.last_seq > acked_seq_) break;
      acked_end = held.end;
    }
    while (tier->held.size() > 1 && tier->held.front().end + kRetainedBytes < acked_end) tier->held.pop_front();
    if (!tier->held.empty()) tier->Trim(tier->held.front().begin);
  }
}

base::Result<bool> Spool::Thin() {
  if (ReleaseRetained()) return true;
  unlink(reserve_.c_str());
  auto thinned = ThinOldest();
  bool freed = (thinned.ok() && *thinned) || DropOldestThinned();
  KeepReserve();
  if (!freed && !thinned.ok()) return thinned.status();
  return freed;
}

void Spool::KeepReserve() {
  auto fd = base::OpenFile(reserve_, O_WRONLY | O_CREAT);
  if (fd.ok() && posix_fallocate(fd->get(), 0, kThinAtOnce) != 0) unlink(reserve_.c_str());
}

bool Spool::ReleaseRetained() {
  uint64_t before = bytes_on_disk();
  for (Tier* tier : {&thinned_, &frames_}) {
    auto& held = tier->held;
    while (held.size() > 1 && held.front().last_seq <= acked_seq_) held.pop_front();
    if (!held.empty()) tier->Trim(held.front().begin);
  }
  return bytes_on_disk() < before;
}

// The newest entry stays whole: it holds the source positions. Frames of a file that stays, too, stand in both
// journals; readers take the first.
base::Result<bool> Spool::ThinOldest() {
  if (frames_.journal->bytes_on_disk() < kThinAtOnce) return false;
  uint64_t before = bytes_on_disk();
  auto reader = frames_.journal->Read(frames_.held.front().begin);
  for (uint64_t moved = 0; moved < kThinAtOnce && frames_.held.size() > 1;) {
    journal::Journal::Reader::Entry raw;
    ASSIGN_OR_RETURN(bool more, reader.Next(&raw));
    if (!more) break;
    moved += raw.payload.size();
    RETURN_IF_ERROR(MoveThinned(raw.payload));
  }
  RETURN_IF_ERROR(thinned_.journal->Sync());
  frames_.Trim(frames_.held.front().begin);
  return bytes_on_disk() < before;
}

base::Status Spool::MoveThinned(std::string_view payload) {
  auto entry = DecodeSpoolEntry(payload);
  if (!entry.ok()) return {};
  for (wire::Frame& frame : entry->frames) {
    auto thinned = WithoutPrintedText(frame);
    if (thinned.ok()) frame = *std::move(thinned);  // else its records are damaged: the server will say so
  }
  uint64_t begin = thinned_.journal->end_position();
  ASSIGN_OR_RETURN(uint64_t end, thinned_.journal->Append(EncodeSpoolEntry(*entry)));
  thinned_.held.push_back({entry->first_seq(), entry->last_seq(), begin, end});
  while (frames_.held.size() > 1 && frames_.held.front().last_seq <= entry->last_seq()) frames_.held.pop_front();
  return {};
}

bool Spool::DropOldestThinned() {
  uint64_t before = bytes_on_disk();
  while (thinned_.held.size() > 1 && bytes_on_disk() == before) {
    thinned_.held.pop_front();
    thinned_.Trim(thinned_.held.front().begin);
  }
  return bytes_on_disk() < before;
}

}  // namespace rankscope::agent
