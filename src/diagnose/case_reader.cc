#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "base/file.h"
#include "diagnose/case.h"
#include "diagnose/case_paths.h"
#include "diagnose/error_file.h"
#include "diagnose/rank_settling.h"
#include "diagnose/text_reader.h"
#include "parse/log_folder.h"

namespace rankscope::diagnose {
namespace {

// The number that the name ends with, before its ending: nccl_trace_rank_3, dump7.pickle.
std::optional<int32_t> RankOfDump(std::string_view path) {
  std::string_view name = path.substr(path.rfind('/') + 1);
  name = name.substr(0, name.find('.'));
  size_t digits = name.find_last_not_of("0123456789") + 1;
  int32_t rank = 0;
  auto [end, error] = std::from_chars(name.data() + digits, name.data() + name.size(), rank);
  return error == std::errc() ? std::optional(rank) : std::nullopt;
}

base::Result<std::string> ReadWhole(const CasePath& path) {
  std::string whole;
  RETURN_IF_ERROR(parse::ReadLogBytes(path.log.path, [&](std::string_view bytes) {
    whole += bytes;
    return whole.size() <= kMostObjectBytes ? base::Status() : base::Status::Invalid("too large for a dump");
  }));
  return whole;
}

base::Status TakeDump(const CasePath& path, Case* into) {
  ASSIGN_OR_RETURN(std::string bytes, ReadWhole(path));
  ASSIGN_OR_RETURN(FlightDump dump, ParseFlightDump(bytes));
  dump.path = path.log.path;
  dump.rank = RankOfDump(path.log.path);
  if (!dump.rank) dump.rank = path.log.origin.rank;
  into->dumps.push_back(std::move(dump));
  return {};
}

base::Status TakeErrorFile(const CasePath& path, Case* into) {
  ASSIGN_OR_RETURN(std::string bytes, ReadWhole(path));
  ASSIGN_OR_RETURN(ErrorFile read, ParseErrorFile(bytes));
  const model::Origin& origin = path.log.origin;
  read.path = path.log.path;
  read.attempt = origin.attempt;
  read.node_rank = origin.node_rank;
  read.rank = origin.rank;
  read.local_rank = origin.local_rank;
  into->error_files.push_back(std::move(read));
  return {};
}

CaseFile PlaceOf(const parse::LogFile& log) {
  const model::Origin& origin = log.origin;
  return {log.path, origin.attempt, origin.node_rank, origin.rank, origin.local_rank, log.stream};
}

// The writers of all files together: a rank is one, whatever files it writes to.
class WriterTable {
 public:
  explicit WriterTable(Case* into) : case_(into) {}

  void Count(const Chunk::WriterLines& writer) { case_->writers[NumberOf(writer.name)].lines += writer.lines; }

  void See(size_t at) {
    const Line& line = case_->lines[at];
    size_t number = NumberOf({line.node_rank, line.rank, line.local_rank, line.pid});
    Writer& writer = case_->writers[number];
    if (line.time && (!writer.first || *line.time < *writer.first)) writer.first = line.time;
    bool later = !line.time || !writer.last || *line.time >= *writer.last;
    if (later) writer.last_line = at;
    if (later && line.time) writer.last = line.time;
  }

 private:
  // A rank is known by its number alone; what else is known of it may come later.
  size_t NumberOf(const WriterName& name) {
    WriterName key = name.rank ? WriterName{{}, name.rank, {}, {}} : name;
    auto [known, fresh] = numbers_.try_emplace(key, case_->writers.size());
    if (fresh) case_->writers.push_back({name.node_rank, name.rank, name.local_rank, name.pid, 0, {}, {}, 0});
    Writer& writer = case_->writers[known->second];
    if (!writer.node_rank) writer.node_rank = name.node_rank;
    if (!writer.local_rank) writer.local_rank = name.local_rank;
    return known->second;
  }

  Case* case_;
  std::unordered_map<WriterName, size_t, WriterNameHash> numbers_;
};

void TakeFile(ReadFile file, Case* into) {
  auto number = static_cast<uint32_t>(into->files.size());
  into->files.push_back(std::move(file.file));
  into->lines_read += file.kept.lines_read;
  into->bytes_read += file.kept.bytes_read;
  for (Line& line : file.kept.lines) {
    line.file = number;
    into->lines.push_back(line);
  }
  for (std::string& text : file.kept.text) into->text.push_back(std::move(text));
}

void CountWriters(const std::vector<std::vector<Chunk::WriterLines>>& counts, Case* into) {
  WriterTable table(into);
  for (const auto& writers : counts) {
    for (const Chunk::WriterLines& writer : writers) {
      if (writer.lines > 0) table.Count(writer);
    }
  }
  for (size_t i = 0; i < into->lines.size(); ++i) table.See(i);
}

// A file named by itself has to be readable; of a folder, the others are read without it.
base::Status LeaveOut(const CasePath& path, const base::Status& why, Case* into) {
  std::string reason = why.message();
  if (reason.starts_with(path.log.path + ": ")) reason.erase(0, path.log.path.size() + 2);
  if (path.named) return {why.code(), path.log.path + ": " + reason};
  into->skipped.push_back(path.log.path + " (" + reason + ")");
  return {};
}

base::Status TakeObjects(const std::vector<CasePath>& paths, Case* into) {
  for (const CasePath& path : paths) {
    if (path.format == CaseFormat::kText) continue;
    base::Status taken = path.format == CaseFormat::kFlightDump ? TakeDump(path, into) : TakeErrorFile(path, into);
    if (!taken.ok()) RETURN_IF_ERROR(LeaveOut(path, taken, into));
  }
  return {};
}

}  // namespace

base::Result<Case> ReadCase(const std::vector<std::string>& paths, const detect::PatternSet& telling) {
  Case read;
  ASSIGN_OR_RETURN(std::vector<CasePath> found, FindCaseFiles(paths, &read.skipped));
  RETURN_IF_ERROR(TakeObjects(found, &read));
  std::erase_if(found, [](const CasePath& path) { return path.format != CaseFormat::kText; });
  std::vector<TextFile> texts = ReadTexts(found, telling);
  std::vector<ReadFile> files;
  for (size_t i = 0; i < found.size(); ++i) {
    bool nothing = !texts[i].status.ok() && texts[i].kept.lines.empty();
    if (!texts[i].status.ok() && (nothing || !found[i].named)) {
      RETURN_IF_ERROR(LeaveOut(found[i], texts[i].status, &read));
    }
    if (!nothing) files.push_back({PlaceOf(found[i].log), std::move(texts[i].kept)});
  }
  SettleRanks(&files, &read.error_files);
  std::vector<std::vector<Chunk::WriterLines>> counts;
  for (ReadFile& file : files) {
    counts.push_back(std::move(file.kept.writers));
    TakeFile(std::move(file), &read);
  }
  CountWriters(counts, &read);
  std::sort(read.skipped.begin(), read.skipped.end());
  return read;
}

}  // namespace rankscope::diagnose
