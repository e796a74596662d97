#include "diagnose/case/text_reader.h"

#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "base/decoder.h"
#include "base/file.h"
#include "diagnose/case/json_line.h"
#include "model/ansi.h"

namespace rankscope::diagnose {
namespace {

constexpr size_t kChunkBytes = 2 << 20;
constexpr size_t kReach = ChunkScanner::kMaxLineBytes;  // in which a chunk's last line has to end
constexpr size_t kSampleBytes = 48 << 10;
constexpr uint64_t kKeepAllBytes = 16 << 20, kKeepAllLines = 400'000;
constexpr uint64_t kCompression = 10;  // about what text becomes less by
constexpr int kThreads = 2;

// Whether what has come of all files together is more than is kept as a whole. Thread-safe.
class Amount {
 public:
  explicit Amount(uint64_t expected_bytes) : large_(expected_bytes > kKeepAllBytes) {}
  void Add(std::string_view bytes) {
    if (large_) return;
    bytes_ += bytes.size();
    lines_ += static_cast<uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
    large_ = bytes_ > kKeepAllBytes || lines_ > kKeepAllLines;
  }
  bool large() const { return large_; }

 private:
  std::atomic<uint64_t> bytes_{0}, lines_{0};
  std::atomic<bool> large_;
};

// A file that threads read in chunks.
class SharedText {
 public:
  SharedText(const CasePath& path, size_t files, const detect::PatternSet& telling, Amount* amount)
      : path_(path), amount_(amount), file_{FileLines(files), {}} {
    rules_.telling = &telling;
    rules_.near = path.written;
    rules_.json = path.log.json;
    chunks_ = path.encoding.empty() ? std::max<uint64_t>(1, (path.bytes + kChunkBytes - 1) / kChunkBytes) : 1;
  }

  uint64_t chunks() const { return chunks_; }

  // Reads one of the chunks. Any thread, each chunk once; `buffer` is the thread's.
  void Read(uint64_t chunk, ChunkScanner* scanner, std::string* buffer) {
    std::call_once(opened_, [&] { Open(); });
    base::Status status = open_status_;
    if (status.ok()) {
      status = path_.encoding.empty() ? ReadPlain(chunk, scanner, buffer) : ReadEncoded(scanner, buffer);
    }
    std::lock_guard lock(mutex_);
    if (!status.ok() && file_.status.ok()) file_.status = status;
    if (++done_ == chunks_) {
      file_.kept.End();
      fd_.reset();
    }
  }

  TextFile Take() { return std::move(file_); }

 private:
  void Open() {
    auto fd = base::OpenFile(path_.source, O_RDONLY);
    if (!fd.ok()) {
      open_status_ = fd.status();
      return;
    }
    fd_ = *std::move(fd);
    if (path_.encoding.empty()) Learn(Sample());
  }

  // The file's ends and its middle.
  std::string Sample() const {
    uint64_t last = path_.bytes - std::min<uint64_t>(path_.bytes, kSampleBytes);
    std::string sample;
    for (uint64_t at : std::set<uint64_t>{0, last / 2, last}) {
      auto bytes = base::ReadAt(fd_.get(), at, kSampleBytes);
      if (bytes.ok()) sample += *bytes;
    }
    return sample;
  }
  void Learn(std::string_view sample) {
    const auto messages = MessagesIn(sample);
    rules_.json = rules_.json || messages;
    if (messages && !messages->empty()) sample = *messages;
    bool colored = sample.find('\x1b') != std::string_view::npos;
    rules_.habits = colored ? parse::LearnPrefixHabits(model::StripAnsi(sample)) : parse::LearnPrefixHabits(sample);
  }

  // A chunk has the lines that begin in it, but what is too far from a line end is cut at the chunk's.
  base::Status ReadPlain(uint64_t chunk, ChunkScanner* scanner, std::string* buffer) {
    uint64_t offset = chunk * kChunkBytes;
    size_t lead = chunk > 0 ? 1 : 0;  // the byte before tells whether a line begins here
    buffer->resize(lead + kChunkBytes + kReach);
    ASSIGN_OR_RETURN(size_t size, base::ReadInto(fd_.get(), offset - lead, buffer->data(), buffer->size()));
    std::string_view bytes = std::string_view(*buffer).substr(0, size);
    size_t begin = lead > 0 ? Border(bytes, 0) : 0;
    size_t end = size <= lead + kChunkBytes ? size : Border(bytes, kChunkBytes + lead - 1);
    Scan(chunk, bytes.substr(begin, end - std::min(begin, end)), scanner);
    return {};
  }

  // Where the chunk begins whose bytes follow the one at `before`: both chunks beside the border find the same.
  static size_t Border(std::string_view bytes, size_t before) {
    size_t within = std::min(bytes.size(), before + kReach);
    size_t end = bytes.substr(0, within).find_first_of("\n\r", before);
    if (end == std::string_view::npos) return within == before + kReach ? before + 1 : within;
    bool pair = bytes[end] == '\r' && end + 1 < bytes.size() && bytes[end + 1] == '\n';
    return end + (pair ? 2 : 1);
  }

  base::Status ReadEncoded(ChunkScanner* scanner, std::string* buffer) {
    buffer->clear();
    ASSIGN_OR_RETURN(auto decoder, base::Decoder::Make(path_.encoding));
    uint64_t chunk = 0;
    auto take = [&](std::string_view bytes) {
      *buffer += bytes;
      if (buffer->size() >= kChunkBytes) TakeDecoded(&chunk, false, scanner, buffer);
      return base::Status();
    };
    base::Status status;
    for (uint64_t offset = 0; status.ok();) {
      ASSIGN_OR_RETURN(std::string block, base::ReadAt(fd_.get(), offset, kChunkBytes));
      status = block.empty() ? decoder->End() : decoder->Decode(block, take);
      if (block.empty()) break;
      offset += block.size();
    }
    TakeDecoded(&chunk, true, scanner, buffer);
    return status.WithContext(path_.log.path);
  }

  // The whole lines of the buffer, or all of it.
  void TakeDecoded(uint64_t* chunk, bool all, ChunkScanner* scanner, std::string* buffer) {
    if (*chunk == 0) Learn(std::string_view(*buffer).substr(0, kSampleBytes));
    size_t end = all ? buffer->size() : buffer->find_last_of("\n\r") + 1;
    if (end == 0) end = buffer->size() < kChunkBytes + kReach ? 0 : buffer->size();
    if (end == 0) return;
    Scan((*chunk)++, std::string_view(*buffer).substr(0, end), scanner);
    buffer->erase(0, end);
  }

  void Scan(uint64_t number, std::string_view bytes, ChunkScanner* scanner) {
    amount_->Add(bytes);
    AddInOrder(number, scanner->Scan(bytes, rules_, amount_->large()));
  }

  void AddInOrder(uint64_t number, Chunk chunk) {
    std::lock_guard lock(mutex_);
    waiting_.emplace(number, std::move(chunk));
    for (auto next = waiting_.begin(); next != waiting_.end() && next->first == next_;) {
      file_.kept.Add(std::move(next->second));
      next = waiting_.erase(next);
      ++next_;
    }
  }

  const CasePath& path_;
  Amount* amount_;
  ScanRules rules_;
  uint64_t chunks_ = 1;
  std::once_flag opened_;
  base::Status open_status_;
  base::UniqueFd fd_;
  std::mutex mutex_;
  std::map<uint64_t, Chunk> waiting_;  // read before those that come before them
  uint64_t next_ = 0, done_ = 0;
  TextFile file_;
};

uint64_t BytesOf(const std::vector<CasePath>& files) {
  uint64_t bytes = 0;
  for (const CasePath& file : files) bytes += file.bytes * (file.encoding.empty() ? 1 : kCompression);
  return bytes;
}

// The chunks of all files, for threads to take one after the other.
class Work {
 public:
  Work(const std::vector<CasePath>& files, const detect::PatternSet& telling) : amount_(BytesOf(files)) {
    for (const CasePath& file : files) {
      texts_.push_back(std::make_unique<SharedText>(file, files.size(), telling, &amount_));
      for (uint64_t chunk = 0; chunk < texts_.back()->chunks(); ++chunk) items_.push_back({texts_.size() - 1, chunk});
    }
    // A compressed file is one piece of work: not to be waited for last.
    std::stable_partition(items_.begin(), items_.end(),
                          [&](const Item& item) { return !files[item.file].encoding.empty(); });
  }

  void Run() {
    ChunkScanner scanner;
    std::string buffer;
    for (size_t at = next_++; at < items_.size(); at = next_++) {
      texts_[items_[at].file]->Read(items_[at].chunk, &scanner, &buffer);
    }
  }

  bool large() const { return amount_.large(); }
  std::vector<TextFile> Take() {
    std::vector<TextFile> files;
    for (auto& text : texts_) files.push_back(text->Take());
    return files;
  }

 private:
  struct Item {
    size_t file = 0;
    uint64_t chunk = 0;
  };
  Amount amount_;
  std::vector<std::unique_ptr<SharedText>> texts_;
  std::vector<Item> items_;
  std::atomic<size_t> next_{0};
};

}  // namespace

std::vector<TextFile> ReadTexts(const std::vector<CasePath>& files, const detect::PatternSet& telling) {
  Work work(files, telling);
  std::vector<std::thread> others;
  for (int i = 1; i < kThreads && work.large(); ++i) others.emplace_back([&] { work.Run(); });
  work.Run();
  for (std::thread& other : others) other.join();
  return work.Take();
}

}  // namespace rankscope::diagnose
