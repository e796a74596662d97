// A segment whose checksums hold and whose bytes mean anything: a small sound one whose block header (with the columns
// that lie in it), or rollup, was edited. It is served or refused; nothing else may happen, and the sound job beside it
// is read whole.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/coding.h"
#include "base/file.h"
#include "store/columns/compression.h"
#include "store/store.h"

namespace {

using namespace rankscope;
namespace fs = std::filesystem;

constexpr size_t kTrailerBytes = 24;
constexpr size_t kRecords = 140;  // in few enough cells for a rollup

const std::string& Folder() {
  static const std::string folder = fs::temp_directory_path() / ("rankscope-segment-fuzz-" + std::to_string(getpid()));
  return folder;
}

// Of every kind of column a few values.
model::Record RecordOf(const std::string& job, size_t i) {
  model::Record record;
  record.origin.job = job;
  record.origin.rank = static_cast<int32_t>(i % 2);
  record.time = static_cast<int64_t>(i) * base::kNsPerMs;
  record.seq = i;
  if (i % 4 == 0) record.step = static_cast<int64_t>(i);
  record.text = i % 5 == 0 ? "only once " + std::string(i + 1, 'x')
                           : "loss: 2." + std::to_string(100 + i) + " step " + std::to_string(i) + " id 0a1b2c3" +
                                 std::to_string(i) + " of 00000000-0000-0000-0000-0000000000" + std::to_string(10 + i);
  if (i % 2 == 0) record.fields = {{"loss", 0.25 * static_cast<double>(i)}, {"n", int64_t(i)}, {"s", std::string("a")}};
  return record;
}

std::unique_ptr<store::Store> OpenStore() {
  std::vector<std::string> damage;
  auto store = store::Store::Open(Folder(), {.idle_ms = 3'600'000, .merge_at = 1000}, &damage);
  if (!store.ok()) std::abort();
  return *std::move(store);
}

// A sound segment, taken apart (docs/design/segment.md).
struct Parts {
  std::string columns, rollup, header;  // of the only block; the header as it is before compression
  std::string footer_begin;             // up to the block's numbers
  uint64_t rows = 0;
  int64_t min_time = 0, max_time = 0;
};

Parts TakeApart(const std::string& file) {
  base::ByteReader tail(std::string_view(file).substr(file.size() - kTrailerBytes));
  uint32_t size = tail.Fixed32(), raw_size = tail.Fixed32();
  std::string footer;
  if (!store::ReadCompressed(file.substr(file.size() - kTrailerBytes - size, size), raw_size, &footer)) std::abort();
  base::ByteReader in(footer);
  in.Byte();
  in.String();
  in.String();
  in.Varint();
  if (in.Varint() != 1) std::abort();
  Parts parts;
  parts.footer_begin = footer.substr(0, footer.size() - in.remaining());
  uint64_t bytes = in.Varint(), header_bytes = in.Varint(), header_raw_bytes = in.Varint();
  in.Fixed64();
  uint64_t rollup_bytes = in.Varint();
  in.Fixed32();
  parts.rows = in.Varint();
  parts.min_time = in.Signed();
  parts.max_time = in.Signed();
  parts.columns = file.substr(0, bytes - header_bytes - rollup_bytes);
  parts.rollup = file.substr(parts.columns.size(), rollup_bytes);
  if (!store::ReadCompressed(file.substr(bytes - header_bytes, header_bytes), header_raw_bytes, &parts.header)) {
    std::abort();
  }
  return parts;
}

std::string PutTogether(const Parts& parts) {
  std::string header = '\0' + parts.header, file = parts.columns + parts.rollup + header,
              footer = '\0' + parts.footer_begin;
  base::PutVarint(&footer, file.size());
  base::PutVarint(&footer, header.size());
  base::PutVarint(&footer, parts.header.size());
  base::PutFixed64(&footer, base::Checksum(header));
  base::PutVarint(&footer, parts.rollup.size());
  base::PutFixed32(&footer, static_cast<uint32_t>(base::Checksum(parts.rollup)));
  base::PutVarint(&footer, parts.rows);
  base::PutSigned(&footer, parts.min_time);
  base::PutSigned(&footer, parts.max_time);
  uint64_t raw_size = footer.size() - 1;
  file += footer;
  base::PutFixed32(&file, static_cast<uint32_t>(footer.size()));
  base::PutFixed32(&file, static_cast<uint32_t>(raw_size));
  base::PutFixed64(&file, base::Checksum(footer, (raw_size << 32) + footer.size()));
  return file + std::string("RSSEG\0\0\3", 8);
}

// Three bytes an edit: where, what, with which byte.
void Edit(const uint8_t* data, size_t size, std::string* bytes) {
  for (; size >= 3 && !bytes->empty(); data += 3, size -= 3) {
    size_t at = (data[0] | (data[1] & 0x3f) << 8) % bytes->size();
    if (data[1] >> 6 == 0) {
      bytes->insert(at, 1, static_cast<char>(data[2]));
    } else if (data[1] >> 6 == 1) {
      bytes->erase(at, 1);
    } else {
      (*bytes)[at] = static_cast<char>(data[2]);
    }
  }
}

Parts MakeSeed(std::string* path) {
  fs::remove_all(Folder());
  auto store = OpenStore();
  model::RecordBatchBuilder builder;
  for (const char* job : {"edited", "sound"}) {
    for (size_t i = 0; i < kRecords; ++i) builder.Add(RecordOf(job, i));
  }
  if (!store->Append(1, *model::RecordBatch::Decode(builder.Take())).ok() || !store->Flush().ok()) std::abort();
  *path = fs::directory_iterator(Folder() + "/jobs/edited")->path();
  for (const auto& entry : fs::directory_iterator(Folder() + "/jobs/edited")) {
    if (entry.path().extension() == ".segment") *path = entry.path();
  }
  return TakeApart(*base::ReadWholeFile(*path));
}

size_t Count(store::Store* store, const model::Filter& filter) {
  model::Scan scan;
  scan.filter = filter;
  base::Budget budget;
  size_t count = 0;
  auto take = [&](const model::Record&) { return ++count > 0; };
  if (!store->Read(scan, &budget, take).ok()) std::abort();
  model::Aggregation counting;
  counting.aggregates.push_back({model::Aggregate::Function::kMax, "loss", 0, "loss"});
  counting.groups.push_back({model::GroupKey::Kind::kField, "rank", 1, "rank"});
  if (!store->Aggregate(scan, counting, &budget, [](const auto&) { return true; }).ok() ||
      !store->Patterns(scan, &budget).ok())
    std::abort();
  return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static std::string path;
  static const Parts seed = MakeSeed(&path);
  Parts parts = seed;
  Edit(data, size, &parts.header);
  if (size > 0 && data[0] % 2 == 0) {
    parts = seed;
    Edit(data + 1, size - 1, &parts.rollup);
  }
  std::ofstream(path, std::ios::binary) << PutTogether(parts);
  auto store = OpenStore();
  using model::Filter;
  (void)Count(store.get(), {});
  (void)Count(store.get(), Filter::Text(Filter::Kind::kPhrase, "msg", "loss"));
  (void)Count(store.get(), Filter::Text(Filter::Kind::kSubstring, "msg", "0000-1"));
  (void)Count(store.get(), Filter::Range("loss", 1, 2));
  if (Count(store.get(), Filter::Text(Filter::Kind::kEquals, "job_id", "sound")) != kRecords) std::abort();
  return 0;
}
