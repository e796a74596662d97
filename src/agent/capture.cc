#include "agent/capture.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "base/coding.h"
#include "model/event.h"
#include "model/record_batch.h"

namespace rankscope::agent {
namespace {

constexpr uint8_t kChannel = 1;
constexpr uint8_t kBytes = 2;
constexpr uint8_t kRecord = 3;
constexpr uint8_t kEnd = 4;
constexpr uint8_t kRecordsBefore = 5;
constexpr size_t kHeader = 5;  // u32 payload length, u8 kind
constexpr size_t kReadAhead = 1 << 20;

std::string FileName(const std::string& folder, uint64_t number) {
  char name[16];
  std::snprintf(name, sizeof name, "/%08lu", static_cast<unsigned long>(number));
  return folder + name;
}

uint64_t NumberOf(const std::string& file) { return std::strtoull(file.c_str(), nullptr, 10); }

// A channel is carried as a record of its origin and stream without text.
std::string EncodeChannel(const CaptureChannel& channel) {
  std::string out;
  base::PutVarint(&out, channel.id);
  base::PutVarint(&out, channel.bytes_before);
  model::Record record;
  record.origin = channel.channel.origin;
  record.stream = channel.channel.stream;
  model::EncodeRecords({record}, &out);
  return out;
}

base::Result<CaptureEntry> Decode(uint8_t kind, std::string_view payload) {
  base::ByteReader in(payload);
  switch (kind) {
    case kChannel: {
      CaptureChannel channel{static_cast<uint32_t>(in.Varint()), in.Varint(), {}};
      ASSIGN_OR_RETURN(auto records, model::DecodeRecords(in.Bytes(in.remaining())));
      if (records.size() != 1) return base::Status::Corrupt("capture: malformed channel");
      channel.channel = {records[0].origin, records[0].stream};
      return CaptureEntry(std::move(channel));
    }
    case kBytes: {
      CaptureBytes bytes{static_cast<uint32_t>(in.Varint()), in.Signed(), {}};
      bytes.bytes = in.Bytes(in.remaining());
      return CaptureEntry(std::move(bytes));
    }
    case kRecord: {
      CaptureRecord record{in.Varint(), {}};
      ASSIGN_OR_RETURN(auto records, model::DecodeRecords(in.Bytes(in.remaining())));
      if (records.size() != 1) return base::Status::Corrupt("capture: malformed record");
      record.record = std::move(records[0]);
      return CaptureEntry(std::move(record));
    }
    case kRecordsBefore:
      return CaptureEntry(CaptureRecordsBefore{in.Varint()});
    case kEnd:
      return CaptureEntry(CaptureEnd{});
    default:
      return base::Status::Corrupt("capture: unknown kind " + std::to_string(kind));
  }
}

}  // namespace

base::Result<CaptureWriter> CaptureWriter::Create(const std::string& run_directory, Options options) {
  CaptureWriter writer;
  writer.folder_ = run_directory + "/capture";
  writer.options_ = options;
  RETURN_IF_ERROR(base::MakeDirectories(writer.folder_));
  if (!writer.BeginFile()) return base::Status::Unavailable("cannot write to " + writer.folder_);
  return writer;
}

bool CaptureWriter::BeginFile() {
  auto fd = base::OpenFile(FileName(folder_, number_ + 1), O_WRONLY | O_CREAT | O_APPEND | O_EXCL, 0600);
  if (!fd.ok()) return false;
  fd_ = *std::move(fd);
  ++number_;
  written_ = 0;
  for (const auto& [id, channel] : channels_) Write(kChannel, EncodeChannel(channel), 0);
  std::string records;
  base::PutVarint(&records, record_index_);
  Write(kRecordsBefore, records, 0);
  return true;
}

base::Result<CaptureWriter> CaptureWriter::Continue(const std::string& run_directory, Options options) {
  CaptureWriter writer;
  writer.folder_ = run_directory + "/capture";
  writer.options_ = options;
  ASSIGN_OR_RETURN(auto files, base::ListDirectory(writer.folder_));
  // A file begins with the state at that moment, so one that was begun in full says all; the newest may not have been.
  for (auto file = files.rbegin(); file != files.rend() && !writer.begun_; ++file) {
    RETURN_IF_ERROR(writer.LearnFrom(run_directory, NumberOf(*file)));
  }
  writer.number_ = files.empty() ? 0 : NumberOf(files.back());
  if (!writer.ended_ && !writer.BeginFile()) return base::Status::Unavailable("cannot write to " + writer.folder_);
  return writer;
}

base::Status CaptureWriter::LearnFrom(const std::string& run_directory, uint64_t file_number) {
  channels_.clear();
  ASSIGN_OR_RETURN(CaptureReader reader, CaptureReader::OpenAt(run_directory, file_number));
  while (true) {
    ASSIGN_OR_RETURN(std::optional<CaptureEntry> entry, reader.Next());
    if (!entry) return {};
    Learn(*entry);
  }
}

void CaptureWriter::Learn(const CaptureEntry& entry) {
  if (const auto* channel = std::get_if<CaptureChannel>(&entry)) {
    channels_[channel->id] = *channel;
  } else if (const auto* bytes = std::get_if<CaptureBytes>(&entry)) {
    channels_[bytes->channel].bytes_before += bytes->bytes.size();
  } else if (const auto* record = std::get_if<CaptureRecord>(&entry)) {
    record_index_ = record->index;
  } else if (const auto* before = std::get_if<CaptureRecordsBefore>(&entry)) {
    record_index_ = before->count;
    begun_ = true;
  } else {
    ended_ = true;
  }
}

uint64_t CaptureWriter::bytes_of(uint32_t channel) const {
  auto found = channels_.find(channel);
  return found == channels_.end() ? 0 : found->second.bytes_before;
}

uint32_t CaptureWriter::OpenChannel(const Channel& channel) {
  auto id = static_cast<uint32_t>(channels_.size() + 1);
  channels_[id] = {id, 0, channel};
  Write(kChannel, EncodeChannel(channels_[id]), 0);
  return id;
}

void CaptureWriter::Bytes(uint32_t channel, base::TimeNs time, std::string_view bytes) {
  if (written_ >= options_.file_bytes) BeginFile();
  if (dropped_ > 0) SayDropped();
  std::string payload;
  payload.reserve(bytes.size() + 16);
  base::PutVarint(&payload, channel);
  base::PutSigned(&payload, time);
  payload.append(bytes);
  uint64_t dropped = dropped_;
  if (written_ < options_.file_bytes || Backlog() < options_.backlog_bytes) {
    Write(kBytes, payload, bytes.size());
  } else {
    dropped_ += bytes.size();
  }
  if (dropped_ == dropped) channels_[channel].bytes_before += bytes.size();
}

void CaptureWriter::Record(const model::Record& record) {
  std::string payload;
  base::PutVarint(&payload, ++record_index_);
  model::EncodeRecords({record}, &payload);
  Write(kRecord, payload, 0);
}

void CaptureWriter::End() {
  Write(kEnd, {}, 0);
  ended_ = true;
}

void CaptureWriter::SayDropped() {
  model::Record event = model::MakeEvent(
      "capture_dropped", base::WallNow(),
      "rankscope: the run directory was full: " + std::to_string(dropped_) + " bytes of output were not kept");
  event.level = "warning";
  event.fields.emplace_back("dropped_bytes", static_cast<int64_t>(dropped_));
  uint64_t before = std::exchange(dropped_, 0);
  Record(event);
  dropped_ = dropped_ > 0 ? before : 0;  // still full: the count stands
}

void CaptureWriter::Write(uint8_t kind, std::string_view payload, uint64_t text_bytes) {
  std::string header;
  base::PutFixed32(&header, static_cast<uint32_t>(payload.size()));
  header.push_back(static_cast<char>(kind));
  iovec parts[2] = {{header.data(), header.size()}, {const_cast<char*>(payload.data()), payload.size()}};
  ssize_t written = writev(fd_.get(), parts, 2);
  auto whole = static_cast<ssize_t>(kHeader + payload.size());
  if (written == whole) {
    written_ += static_cast<uint64_t>(whole);
    return;
  }
  if (written > 0)
    (void)!ftruncate(fd_.get(), static_cast<off_t>(written_));  // O_APPEND: the next entry follows the last whole one
  dropped_ += text_bytes > 0 ? text_bytes : 1;
}

uint64_t CaptureWriter::Backlog() const {
  auto files = base::ListDirectory(folder_);
  return files.ok() ? files->size() * options_.file_bytes : 0;
}

base::Result<CaptureReader> CaptureReader::Open(const std::string& run_directory) {
  std::string folder = run_directory + "/capture";
  ASSIGN_OR_RETURN(auto files, base::ListDirectory(folder));
  if (files.empty()) return base::Status::NotFound(folder + " is empty");
  return OpenAt(run_directory, NumberOf(files.front()));
}

base::Result<CaptureReader> CaptureReader::OpenAt(const std::string& run_directory, uint64_t file_number) {
  CaptureReader reader;
  reader.folder_ = run_directory + "/capture";
  reader.number_ = file_number;
  ASSIGN_OR_RETURN(reader.fd_, base::OpenFile(FileName(reader.folder_, file_number), O_RDONLY));
  return reader;
}

bool CaptureReader::Fill() {
  buffer_.erase(0, used_);
  used_ = 0;
  size_t have = buffer_.size();
  buffer_.resize(have + kReadAhead);
  ssize_t got = pread(fd_.get(), buffer_.data() + have, kReadAhead, static_cast<off_t>(offset_));
  buffer_.resize(have + (got > 0 ? static_cast<size_t>(got) : 0));
  if (got > 0) offset_ += static_cast<uint64_t>(got);
  return got > 0;
}

base::Result<std::optional<CaptureEntry>> CaptureReader::Next() {
  while (true) {
    std::string_view rest = std::string_view(buffer_).substr(used_);
    if (rest.size() >= kHeader) {
      base::ByteReader header(rest);
      uint32_t length = header.Fixed32();
      uint8_t kind = header.Byte();
      if (rest.size() >= kHeader + length) {
        used_ += kHeader + length;
        ASSIGN_OR_RETURN(CaptureEntry entry, Decode(kind, rest.substr(kHeader, length)));
        return std::optional<CaptureEntry>(std::move(entry));
      }
    }
    if (Fill()) continue;
    // A next file means that this one is complete, but it may have grown since the read above.
    auto next = base::OpenFile(FileName(folder_, number_ + 1), O_RDONLY);
    if (!next.ok()) return std::optional<CaptureEntry>();
    if (Fill()) continue;
    fd_ = *std::move(next);
    ++number_;
    offset_ = 0;
    buffer_.clear();
    used_ = 0;
  }
}

void CaptureReader::RemoveBefore(uint64_t file_number) {
  auto files = base::ListDirectory(folder_);
  if (!files.ok()) return;
  for (const std::string& name : *files) {
    if (NumberOf(name) < file_number) unlink((folder_ + "/" + name).c_str());
  }
}

}  // namespace rankscope::agent
