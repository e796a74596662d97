#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "diagnose/case.h"
#include "model/ansi.h"
#include "parse/leading_time.h"
#include "parse/log_folder.h"

namespace rankscope::diagnose {
namespace {

// Appends the lines of one file to the case.
class LineTaker {
 public:
  LineTaker(const parse::LogFile& file, Case* into) : file_(file), case_(into) {}

  void Take(std::string_view bytes) {
    case_->bytes_read += bytes.size();
    while (!bytes.empty()) {
      size_t end = bytes.find('\n');
      rest_ += bytes.substr(0, end);
      if (end == std::string_view::npos) return;
      EndLine();
      bytes.remove_prefix(end + 1);
    }
  }
  void End() {
    if (!rest_.empty()) EndLine();
  }

 private:
  void EndLine() {
    if (rest_.ends_with('\r')) rest_.pop_back();
    case_->text.push_back(model::StripAnsi(std::exchange(rest_, {})));
    Line line;
    line.text = case_->text.back();
    line.file = static_cast<uint32_t>(case_->files.size() - 1);
    line.number = ++number_;
    if (auto time = parse::LeadingTime(line.text)) time_ = time;
    line.time = time_;
    line.node_rank = file_.origin.node_rank;
    line.rank = file_.origin.rank;
    line.local_rank = file_.origin.local_rank;
    case_->lines.push_back(line);
    ++case_->lines_read;
  }

  const parse::LogFile& file_;
  Case* case_;
  std::string rest_;
  uint64_t number_ = 0;
  std::optional<base::TimeNs> time_;
};

base::Status ReadLines(const parse::LogFile& file, Case* into) {
  const model::Origin& origin = file.origin;
  into->files.push_back({file.path, origin.attempt, origin.node_rank, origin.rank, origin.local_rank, file.stream});
  LineTaker lines(file, into);
  base::Status read = parse::ReadLogBytes(file.path, [&](std::string_view bytes) {
    lines.Take(bytes);
    return base::Status();
  });
  lines.End();
  return read;
}

void Saw(const Case& read, size_t number, Writer* writer) {
  const Line& line = read.lines[number];
  ++writer->lines;
  if (line.time && (!writer->first || *line.time < *writer->first)) writer->first = line.time;
  bool later = !line.time || !writer->last || *line.time >= *writer->last;
  if (later) writer->last_line = number;
  if (later && line.time) writer->last = line.time;
}

void CountWriters(Case* into) {
  using Name = std::tuple<std::optional<int32_t>, std::optional<int32_t>, std::optional<int32_t>>;
  std::map<Name, size_t> numbers;
  for (size_t i = 0; i < into->lines.size(); ++i) {
    const Line& line = into->lines[i];
    auto [known, fresh] = numbers.try_emplace({line.node_rank, line.rank, line.local_rank}, into->writers.size());
    if (fresh) into->writers.push_back({line.node_rank, line.rank, line.local_rank, 0, {}, {}, 0});
    Saw(*into, i, &into->writers[known->second]);
  }
}

}  // namespace

base::Result<Case> ReadCase(const std::vector<std::string>& paths, const detect::PatternSet& /*telling*/) {
  Case read;
  for (const std::string& path : paths) {
    std::vector<std::string> skipped;
    ASSIGN_OR_RETURN(std::vector<parse::LogFile> files, parse::FindLogFiles(path, &skipped));
    for (const std::string& other : skipped) read.skipped.push_back(other + " (no log)");
    for (const parse::LogFile& file : files) {
      base::Status status = ReadLines(file, &read);
      if (status.ok()) continue;
      if (file.path == path) return status;
      read.skipped.push_back(file.path + " (" + status.message() + ")");
    }
  }
  CountWriters(&read);
  return read;
}

}  // namespace rankscope::diagnose
