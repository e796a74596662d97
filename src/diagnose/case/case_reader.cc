#include <algorithm>
#include <charconv>
#include <utility>

#include "base/file.h"
#include "diagnose/case/case.h"
#include "diagnose/case/case_assembly.h"
#include "diagnose/case/case_paths.h"
#include "diagnose/case/error_file.h"
#include "diagnose/case/text_reader.h"
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
  RETURN_IF_ERROR(parse::ReadLogBytes(path.source, [&](std::string_view bytes) {
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

// The attempt, where the path tells it.
std::optional<int32_t> AttemptOf(const parse::LogFile& log) {
  bool told = log.path.find("attempt") != std::string::npos;
  return told ? std::optional(log.origin.attempt) : std::nullopt;
}

base::Status TakeErrorFile(const CasePath& path, Case* into) {
  ASSIGN_OR_RETURN(std::string bytes, ReadWhole(path));
  ASSIGN_OR_RETURN(ErrorFile read, ParseErrorFile(bytes));
  const model::Origin& origin = path.log.origin;
  read.path = path.log.path;
  read.attempt = AttemptOf(path.log);
  read.node_rank = origin.node_rank;
  read.rank = origin.rank;
  read.local_rank = origin.local_rank;
  into->error_files.push_back(std::move(read));
  return {};
}

CaseFile PlaceOf(const parse::LogFile& log) {
  const model::Origin& origin = log.origin;
  return {log.path, AttemptOf(log), origin.node_rank, origin.rank, origin.local_rank, log.stream};
}

std::string ReasonOf(const CasePath& path, const base::Status& why) {
  std::string reason = why.message();
  if (reason.starts_with(path.log.path + ": ")) reason.erase(0, path.log.path.size() + 2);
  return reason;
}

void NameSkipped(const CasePath& path, const base::Status& why, Case* into) {
  into->skipped.push_back(path.log.path + " (" + ReasonOf(path, why) + ")");
}

// A file named by itself has to be readable; of a folder, the others are read without it.
base::Status LeaveOut(const CasePath& path, const base::Status& why, Case* into) {
  if (path.named) return {why.code(), path.log.path + ": " + ReasonOf(path, why)};
  NameSkipped(path, why, into);
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
    const base::Status& status = texts[i].status;
    bool nothing = !status.ok() && texts[i].kept.lines.empty();
    if (nothing) RETURN_IF_ERROR(LeaveOut(found[i], status, &read));
    if (!nothing && !status.ok()) NameSkipped(found[i], status, &read);
    if (!nothing) files.push_back({PlaceOf(found[i].log), std::move(texts[i].kept)});
  }
  AssembleCase(std::move(files), &read);
  std::sort(read.skipped.begin(), read.skipped.end());
  return read;
}

}  // namespace rankscope::diagnose
