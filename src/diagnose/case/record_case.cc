#include "diagnose/case/record_case.h"

#include <utility>

#include "diagnose/case/case_assembly.h"

namespace rankscope::diagnose {
namespace {

constexpr size_t kChunkBytes = 2 << 20;
constexpr uint64_t kKeepAllBytes = 32 << 20;  // the keys of each record are half of it

}  // namespace

RecordCase::RecordCase(std::string name, const detect::PatternSet& telling) {
  rules_.telling = &telling;
  rules_.json = true;
  BeginFile(std::move(name));
}

void RecordCase::BeginFile(std::string name) { files_.emplace_back().file.path = std::move(name); }

void RecordCase::BeginSurroundings(std::string name) {
  ScanWaiting();
  BeginFile(std::move(name));
  files_.back().file.surroundings = true;
}

void RecordCase::Add(std::string_view record) {
  waiting_ += record;
  waiting_ += '\n';
  if (waiting_.size() >= kChunkBytes) ScanWaiting();
}

Case RecordCase::End() {
  ScanWaiting();
  for (ReadFile& file : files_) file.kept.End();
  Case made;
  AssembleCase(std::move(files_), &made);
  return made;
}

void RecordCase::ScanWaiting() {
  FileLines& kept = files_.back().kept;
  kept.Add(scanner_.Scan(waiting_, rules_, kept.bytes_read > kKeepAllBytes));
  waiting_.clear();
}

}  // namespace rankscope::diagnose
