#include "diagnose/case/file_lines.h"

#include <algorithm>
#include <utility>

namespace rankscope::diagnose {
namespace {

// Writers beyond share what is kept of each.
constexpr size_t kMostWriters = 16'384;
constexpr size_t kMostSeries = 10'000;  // of reports; another one's are lines like all
constexpr size_t kTextBytes = 1 << 20;

}  // namespace

void FileLines::Add(Chunk chunk) {
  std::vector<uint32_t> numbers = TakeWriters(chunk);
  for (size_t i = 0; i < chunk.lines.size(); ++i) {
    Line& line = chunk.lines[i];
    Choice& choice = chunk.choices[i];
    line.number += lines_read;
    choice.number += lines_read;
    choice.anchor += lines_read;
    choice.writer = numbers[choice.writer];
    line.gap_before = line.gap_before || std::exchange(gap_, false);
    if (line.time) time_ = line.time;
    line.time = time_;
    if (choice.reasons & kReport) PlaceReport(&choice);
    thinned_ = thinned_ || !(choice.reasons & kEvery);
    lines.push_back(line);
    choices_.push_back(choice);
  }
  gap_ = gap_ || chunk.gap_after;
  open_end_ = chunk.open_end;
  lines_read += chunk.line_ends;
  bytes_read += chunk.bytes;
  if (!chunk.lines.empty()) text.push_back(std::move(chunk.text));
  if (thinned_ && choices_.size() > thin_at_) Thin();
}

void FileLines::PlaceReport(Choice* choice) {
  const std::pair<uint32_t, uint64_t> series(choice->writer, choice->series);
  if (reports_.size() < kMostSeries || reports_.count(series) > 0) {
    choice->place = reports_[series]++;
  } else {
    choice->reasons &= static_cast<uint8_t>(~kReport);
  }
}

std::vector<uint32_t> FileLines::TakeWriters(const Chunk& chunk) {
  std::vector<uint32_t> numbers;
  for (const Chunk::WriterLines& writer : chunk.writers) {
    WriterName name = writers.size() < kMostWriters ? writer.name : WriterName();
    auto [known, fresh] = numbers_.try_emplace(name, static_cast<uint32_t>(writers.size()));
    if (fresh) writers.push_back({name, 0});
    writers[known->second].lines += writer.lines;
    numbers.push_back(known->second);
  }
  return numbers;
}

void FileLines::End() {
  if (thinned_) Thin();
  if (open_end_) ++lines_read;
  for (const Choice& choice : choices_) writer_of.push_back(choice.writer);
  choices_ = {};
}

void FileLines::Thin() {
  ThinReports(files_, &choices_);
  ThinChoices(files_, &choices_);
  size_t kept = 0;
  bool gap = false;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (choices_[i].reasons == 0) {
      gap = true;
      continue;
    }
    lines[i].gap_before = std::exchange(gap, false) || lines[i].gap_before;
    lines[kept] = lines[i];
    choices_[kept++] = choices_[i];
  }
  gap_ = gap_ || gap;
  lines.resize(kept);
  choices_.resize(kept);
  thin_at_ = std::max(thin_at_, kept + kept / 2);
  Compact();
}

// Lets go of the text of the lines that were dropped.
void FileLines::Compact() {
  std::deque<std::string> old = std::exchange(text, {});
  size_t bytes = 0;
  for (const Line& line : lines) bytes += line.text.size();
  for (Line& line : lines) {
    if (text.empty() || text.back().capacity() - text.back().size() < line.text.size()) {
      text.emplace_back().reserve(std::max({kLeastText, line.text.size(), std::min(kTextBytes, bytes)}));
    }
    bytes -= line.text.size();
    size_t begin = text.back().size();
    text.back() += line.text;
    line.text = std::string_view(text.back()).substr(begin);
  }
}

}  // namespace rankscope::diagnose
