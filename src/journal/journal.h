#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/status.h"

namespace rankscope::journal {

// What Open found wrong and did about it: said to the user, never silently skipped.
struct Recovery {
  uint64_t truncated_bytes = 0;     // torn tail of the last file, never acknowledged
  std::vector<std::string> damage;  // one sentence each, naming file and offset
};

// An append-only sequence of checksummed entries in files of a folder: the server's write-ahead log and the
// agent's spool. Format and recovery rules: docs/design/wal.md.
//
// A position is a byte offset in the endless sequence of all files; entries keep theirs for ever. One process may
// have a journal open (flock on DIR/LOCK). One thread appends; Read and positions are for any thread.
class Journal {
 public:
  struct Options {
    uint64_t file_bytes = 64 << 20;  // a new file is begun past this size
  };

  // Creates the folder if absent. A torn last entry is cut off; damage elsewhere is skipped by readers and reported.
  // A full disk does not hinder it. kInvalid when a newer program wrote the journal.
  static base::Result<std::unique_ptr<Journal>> Open(const std::string& folder, Options options, Recovery* recovery);
  // To Read what is there, also while somebody has it open, appends and trims: nothing is written. A torn last entry is
  // damage like any where nobody has it open. kNotFound: there is none.
  static base::Result<std::unique_ptr<Journal>> OpenToRead(const std::string& folder, Recovery* recovery);
  ~Journal();

  // Writes one entry, whose payload is `head` and `body` behind each other; durable only after Sync. Returns the
  // position just past it. On a write error (full disk) the torn bytes are cut off again and the journal can be
  // appended to later.
  base::Result<uint64_t> Append(std::string_view head, std::string_view body = {});
  // Makes everything appended durable. An fdatasync error is final: the caller must stop (kInternal ever after).
  base::Status Sync();

  // Lets no entry have a position before this one from now on: a reader that was once further keeps its place.
  base::Status AdvanceTo(uint64_t position);

  uint64_t first_position() const;
  uint64_t end_position() const;
  uint64_t bytes_on_disk() const;
  // The next entry goes to a new file, so that all files so far can be trimmed. As Append on threads.
  base::Status BeginNextFile();
  // Whether TrimBefore would remove something.
  bool HasFileBefore(uint64_t position) const;
  // Removes the files whose every entry lies before `position`.
  base::Status TrimBefore(uint64_t position);

  struct File {
    uint64_t first;  // position of its first entry
    uint64_t end;    // position past its last whole entry
  };

  // Reads entries in order from `position` on, up to the end at the time of each Next.
  class Reader {
   public:
    struct Entry {
      std::string payload;
      uint64_t end_position = 0;
    };
    // False at the end (call again later for more). Damaged ranges are skipped and added to damage().
    base::Result<bool> Next(Entry* entry);
    const std::vector<std::string>& damage() const { return damage_; }

   private:
    friend class Journal;
    Reader(Journal* journal, uint64_t position) : journal_(journal), position_(position) {}
    bool FindFile(File* file);
    // False: a damaged range was skipped, or unfinished_.
    base::Result<bool> Take(const File& file, Entry* entry);
    base::Status SkipDamage(const File& file);
    Journal* journal_;
    uint64_t position_;
    uint64_t file_first_ = ~uint64_t{0};
    bool unfinished_ = false;  // the entry at position_, which somebody may be writing
    base::UniqueFd fd_;
    std::vector<std::string> damage_;
  };
  // Positions before first_position() start there. REQUIRES the journal outlives the reader.
  Reader Read(uint64_t position);

 private:
  Journal() = default;
  base::Status Recover(Recovery* recovery);
  base::Result<std::vector<File>> FindFiles() const;
  base::Status RecoverId(Recovery* recovery);
  base::Status RecoverLast(File* file, Recovery* recovery);
  base::Status BeginFile(uint64_t first);
  std::string PathOf(uint64_t first) const;
  bool HasChanged(const File& file);
  bool IsOpenElsewhere() const;

  std::string folder_;
  Options options_;
  uint64_t id_ = 0;  // mixed into every checksum: bytes of another journal never validate
  base::UniqueFd lock_, fd_;
  bool reads_only_ = false;
  bool begun_ = false;     // the last of files_ is open for appending: not so when the disk was full
  bool poisoned_ = false;  // the appender's own

  mutable std::mutex mutex_;  // guards files_, which readers consult
  std::vector<File> files_;   // ascending, never empty once open
};

}  // namespace rankscope::journal
