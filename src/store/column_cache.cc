#include "store/column_cache.h"

namespace rankscope::store {
namespace {

constexpr size_t kEntryBytes = 128;  // beside the value

uint64_t Mixed(uint64_t value) {
  value ^= value >> 32;
  value *= 0x9e3779b97f4a7c15u;
  return value ^ value >> 29;
}

}  // namespace

size_t ColumnCache::KeyHash::operator()(const Key& key) const {
  uint64_t place = uint64_t{key.block} << 32 | uint64_t{key.column} << 4 | static_cast<uint64_t>(key.form);
  return Mixed(place ^ Mixed(key.segment));
}

std::shared_ptr<const void> ColumnCache::FindAny(const Key& key) {
  std::lock_guard lock(mutex_);
  auto found = index_.find(key);
  if (found == index_.end()) return nullptr;
  Entry& entry = entries_[found->second];
  entry.used = ++uses_;
  return entry.value;
}

void ColumnCache::Put(const Key& key, std::shared_ptr<const void> value, size_t bytes) {
  bytes += kEntryBytes;
  std::lock_guard lock(mutex_);
  if (bytes > kMaxBytes / 4 || index_.contains(key)) return;
  while (bytes_ + bytes > kMaxBytes) Drop(Victim());
  index_[key] = entries_.size();
  entries_.push_back({key, std::move(value), bytes, ++uses_});
  bytes_ += bytes;
}

// The older of two at random: queries go over all blocks again and again, and the oldest of all would be the very one
// that the next query begins with.
size_t ColumnCache::Victim() {
  auto draw = [this] {
    random_ = random_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<size_t>((random_ >> 33) % entries_.size());
  };
  size_t a = draw(), b = draw();
  return entries_[a].used < entries_[b].used ? a : b;
}

void ColumnCache::Drop(size_t at) {
  bytes_ -= entries_[at].bytes;
  index_.erase(entries_[at].key);
  if (at + 1 < entries_.size()) {
    entries_[at] = std::move(entries_.back());
    index_[entries_[at].key] = at;
  }
  entries_.pop_back();
}

}  // namespace rankscope::store
