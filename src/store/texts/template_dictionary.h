#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/coding.h"
#include "base/status.h"
#include "store/texts/form_habits.h"
#include "store/texts/hash_index.h"

namespace rankscope::store {

// The templates of one job, numbered from 0 for as long as the job is stored, in an append-only file of checksummed
// chunks beside its segments. Grammar: docs/design/segment.md.
//
// One thread adds and saves (the sealer); size() and form() are for any thread. A template that is added but not saved
// when the process ends is in no segment, and its number goes to another.
class TemplateDictionary {
 public:
  static constexpr uint32_t kMaxTemplates = 64 << 10;
  static constexpr uint32_t kNone = ~uint32_t{0};

  // An absent file is an empty dictionary. It ends where the bytes are no chunk: a chunk whose writing failed, which
  // nothing needs, or damage; a segment that needs more templates tells the two apart.
  static base::Result<std::shared_ptr<TemplateDictionary>> Open(const std::string& path);
  // What lies behind the last whole chunk, as a sentence about damage; empty: nothing.
  const std::string& unread() const { return unread_; }

  uint32_t size() const { return size_.load(std::memory_order_acquire); }
  // REQUIRES id < size().
  const std::string& form(uint32_t id) const { return chunks_[id / kChunk][id % kChunk]; }

  // Forms are looked for by their hash.
  static uint64_t HashOf(std::string_view form) { return base::Checksum(form); }
  // kNone: it is not there.
  uint32_t Find(std::string_view form, uint64_t hash) const;
  // kNone: there is no room for more, or another one has its hash. REQUIRES it is not there.
  uint32_t Add(std::string_view form);
  // Makes what was added durable. After an error the next call tries again.
  base::Status Save();
  // A template seen once is mostly never seen again: counts how often a form was seen by seals before this one.
  uint32_t NoteSeen(uint64_t hash, uint32_t times);
  // The adding thread's.
  FormHabits* habits() { return &habits_; }

  const std::string& path() const { return path_; }
  uint64_t file_bytes() const { return saved_bytes_; }

 private:
  static constexpr uint32_t kChunk = 1024;
  static constexpr size_t kMaxCandidates = 64 << 10;

  explicit TemplateDictionary(std::string path) : path_(std::move(path)) {}
  void Load(std::string_view bytes);
  uint32_t Append(std::string_view form, uint64_t hash);

  const std::string path_;
  std::string unread_;
  std::array<std::unique_ptr<std::string[]>, kMaxTemplates / kChunk> chunks_;
  std::atomic<uint32_t> size_{0};
  HashIndex ids_;         // the adding thread's
  HashIndex candidates_;  // times seen
  FormHabits habits_;
  uint32_t saved_ = 0;
  uint64_t saved_bytes_ = 0;
};

}  // namespace rankscope::store
