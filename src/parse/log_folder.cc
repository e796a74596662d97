#include "parse/log_folder.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <utility>

#include "base/decoder.h"
#include "base/file.h"
#include "model/ansi.h"
#include "parse/launcher_prefix.h"
#include "parse/leading_time.h"
#include "parse/line_assembler.h"
#include "parse/line_record.h"
#include "parse/metric_formats.h"

namespace rankscope::parse {
namespace {

constexpr size_t kBlockBytes = 1 << 20;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Whether a word may begin behind it: "2026_rank3" is a rank, "frank3" is none, "tp_rank3" is of some ranks alone.
bool EndsBeforeWord(std::string_view before) {
  static constexpr std::string_view kKinds[] = {"local", "node", "group", "dp", "tp", "pp", "ep", "cp", "mp"};
  if (before.empty()) return true;
  if (IsLetter(before.back())) return false;
  if (!before.ends_with('_') && !before.ends_with('-')) return true;
  before.remove_suffix(1);
  return std::none_of(std::begin(kKinds), std::end(kKinds), [&](std::string_view kind) {
    size_t at = before.size() - std::min(before.size(), kind.size());
    return before.substr(at) == kind && (at == 0 || !IsLetter(before[at - 1]));
  });
}

// The number that follows the word (with - _ . = between, or nothing), where the word begins no longer one before it.
std::optional<int32_t> NumberAfter(std::string_view path, std::string_view word) {
  for (size_t at = path.find(word); at != std::string_view::npos; at = path.find(word, at + 1)) {
    size_t digits = at + word.size();
    if (digits < path.size() && std::string_view("-_.=:").find(path[digits]) != std::string_view::npos) ++digits;
    int32_t number = 0;
    auto [end, error] = std::from_chars(path.data() + digits, path.data() + path.size(), number);
    bool read = error == std::errc() && digits < path.size() && IsDigit(path[digits]);
    if (read && EndsBeforeWord(path.substr(0, at))) return number;
  }
  return std::nullopt;
}

std::optional<int32_t> FirstOf(std::string_view path, std::initializer_list<std::string_view> words) {
  for (std::string_view word : words) {
    if (auto number = NumberAfter(path, word)) return number;
  }
  return std::nullopt;
}

// The component before the last: attempt_0/3/stderr.log.
std::optional<int32_t> ParentNumber(std::string_view path) {
  size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return std::nullopt;
  std::string_view parent = path.substr(0, slash);
  parent = parent.substr(parent.rfind('/') + 1);
  int32_t number = 0;
  auto [end, error] = std::from_chars(parent.data(), parent.data() + parent.size(), number);
  bool whole = error == std::errc() && end == parent.data() + parent.size() && !parent.empty() && number >= 0;
  return whole ? std::optional(number) : std::nullopt;
}

constexpr std::pair<std::string_view, std::string_view> kCompressed[] = {{".gz", "gzip"}, {".zst", "zstd"}};

// What the name says of the compression; empty: none.
std::string_view EncodingOf(std::string_view name) {
  for (const auto& [ending, encoding] : kCompressed) {
    if (name.ends_with(ending)) return encoding;
  }
  return "";
}

// Without .gz or .zst.
std::string_view PlainName(std::string_view name) {
  for (const auto& [ending, encoding] : kCompressed) {
    if (name.ends_with(ending)) name.remove_suffix(ending.size());
  }
  return name;
}

bool EndsLikeALog(const std::filesystem::path& path) {
  static constexpr std::string_view kEndings[] = {".log", ".txt", ".out", ".err", ".jsonl", ".ndjson"};
  std::string name(PlainName(path.filename().string()));
  while (!name.empty() && IsDigit(name.back())) name.pop_back();  // rotated: x.log.1
  if (name.ends_with('.')) name.pop_back();
  bool known =
      std::any_of(std::begin(kEndings), std::end(kEndings), [&](auto ending) { return name.ends_with(ending); });
  return known || name == "stdout" || name == "stderr";
}

}  // namespace

LogFile DescribeLogFile(std::string_view path) {
  LogFile file;
  file.path = std::string(path);
  model::Origin& origin = file.origin;
  origin.project.clear();
  origin.attempt = FirstOf(path, {"attempt"}).value_or(0);
  std::string_view name = PlainName(path.substr(path.rfind('/') + 1));
  origin.node_rank = FirstOf(path, {"node_rank", "node-rank", "node"});
  origin.local_rank = FirstOf(path, {"local_rank", "local-rank", "localrank"});
  if (!origin.local_rank) origin.local_rank = FirstOf(name, {"gpu", "cuda"});
  origin.rank = FirstOf(path, {"rank"});
  if (!origin.rank) origin.rank = FirstOf(name, {"process", "proc"});
  if (!origin.local_rank && path.find("attempt_") != std::string_view::npos) origin.local_rank = ParentNumber(path);
  // A worker with local ranks of its own is a node.
  std::optional<int32_t>& worker = origin.local_rank && !origin.node_rank ? origin.node_rank : origin.rank;
  if (!worker) worker = FirstOf(path, {"worker"});
  // The only node's local ranks are its ranks.
  if (!origin.rank && !origin.node_rank) origin.rank = origin.local_rank;
  bool error = name.find("stderr") != std::string_view::npos || name.ends_with(".err");
  file.stream = error ? model::Stream::kStderr : model::Stream::kStdout;
  file.json = name.find(".jsonl") != std::string_view::npos || name.find(".ndjson") != std::string_view::npos;
  return file;
}

namespace {

namespace fs = std::filesystem;

// The files in the folder and those below it. Links to folders are not followed, which may lead round in a circle.
void Walk(const fs::path& folder, std::vector<fs::path>* files, std::vector<std::string>* skipped) {
  std::error_code error, ignored;
  fs::directory_iterator entries(folder, error), end;
  for (; !error && entries != end; entries.increment(error)) {
    if (entries->is_directory(ignored) && !entries->is_symlink(ignored)) Walk(entries->path(), files, skipped);
    if (entries->is_regular_file(ignored)) files->push_back(entries->path());
  }
  if (error) skipped->push_back(folder.string());
}

}  // namespace

base::Result<std::vector<LogFile>> FindLogFiles(const std::string& path, std::vector<std::string>* skipped) {
  std::error_code ignored;
  fs::file_status status = fs::status(path, ignored);
  if (!fs::exists(status)) return base::Status::NotFound(path + ": no such file or folder");
  if (!fs::is_directory(status)) return std::vector<LogFile>{DescribeLogFile(path)};
  std::vector<fs::path> found;
  Walk(path, &found, skipped);
  std::vector<LogFile> files;
  for (const fs::path& file : found) {
    if (!EndsLikeALog(file)) {
      skipped->push_back(file.string());
      continue;
    }
    files.push_back(DescribeLogFile(fs::relative(file, path, ignored).string()));
    files.back().path = file.string();
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return files;
}

base::Status ReadLogBytes(const std::string& path, const std::function<base::Status(std::string_view)>& take) {
  ASSIGN_OR_RETURN(base::UniqueFd fd, base::OpenFile(path, O_RDONLY));
  ASSIGN_OR_RETURN(auto decoder, base::Decoder::Make(EncodingOf(path)));
  for (uint64_t offset = 0;;) {
    ASSIGN_OR_RETURN(std::string block, base::ReadAt(fd.get(), offset, kBlockBytes));
    if (block.empty()) return decoder->End().WithContext(path);
    offset += block.size();
    base::Status taken;
    base::Status decoded = decoder->Decode(block, [&](std::string_view bytes) { return taken = take(bytes); });
    RETURN_IF_ERROR(taken);
    RETURN_IF_ERROR(decoded.WithContext(path));
  }
}

namespace {

std::string FirstLine(const std::string& path) {
  std::string line;
  base::Status enough = base::Status::Internal("enough");
  (void)ReadLogBytes(path, [&](std::string_view bytes) {
    line.append(bytes.substr(0, bytes.find('\n')));
    return bytes.find('\n') == std::string_view::npos && line.size() < kBlockBytes ? base::Status() : enough;
  });
  return line;
}

}  // namespace

bool HasRowsOfAFramework(const LogFile& file) {
  const std::string line = FirstLine(file.path);
  for (std::string_view ours : {"\"timestamp\"", "\"@timestamp\"", "\"_time\"", "\"time\"", "\"ts\"", "\"msg\"",
                                "\"message\"", "\"text\"", "\"rank\"", "\"stream\"", "\"step\"", "\"job_id\""}) {
    if (line.find(ours) != std::string::npos) return false;
  }
  model::Fields fields;
  return ParsePythonDictLine(line, &fields);
}

namespace {

// The first time that stands at the beginning of a line of the text.
std::optional<base::TimeNs> FirstTime(std::string_view text, base::TimeNs near) {
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size() - 1);
    if (auto time = LeadingTime(text.substr(0, end), near)) return time;
    text.remove_prefix(end + 1);
  }
  return std::nullopt;
}

// Where several ranks share a file, the launcher says before each line whose it is. What the path says goes first.
void TakeOrigin(const LinePrefix& prefix, model::Origin* origin) {
  if (origin->rank || origin->local_rank) return;
  if (!origin->node_rank) origin->node_rank = prefix.node_rank;
  origin->local_rank = prefix.local_rank;
  origin->rank = prefix.rank;
  if (!origin->rank && !origin->node_rank) origin->rank = origin->local_rank;
}

// Of a file nobody waits for the lines amid a traceback: they come behind it, as they stand there.
class LinesInOrder {
 public:
  void Feed(base::TimeNs time, std::string_view bytes, const EmitLine& emit) {
    assembler_.Feed(time, bytes, keep_);
    Emit(emit);
    if (lines_.size() < kMostWaiting) return;
    assembler_.Tick(time + kLetGoNs, keep_);  // a traceback that has no end
    Emit(emit);
  }
  void Flush(const EmitLine& emit) {
    assembler_.Flush(keep_);
    Emit(emit);
  }

 private:
  static constexpr size_t kMostWaiting = 4096;
  static constexpr int64_t kLetGoNs = 2 * base::kNsPerSecond;

  void Emit(const EmitLine& emit) {
    const std::vector<Span> held = assembler_.held();
    const uint64_t end = held.empty() ? UINT64_MAX : held.front().begin;
    const auto is_before = [](const Line& a, const Line& b) { return a.at < b.at; };
    if (!std::is_sorted(lines_.begin(), lines_.end(), is_before)) {
      std::stable_sort(lines_.begin(), lines_.end(), is_before);
    }
    auto line = lines_.begin();
    for (; line != lines_.end() && line->at < end; ++line) emit(std::move(*line));
    lines_.erase(lines_.begin(), line);
  }

  LineAssembler assembler_;
  std::vector<Line> lines_;
  const EmitLine keep_ = [this](Line line) { lines_.push_back(std::move(line)); };
};

}  // namespace

base::Status ReadLogFile(const LogFile& file, const std::function<bool(model::Record)>& take,
                         const std::function<bool(model::Record)>& take_unsettled) {
  struct stat status {};
  if (stat(file.path.c_str(), &status) != 0) return base::Status::FromErrno(file.path, errno);
  const base::TimeNs written = status.st_mtim.tv_sec * base::kNsPerSecond + status.st_mtim.tv_nsec;
  base::TimeNs time = written, settled_at = INT64_MIN;
  PrefixHabits habits;
  uint64_t seq = 0;
  bool wanted = true, settled = true;
  auto emit = [&](const Line& line) {
    if (!wanted) return;
    model::Record record;
    record.origin = file.origin;
    record.stream = file.stream;
    record.text = line.text;
    record.seq = ++seq;
    bool colored = record.text.find('\x1b') != std::string::npos;
    const std::string plain = colored ? model::StripAnsi(record.text) : record.text;
    LinePrefix prefix = ReadLinePrefix(plain, habits);
    TakeOrigin(prefix, &record.origin);
    auto leading = prefix.time ? prefix.time : LeadingTime(std::string_view(plain).substr(prefix.bytes), written);
    time = leading.value_or(time);
    if (settled) settled_at = time;
    record.time = settled || time != settled_at ? time : time + 1;
    RedactSecrets(&record.text);
    UnderstandLine(&record);
    MarkPart(line, &record);
    wanted = settled || !take_unsettled ? take(std::move(record)) : take_unsettled(std::move(record));
  };
  LinesInOrder lines;
  base::Status stopped = base::Status::Internal("not wanted any more");
  bool first = true;
  base::Status read = ReadLogBytes(file.path, [&](std::string_view bytes) {
    if (std::exchange(first, false)) {
      time = FirstTime(bytes, written).value_or(time);
      habits = LearnPrefixHabits(model::StripAnsi(std::string(bytes)));
    }
    lines.Feed(time, bytes, emit);
    return wanted ? base::Status() : stopped;
  });
  base::Status damage = wanted ? read : base::Status();
  settled = false;
  lines.Flush([&](const Line& line) {
    if (damage.ok() || !line.partial) emit(line);
  });
  return damage;
}

}  // namespace rankscope::parse
