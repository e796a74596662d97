#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "agent/ranks/rank_control.h"
#include "base/file.h"
#include "base/status.h"
#include "embed/ring_layout.h"
#include "model/record.h"

namespace rankscope::agent {

// The agent's end of one process's metric ring (embed/ring_layout.h). The memory is the training process's to write:
// nothing in it is trusted. One thread.
class RingReader {
 public:
  // Starts at the ring's tail. kCorrupt: no ring, or one that is not whole.
  static base::Result<std::unique_ptr<RingReader>> Open(const std::string& path);
  ~RingReader();
  RingReader(const RingReader&) = delete;
  RingReader& operator=(const RingReader&) = delete;

  // The next record, without job and host; nullopt: nothing yet. kCorrupt: what is in the ring was skipped.
  base::Result<std::optional<model::Record>> Next();
  // What the process had logged since its last record. Once, when it writes no more.
  std::optional<model::Record> TakeOpenWindow();

  // Whether the process has closed the ring or ended. Read on to the end after it has.
  bool writer_gone() const;
  uint64_t position() const { return position_; }
  void Seek(uint64_t position, uint64_t last_window);  // after a restart; a position behind the tail is the tail
  uint64_t last_window() const { return last_window_; }
  uint64_t dropped() const;
  const model::Origin& origin() const { return origin_; }
  pid_t pid() const { return pid_; }
  // No launcher has told the process anything.
  bool is_alone() const { return is_alone_; }
  // The process whose data-loader worker has opened the ring, else the one that has opened it.
  pid_t owner() const { return owner_; }

  // Bytes before the position are durable elsewhere: their room is the writer's again.
  void Release(uint64_t position);
  void SetLogIntervalSteps(uint32_t steps);
  // What is asked of the process; for as long as this lives.
  RankControl control() const { return RankControl(&ring_->control); }
  // Of the process; nothing happens once it has ended.
  void Signal(int number) const;

 private:
  RingReader() = default;
  void ReadIdentity();
  std::optional<model::Record> Decode(uint32_t kind, std::string_view payload);
  std::optional<model::Record> DecodeWindow(std::string_view payload);
  std::optional<model::Record> DecodeJson(std::string_view payload) const;
  void AddField(uint32_t field, const rankscope_window_field& values, model::Fields* fields) const;
  model::Record NewRecord(model::Stream stream, int64_t time, int64_t step) const;

  rankscope_ring* ring_ = nullptr;
  size_t bytes_ = 0;
  uint32_t header_bytes_ = 0, data_bytes_ = 0;  // as checked: the writer cannot change them under us
  base::UniqueFd process_;                      // a pidfd; invalid: it has ended
  model::Origin origin_;
  pid_t pid_ = 0, owner_ = 0;
  bool is_alone_ = false;
  uint64_t position_ = 0, last_window_ = 0;
};

}  // namespace rankscope::agent
