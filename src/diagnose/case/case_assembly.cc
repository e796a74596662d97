#include "diagnose/case/case_assembly.h"

#include <unordered_map>
#include <utility>

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

}  // namespace

void AssembleCase(std::vector<ReadFile> files, Case* into) {
  into->nodes = SettleRanks(&files, &into->error_files);
  std::vector<std::vector<Chunk::WriterLines>> counts;
  for (ReadFile& file : files) {
    counts.push_back(std::move(file.kept.writers));
    TakeFile(std::move(file), into);
  }
  CountWriters(counts, into);
}

}  // namespace rankscope::diagnose
