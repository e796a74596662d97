#include "diagnose/case/case_assembly.h"

#include <algorithm>
#include <iterator>
#include <unordered_map>
#include <utility>

#include "diagnose/case/job_files.h"

namespace rankscope::diagnose {
namespace {

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
  for (Line& line : file.kept.lines) line.file = number;
  if (into->lines.empty()) {
    into->lines = std::move(file.kept.lines);
  } else {
    into->lines.insert(into->lines.end(), file.kept.lines.begin(), file.kept.lines.end());
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

// Moves those of the job out.
template <typename Object, typename IsIts>
std::vector<Object> TakeOut(std::vector<Object>* all, const IsIts& is_its) {
  auto its = std::stable_partition(all->begin(), all->end(), [&](const Object& object) { return !is_its(object); });
  std::vector<Object> taken(std::make_move_iterator(its), std::make_move_iterator(all->end()));
  all->erase(its, all->end());
  return taken;
}

// Each job has ranks of its own.
void SettleJobs(std::vector<ReadFile>* files, Case* into) {
  const JobFiles found = FindJobFiles(*files);
  if (found.names.empty()) {
    into->nodes = SettleRanks(files, &into->error_files);
    return;
  }
  for (size_t i = 0; i < files->size(); ++i) (*files)[i].file.job = found.job_of[i];
  std::vector<ReadFile> settled;
  std::vector<ErrorFile> settled_errors;
  for (size_t job = 0; job < found.names.size(); ++job) {
    auto its = TakeOut(files, [&](const ReadFile& read) { return read.file.job == job; });
    auto errors = TakeOut(&into->error_files, [&](const ErrorFile& file) {
      return JobOfPath(found.names, file.path).value_or(found.names.size() - 1) == job;
    });
    into->jobs.push_back({found.names[job], SettleRanks(&its, &errors)});
    std::move(its.begin(), its.end(), std::back_inserter(settled));
    std::move(errors.begin(), errors.end(), std::back_inserter(settled_errors));
  }
  *files = std::move(settled);
  into->error_files = std::move(settled_errors);
}

}  // namespace

void AssembleCase(std::vector<ReadFile> files, Case* into) {
  SettleJobs(&files, into);
  std::vector<std::vector<Chunk::WriterLines>> counts;
  for (ReadFile& file : files) {
    counts.push_back(std::move(file.kept.writers));
    TakeFile(std::move(file), into);
  }
  CountWriters(counts, into);
}

}  // namespace rankscope::diagnose
