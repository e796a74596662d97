#include "store/columns/column_cache.h"

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
  Shelf* shelf = ShelfOf(key.form);
  auto found = shelf->index.find(key);
  if (found == shelf->index.end()) return nullptr;
  Entry& entry = shelf->entries[found->second];
  entry.used = ++uses_;
  return entry.value;
}

void ColumnCache::Put(const Key& key, std::shared_ptr<const void> value, size_t bytes) {
  bytes += kEntryBytes;
  std::lock_guard lock(mutex_);
  Shelf* shelf = ShelfOf(key.form);
  if (bytes > shelf->max_bytes / 4 || shelf->index.contains(key)) return;
  while (shelf->bytes + bytes > shelf->max_bytes) Drop(Victim(*shelf), shelf);
  shelf->index[key] = shelf->entries.size();
  shelf->entries.push_back({key, std::move(value), bytes, ++uses_});
  shelf->bytes += bytes;
}

// The older of two at random: queries go over all blocks again and again, and the oldest of all would be the very one
// that the next query begins with.
size_t ColumnCache::Victim(const Shelf& shelf) {
  auto draw = [&] {
    random_ = random_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<size_t>((random_ >> 33) % shelf.entries.size());
  };
  size_t a = draw(), b = draw();
  return shelf.entries[a].used < shelf.entries[b].used ? a : b;
}

void ColumnCache::Drop(size_t at, Shelf* shelf) {
  shelf->bytes -= shelf->entries[at].bytes;
  shelf->index.erase(shelf->entries[at].key);
  if (at + 1 < shelf->entries.size()) {
    shelf->entries[at] = std::move(shelf->entries.back());
    shelf->index[shelf->entries[at].key] = at;
  }
  shelf->entries.pop_back();
}

}  // namespace rankscope::store
