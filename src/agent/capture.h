#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/status.h"
#include "model/record.h"

namespace rankscope::agent {

// What the keeper read, as it read it, in files capture/NNNNNNNN of a run directory: the hand-over from keeper to
// agent that survives the death of either. Written without fsync: it bridges processes, not power cuts (the spool
// does). Each file begins with the state that a reader needs, so that earlier ones can go. Format:
// docs/design/embed.md.

// One pipe that the keeper reads: a rank's or the launcher's stdout or stderr.
struct Channel {
  model::Origin origin;
  model::Stream stream = model::Stream::kStdout;
};

struct CaptureChannel {
  uint32_t id;
  uint64_t bytes_before;  // of the channel, in earlier files
  Channel channel;
};
struct CaptureBytes {
  uint32_t channel;
  base::TimeNs time;
  std::string bytes;
};
struct CaptureRecord {  // an event that the keeper itself noticed
  uint64_t index;       // 1, 2, … within the run
  model::Record record;
};
struct CaptureRecordsBefore {  // in earlier files
  uint64_t count;
};
struct CaptureEnd {};  // the keeper's last word
using CaptureEntry = std::variant<CaptureChannel, CaptureBytes, CaptureRecord, CaptureRecordsBefore, CaptureEnd>;

class CaptureWriter {
 public:
  struct Options {
    uint64_t file_bytes = 8 << 20;
    uint64_t backlog_bytes = 4ull << 30;  // bytes of files kept for a late agent; more is dropped and counted
  };
  static base::Result<CaptureWriter> Create(const std::string& run_directory, Options options);
  // For the successor of a keeper that has died: goes on in a new file with what the files before say. An entry that
  // the dead one could not finish does not count. It may have ended(): then nothing more is to be written.
  static base::Result<CaptureWriter> Continue(const std::string& run_directory, Options options);

  uint32_t OpenChannel(const Channel& channel);
  // Bytes of the channel that are in the capture.
  uint64_t bytes_of(uint32_t channel) const;
  // A full disk or backlog drops the bytes, counts them, and says so in the stream once there is room.
  void Bytes(uint32_t channel, base::TimeNs time, std::string_view bytes);
  void Record(const model::Record& record);
  uint64_t records() const { return record_index_; }  // the number of the last
  void End();
  bool ended() const { return ended_; }

 private:
  void Write(uint8_t kind, std::string_view payload, uint64_t text_bytes);
  bool BeginFile();
  base::Status LearnFrom(const std::string& run_directory, uint64_t file_number);
  void Learn(const CaptureEntry& entry);
  uint64_t Backlog() const;
  void SayDropped();

  std::string folder_;
  Options options_;
  base::UniqueFd fd_;
  uint64_t number_ = 0, written_ = 0;
  uint64_t dropped_ = 0;
  uint64_t record_index_ = 0;
  bool begun_ = false, ended_ = false;
  std::map<uint32_t, CaptureChannel> channels_;
};

class CaptureReader {
 public:
  // Starts at the oldest file.
  static base::Result<CaptureReader> Open(const std::string& run_directory);
  static base::Result<CaptureReader> OpenAt(const std::string& run_directory, uint64_t file_number);
  // Nothing yet: nullopt; call again.
  base::Result<std::optional<CaptureEntry>> Next();
  // The file that Next reads from; earlier ones are read to their end.
  uint64_t file_number() const { return number_; }
  void RemoveBefore(uint64_t file_number);

 private:
  bool Fill();

  std::string folder_;
  base::UniqueFd fd_;
  uint64_t number_ = 0, offset_ = 0;
  std::string buffer_;
  size_t used_ = 0;
};

}  // namespace rankscope::agent
