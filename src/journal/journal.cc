#include "journal/journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "base/coding.h"
#include "journal/entry_format.h"

namespace rankscope::journal {
namespace {

constexpr std::string_view kSuffix = ".journal";

// The offset of the first entry at or after `from` that validates; positions are file offsets less the header.
std::optional<size_t> FindEntry(uint64_t id, uint64_t first, std::string_view content, size_t from) {
  for (size_t at = from; at + kEntryHeaderBytes <= content.size(); ++at) {
    if (DecodeEntry(id, first + at - kFileHeaderBytes, content.substr(at))) return at;
  }
  return std::nullopt;
}

std::string Damage(const std::string& path, size_t from, size_t to) {
  return path + ": bytes " + std::to_string(from) + " to " + std::to_string(to) +
         " are damaged; what they held is lost, everything else is served";
}

std::string CutShort(const std::string& path, uint64_t at, uint64_t missing) {
  return path + ": " + std::to_string(missing) + " bytes are missing from byte " + std::to_string(at) +
         " on; what they held is lost, everything else is served";
}

}  // namespace

Journal::~Journal() = default;

std::string Journal::PathOf(uint64_t first) const {
  char name[32];
  std::snprintf(name, sizeof name, "/%020lu", static_cast<unsigned long>(first));
  return folder_ + name + std::string(kSuffix);
}

base::Result<std::unique_ptr<Journal>> Journal::Open(const std::string& folder, Options options, Recovery* recovery) {
  std::unique_ptr<Journal> journal(new Journal);
  journal->folder_ = folder;
  journal->options_ = options;
  RETURN_IF_ERROR(base::MakeDirectories(folder));
  ASSIGN_OR_RETURN(journal->lock_, base::LockFile(folder + "/LOCK"));
  RETURN_IF_ERROR(journal->Recover(recovery));
  return journal;
}

base::Result<std::unique_ptr<Journal>> Journal::OpenToRead(const std::string& folder, Recovery* recovery) {
  std::unique_ptr<Journal> journal(new Journal);
  journal->folder_ = folder;
  journal->reads_only_ = true;
  ASSIGN_OR_RETURN(journal->lock_, base::OpenFile(folder + "/LOCK", O_RDONLY));
  ASSIGN_OR_RETURN(journal->files_, journal->FindFiles());
  RETURN_IF_ERROR(journal->RecoverId(recovery));
  if (journal->files_.empty()) journal->files_.push_back({0, 0});
  return journal;
}

base::Result<std::vector<Journal::File>> Journal::FindFiles() const {
  ASSIGN_OR_RETURN(auto names, base::ListDirectory(folder_));
  std::vector<File> files;
  for (const std::string& name : names) {
    if (!name.ends_with(kSuffix)) continue;
    uint64_t first = std::strtoull(name.c_str(), nullptr, 10);
    struct stat info {};
    if (stat(PathOf(first).c_str(), &info) != 0) {
      if (errno == ENOENT) continue;  // trimmed since
      return base::Status::FromErrno(PathOf(first), errno);
    }
    auto size = static_cast<uint64_t>(info.st_size);
    if (!files.empty()) files.back().end = std::min(files.back().end, first);
    files.push_back({first, first + (size > kFileHeaderBytes ? size - kFileHeaderBytes : 0)});
  }
  return files;
}

base::Status Journal::Recover(Recovery* recovery) {
  ASSIGN_OR_RETURN(files_, FindFiles());
  RETURN_IF_ERROR(RecoverId(recovery));
  if (!files_.empty()) RETURN_IF_ERROR(RecoverLast(&files_.back(), recovery));
  uint64_t end = files_.empty() ? 0 : files_.back().end;
  auto begun = BeginFile(end);
  if (begun.code() != base::Code::kUnavailable) return begun;
  if (files_.empty()) files_.push_back({end, end});
  return {};  // a full disk: what is there can be read, and Append tries again
}

// The id is in each file's header and, for the day when the only header is damaged, in LOCK.
base::Status Journal::RecoverId(Recovery* recovery) {
  for (const File& file : files_) {
    auto fd = base::OpenFile(PathOf(file.first), O_RDONLY);
    if (fd.status().code() == base::Code::kNotFound) continue;  // trimmed since
    if (!fd.ok()) return fd.status();
    ASSIGN_OR_RETURN(std::string bytes, base::ReadAt(fd->get(), 0, kFileHeaderBytes));
    auto header = DecodeFileHeader(bytes);
    if (header && (header->version < kOldestVersion || header->version > kVersion)) {
      return base::Status::Invalid(PathOf(file.first) + ": journal of version " + std::to_string(header->version) +
                                   "; this program reads versions " + std::to_string(kOldestVersion) + " to " +
                                   std::to_string(kVersion) + ": use the version of rankscope that wrote it");
    }
    if (header) id_ = header->id;
    if (!header && file.end > file.first) recovery->damage.push_back(PathOf(file.first) + ": header is damaged");
  }
  ASSIGN_OR_RETURN(std::string kept, base::ReadAt(lock_.get(), 0, sizeof id_));
  if (id_ == 0 && kept.size() == sizeof id_) id_ = base::ByteReader(kept).Fixed64();
  if (id_ == 0 && getrandom(&id_, sizeof id_, 0) != sizeof id_) return base::Status::Internal("no random bytes");
  if (kept.size() == sizeof id_ && base::ByteReader(kept).Fixed64() == id_) return {};
  kept.clear();
  base::PutFixed64(&kept, id_);
  // Only a spare: a disk that is full now gets it at another opening.
  if (pwrite(lock_.get(), kept.data(), kept.size(), 0) < 0) return {};
  return {};
}

// A torn tail is an entry that was not written to its end: it was never acknowledged, and is cut off. Damage elsewhere
// stays where it is for readers to skip and report.
base::Status Journal::RecoverLast(File* file, Recovery* recovery) {
  std::string path = PathOf(file->first);
  ASSIGN_OR_RETURN(std::string content, base::ReadWholeFile(path));
  size_t good = kFileHeaderBytes;
  for (size_t at = good; at < content.size();) {
    auto rest = std::string_view(content).substr(at);
    auto length = DecodeEntryLength(id_, file->first + at - kFileHeaderBytes, rest);
    if (length && *length <= rest.size()) {
      good = at += *length;
      continue;
    }
    auto next = FindEntry(id_, file->first, content, at + 1);
    if (!next) break;
    at = *next;
  }
  if (good >= content.size()) return {};
  recovery->truncated_bytes = content.size() - good;
  recovery->damage.push_back(path + ": cut off at byte " + std::to_string(good) + ": the last " +
                             std::to_string(recovery->truncated_bytes) +
                             " bytes are an entry that was not written to its end");
  if (truncate(path.c_str(), static_cast<off_t>(good)) != 0)
    return base::Status::FromErrno("cannot cut " + path, errno);
  file->end = file->first + good - kFileHeaderBytes;
  return {};
}

// Every opening and every full file begins a new one: nothing is ever appended behind a recovered tail. On error the
// journal is as before.
base::Status Journal::BeginFile(uint64_t first) {
  std::string path = PathOf(first);
  ASSIGN_OR_RETURN(base::UniqueFd fd, base::OpenFile(path, O_WRONLY | O_CREAT | O_TRUNC));
  RETURN_IF_ERROR(base::WriteFully(fd.get(), EncodeFileHeader(id_, first)).WithContext(path));
  if (fdatasync(fd.get()) != 0) return base::Status::FromErrno("cannot sync " + path, errno);
  RETURN_IF_ERROR(base::SyncDirectory(folder_));
  fd_ = std::move(fd);
  begun_ = true;
  std::lock_guard lock(mutex_);
  // A file without entries has the name that the new one took, and perhaps a torn header.
  if (!files_.empty() && files_.back().first == first) files_.pop_back();
  files_.push_back({first, first});
  return {};
}

base::Status Journal::AdvanceTo(uint64_t position) {
  return position <= files_.back().end ? base::Status() : BeginFile(position);
}

base::Result<uint64_t> Journal::Append(std::string_view head, std::string_view body) {
  if (poisoned_) return base::Status::Internal(folder_ + ": an earlier write or sync failed for good");
  if (head.size() + body.size() > kMaxPayloadBytes) return base::Status::Invalid("journal entry of more than 64 MiB");
  if (!begun_) RETURN_IF_ERROR(BeginFile(files_.back().end));
  if (files_.back().end - files_.back().first >= options_.file_bytes) {
    RETURN_IF_ERROR(Sync());
    RETURN_IF_ERROR(BeginFile(files_.back().end));
  }
  File file = files_.back();
  std::string header = EncodeEntryHeader(id_, file.end, head, body);
  iovec parts[] = {{header.data(), header.size()},
                   {const_cast<char*>(head.data()), head.size()},
                   {const_cast<char*>(body.data()), body.size()}};
  auto whole = static_cast<ssize_t>(header.size() + head.size() + body.size());
  ssize_t written = writev(fd_.get(), parts, std::size(parts));
  if (written != whole) {
    int error = written < 0 ? errno : ENOSPC;
    auto good = static_cast<off_t>(kFileHeaderBytes + file.end - file.first);
    if (ftruncate(fd_.get(), good) != 0 || lseek(fd_.get(), good, SEEK_SET) != good) poisoned_ = true;
    return base::Status::FromErrno("cannot write to " + PathOf(file.first), error);
  }
  std::lock_guard lock(mutex_);
  files_.back().end += static_cast<uint64_t>(whole);
  return files_.back().end;
}

base::Status Journal::Sync() {
  if (poisoned_) return base::Status::Internal(folder_ + ": an earlier write or sync failed for good");
  if (!begun_) return {};
  auto status = base::SyncFile(fd_.get(), PathOf(files_.back().first));
  if (status.ok()) return {};
  poisoned_ = true;  // the kernel may have dropped the pages: asking again would lie
  return base::Status::Internal(status.message());
}

base::Status Journal::BeginNextFile() {
  if (files_.back().first == files_.back().end) return {};
  RETURN_IF_ERROR(Sync());
  return BeginFile(files_.back().end);
}

uint64_t Journal::first_position() const {
  std::lock_guard lock(mutex_);
  return files_.front().first;
}

uint64_t Journal::end_position() const {
  std::lock_guard lock(mutex_);
  return files_.back().end;
}

uint64_t Journal::bytes_on_disk() const {
  std::lock_guard lock(mutex_);
  return files_.back().end - files_.front().first;
}

bool Journal::HasFileBefore(uint64_t position) const {
  std::lock_guard lock(mutex_);
  return files_.size() > 1 && files_.front().end <= position;
}

base::Status Journal::TrimBefore(uint64_t position) {
  std::vector<std::string> gone;
  {
    std::lock_guard lock(mutex_);
    while (files_.size() > 1 && files_.front().end <= position) {
      gone.push_back(PathOf(files_.front().first));
      files_.erase(files_.begin());
    }
  }
  for (const std::string& path : gone) {
    if (unlink(path.c_str()) != 0) return base::Status::FromErrno("cannot remove " + path, errno);
  }
  return gone.empty() ? base::Status() : base::SyncDirectory(folder_);
}

Journal::Reader Journal::Read(uint64_t position) { return {this, position}; }

// The file that holds position_, which moves past files that are missing or were cut short. False at the end.
bool Journal::Reader::FindFile(File* file) {
  std::lock_guard lock(journal_->mutex_);
  const auto& files = journal_->files_;
  if (position_ < files.front().first) position_ = files.front().first;
  for (size_t i = 0; i < files.size(); ++i) {
    if (position_ < files[i].first) {
      const File& before = files[i - 1];
      damage_.push_back(CutShort(journal_->PathOf(before.first), kFileHeaderBytes + before.end - before.first,
                                 files[i].first - position_));
      position_ = files[i].first;
    }
    *file = files[i];
    if (position_ < file->end) return true;
  }
  return false;
}

// Whether the file has gone since, or, where another process appends, is longer or shorter.
bool Journal::HasChanged(const File& file) {
  auto files = reads_only_ ? FindFiles() : base::Status::NotFound("");
  std::lock_guard lock(mutex_);
  if (files.ok() && !files->empty()) files_ = *std::move(files);
  return std::none_of(files_.begin(), files_.end(),
                      [&](const File& now) { return now.first == file.first && now.end == file.end; });
}

// Of a journal that is only read here.
bool Journal::IsOpenElsewhere() const {
  if (flock(lock_.get(), LOCK_SH | LOCK_NB) != 0) return errno == EWOULDBLOCK;
  (void)flock(lock_.get(), LOCK_UN);
  return false;
}

base::Result<bool> Journal::Reader::Next(Entry* entry) {
  File file{};
  while (FindFile(&file)) {
    auto taken = Take(file, entry);
    if (taken.ok() && *taken) return true;
    if (taken.ok() && !unfinished_) continue;
    if (journal_->HasChanged(file)) continue;
    if (!taken.ok()) return taken.status();
    if (journal_->IsOpenElsewhere()) return false;
    RETURN_IF_ERROR(SkipDamage(file));
  }
  return false;
}

base::Result<bool> Journal::Reader::Take(const File& file, Entry* entry) {
  if (file_first_ != file.first) {
    ASSIGN_OR_RETURN(fd_, base::OpenFile(journal_->PathOf(file.first), O_RDONLY));
    file_first_ = file.first;
  }
  const uint64_t offset = kFileHeaderBytes + position_ - file.first;
  ASSIGN_OR_RETURN(std::string bytes, base::ReadAt(fd_.get(), offset, kEntryHeaderBytes));
  const auto length = DecodeEntryLength(journal_->id_, position_, bytes);
  if (length && *length <= file.end - position_) {
    ASSIGN_OR_RETURN(std::string payload,
                     base::ReadAt(fd_.get(), offset + kEntryHeaderBytes, *length - kEntryHeaderBytes));
    bytes += payload;
    if (auto found = DecodeEntry(journal_->id_, position_, bytes)) {
      entry->payload = *found;
      position_ = entry->end_position = position_ + *length;
      return true;
    }
  }
  const bool last = file.end == journal_->end_position();
  unfinished_ = journal_->reads_only_ && last && bytes.size() < length.value_or(kEntryHeaderBytes);
  if (unfinished_) return false;
  RETURN_IF_ERROR(SkipDamage(file));
  return false;
}

// To the next entry that validates. Where the damaged one's length is known, it is not searched for in its payload.
base::Status Journal::Reader::SkipDamage(const File& file) {
  ASSIGN_OR_RETURN(std::string content, base::ReadWholeFile(journal_->PathOf(file.first)));
  uint64_t end = kFileHeaderBytes + file.end - file.first;
  content.resize(std::min<uint64_t>(content.size(), end));
  uint64_t offset = kFileHeaderBytes + position_ - file.first;
  uint64_t from = offset + 1;
  if (offset < content.size()) {
    auto length = DecodeEntryLength(journal_->id_, position_, std::string_view(content).substr(offset));
    if (length && offset + *length <= end) from = offset + *length;
  }
  uint64_t resume = FindEntry(journal_->id_, file.first, content, from).value_or(end);
  damage_.push_back(Damage(journal_->PathOf(file.first), offset, resume));
  position_ = file.first + resume - kFileHeaderBytes;
  return {};
}

}  // namespace rankscope::journal
