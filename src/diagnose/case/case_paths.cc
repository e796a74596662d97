#include "diagnose/case/case_paths.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <set>
#include <utility>

#include "base/decoder.h"
#include "base/file.h"
#include "diagnose/case/pipe_copy.h"
#include "model/words.h"

namespace rankscope::diagnose {
namespace {

constexpr size_t kHeadBytes = 4096;

std::string_view NameOf(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// UTF-16 without a mark, as what goes on after its head was cut off: every other byte is a nought.
std::string UnmarkedUtf16(std::string_view head) {
  constexpr size_t kFewest = 16;
  size_t noughts[2] = {};
  for (size_t i = 0; i < head.size(); ++i) noughts[i % 2] += head[i] == '\0' ? 1 : 0;
  const size_t units = head.size() / 2;
  auto are_most = [&](size_t place) { return noughts[place] * 4 >= units * 3 && noughts[1 - place] * 64 <= units; };
  if (units < kFewest) return "";
  return are_most(1) ? "utf-16le" : are_most(0) ? "utf-16be" : "";
}

std::string EncodingOf(std::string_view head) {
  if (head.starts_with("\x1f\x8b")) return "gzip";
  if (head.starts_with("\x28\xb5\x2f\xfd")) return "zstd";
  // PowerShell's `>` writes it.
  if (head.starts_with("\xff\xfe")) return "utf-16le";
  if (head.starts_with("\xfe\xff")) return "utf-16be";
  return UnmarkedUtf16(head);
}

// The first bytes, without compression; empty where they cannot be read.
std::string HeadOf(const std::string& path, std::string* encoding) {
  auto fd = base::OpenFile(path, O_RDONLY | O_NONBLOCK);
  if (!fd.ok()) return {};
  auto raw = base::ReadAt(fd->get(), 0, kHeadBytes);
  if (!raw.ok()) return {};
  *encoding = EncodingOf(*raw);
  auto decoder = base::Decoder::Make(*encoding);
  std::string head;
  base::Status decoded = (*decoder)->Decode(*raw, [&](std::string_view bytes) {
    head += bytes;
    return head.size() < kHeadBytes ? base::Status() : base::Status::Internal("enough");
  });
  return head;
}

// Bytes that no UTF-8 has, in other languages' encodings too, are fewer than those of ASCII, which logs are made of.
size_t NoUtf8(std::string_view text) {
  size_t odd = 0;
  while (!text.empty()) {
    model::CodePoint point = model::FirstCodePoint(text);
    odd += point.value == 0xFFFD ? 1 : 0;
    text.remove_prefix(point.size);
  }
  return odd;
}

// Noughts in a row stand where a file was cut while it was written to, or where a machine went down.
std::string WithoutHoles(std::string_view part) {
  constexpr size_t kFewest = 8;
  std::string text;
  while (!part.empty()) {
    size_t begin = std::min(part.find('\0'), part.size());
    size_t end = std::min(part.find_first_not_of('\0', begin), part.size());
    text += part.substr(0, end - begin < kFewest ? end : begin);
    part.remove_prefix(end);
  }
  return text;
}

bool LooksLikeText(std::string_view bytes) {
  const std::string part = WithoutHoles(bytes);
  if (part.empty()) return false;
  auto odd = std::count_if(part.begin(), part.end(), [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\x1b' && c != '\b';
  });
  return static_cast<size_t>(odd) * 50 <= part.size() && NoUtf8(part) * 3 <= part.size();
}

// What it is that somebody has to unpack or convert first; empty: none of that.
std::string_view NameOfPacked(std::string_view head) {
  constexpr size_t kTarMagic = 257;
  if (head.size() > kTarMagic && head.substr(kTarMagic).starts_with("ustar")) return "a tar archive";
  constexpr std::pair<std::string_view, std::string_view> kMagic[] = {{"PK\x03\x04", "a zip archive"},
                                                                      {"BZh", "compressed by bzip2"},
                                                                      {"\xfd\x37zXZ", "compressed by xz"},
                                                                      {"\x04\x22\x4d\x18", "compressed by lz4"}};
  for (const auto& [magic, name] : kMagic) {
    if (head.starts_with(magic)) return name;
  }
  return "";
}

// Either end may be: what rotates a log by copying and cutting it leaves noughts at its beginning.
bool HasTextAtAnEnd(const CasePath& path, std::string_view head) {
  if (head.empty() || LooksLikeText(head)) return true;
  if (!path.encoding.empty() || path.bytes <= kHeadBytes) return false;
  auto fd = base::OpenFile(path.source, O_RDONLY | O_NONBLOCK);
  if (!fd.ok()) return false;
  auto tail = base::ReadAt(fd->get(), path.bytes - kHeadBytes, kHeadBytes);
  return tail.ok() && LooksLikeText(*tail);
}

// What is called neither a log nor anything else: slurm-17, rank3, train.o4711, 0.
bool MayBeALog(std::string_view path) {
  std::string_view name = NameOf(path);
  if (name.starts_with('.')) return false;
  std::string_view ending = name.find('.') == std::string_view::npos ? "" : name.substr(name.rfind('.') + 1);
  static const std::set<std::string_view> kEndings = {"", "stdout", "stderr", "output", "console", "messages"};
  bool pbs = ending.size() > 1 && (ending[0] == 'o' || ending[0] == 'e') &&
             std::all_of(ending.begin() + 1, ending.end(), [](unsigned char c) { return std::isdigit(c); });
  bool number =
      !ending.empty() && std::all_of(ending.begin(), ending.end(), [](unsigned char c) { return std::isdigit(c); });
  static const std::set<std::string_view> kOthers = {"README", "LICENSE", "Makefile", "Dockerfile", "NOTICE"};
  return (kEndings.count(ending) > 0 || pbs || number) && kOthers.count(name) == 0;
}

bool IsPickle(std::string_view head) { return head.size() > 2 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5; }

bool Has(std::string_view head, std::string_view key) { return head.find(key) != std::string_view::npos; }

// One JSON object that is a dump or an error file, by what it begins with.
CaseFormat FormatOf(std::string_view head, std::string_view path) {
  if (IsPickle(head)) return CaseFormat::kFlightDump;
  size_t begin = head.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos || head[begin] != '{' || NameOf(path).find(".jsonl") != std::string_view::npos) {
    return CaseFormat::kText;
  }
  bool dump = Has(head, "\"pg_config\"") || Has(head, "\"pg_status\"") || Has(head, "\"collective_seq_id\"");
  if (dump) return CaseFormat::kFlightDump;
  bool error = Has(head, "\"message\"") && (Has(head, "\"extraInfo\"") || NameOf(path) == "error.json");
  return error ? CaseFormat::kErrorFile : CaseFormat::kText;
}

// Takes the file in, or says in `skipped` why not; kInvalid where that was named. `log`: its name says that it is one.
base::Status TakeFile(parse::LogFile file, bool named, bool log, std::vector<CasePath>* taken,
                      std::vector<std::string>* skipped, std::shared_ptr<base::UniqueFd> copy = nullptr) {
  CasePath path;
  path.source = copy ? "/proc/self/fd/" + std::to_string(copy->get()) : file.path;
  path.copy = std::move(copy);
  struct stat status {};
  if (stat(path.source.c_str(), &status) != 0 || (!S_ISREG(status.st_mode) && !named)) {
    skipped->push_back(file.path + (S_ISDIR(status.st_mode) ? " (cannot read the folder)" : " (no file)"));
    return {};
  }
  std::string head = HeadOf(path.source, &path.encoding);
  path.format = FormatOf(head, file.path);
  path.bytes = static_cast<uint64_t>(status.st_size);
  path.id = {status.st_dev, status.st_ino};
  path.written = status.st_mtim.tv_sec * base::kNsPerSecond + status.st_mtim.tv_nsec;
  path.named = named;
  bool wanted = named || log || path.format != CaseFormat::kText || (MayBeALog(file.path) && LooksLikeText(head));
  if (!wanted || (path.format != CaseFormat::kText && path.bytes > kMostObjectBytes)) {
    skipped->push_back(file.path + (wanted ? " (too large for a dump)" : " (no log)"));
    return {};
  }
  const std::string_view packed = NameOfPacked(head);
  if (path.format == CaseFormat::kText && (!packed.empty() || !HasTextAtAnEnd(path, head))) {
    const std::string what = packed.empty() ? "not text" : std::string(packed);
    if (named) return base::Status::Invalid(file.path + ": cannot read: " + what);
    skipped->push_back(file.path + " (" + what + ")");
    return {};
  }
  path.log = std::move(file);
  taken->push_back(std::move(path));
  return {};
}

std::string WithoutDigits(std::string_view path) {
  std::string rest;
  std::remove_copy_if(path.begin(), path.end(), std::back_inserter(rest),
                      [](unsigned char c) { return std::isdigit(c) != 0; });
  return rest;
}

bool IsEmpty(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && status.st_size == 0;
}

// Called like one that is taken but for its number: of a rank that printed nothing.
bool IsEmptyFellow(const std::string& path, const std::vector<CasePath>& taken) {
  return IsEmpty(path) && MayBeALog(path) && std::any_of(taken.begin(), taken.end(), [&](const CasePath& other) {
           return WithoutDigits(other.log.path) == WithoutDigits(path);
         });
}

}  // namespace

base::Result<std::vector<CasePath>> FindCaseFiles(const std::vector<std::string>& paths,
                                                  std::vector<std::string>* skipped) {
  std::vector<CasePath> taken;
  for (const std::string& path : paths) {
    if (IsPipe(path)) {
      ASSIGN_OR_RETURN(auto copy, CopyPipe(path));
      RETURN_IF_ERROR(TakeFile(parse::DescribeLogFile(path), true, true, &taken, skipped, std::move(copy)));
      continue;
    }
    std::vector<std::string> others;
    ASSIGN_OR_RETURN(std::vector<parse::LogFile> logs, parse::FindLogFiles(path, &others));
    for (parse::LogFile& log : logs) {
      bool named = log.path == path;
      RETURN_IF_ERROR(TakeFile(std::move(log), named, true, &taken, skipped));
    }
    std::stable_partition(others.begin(), others.end(), [](const std::string& other) { return !IsEmpty(other); });
    for (const std::string& other : others) {
      parse::LogFile file = parse::DescribeLogFile(std::string_view(other).substr(path.size()));
      file.path = other;
      RETURN_IF_ERROR(TakeFile(std::move(file), false, IsEmptyFellow(other, taken), &taken, skipped));
    }
  }
  auto by_path = [](const CasePath& a, const CasePath& b) {
    return strverscmp(a.log.path.c_str(), b.log.path.c_str()) < 0;  // rank_2 before rank_10
  };
  std::sort(taken.begin(), taken.end(), by_path);
  std::set<FileId> known;  // a link to the latest log is the same file
  std::erase_if(taken, [&](const CasePath& path) { return !known.insert(path.id).second; });
  return taken;
}

}  // namespace rankscope::diagnose
