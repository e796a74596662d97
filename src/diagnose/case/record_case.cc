#include "diagnose/case/record_case.h"

#include <utility>

#include "diagnose/case/case_assembly.h"

namespace rankscope::diagnose {
namespace {

constexpr size_t kChunkBytes = 2 << 20;
constexpr uint64_t kKeepAllBytes = 32 << 20;  // the keys of each record are half of it

}  // namespace

RecordCase::RecordCase(std::string name, const detect::PatternSet& telling) : name_(std::move(name)) {
  rules_.telling = &telling;
  rules_.json = true;
}

void RecordCase::Add(std::string_view record) {
  waiting_ += record;
  waiting_ += '\n';
  if (waiting_.size() >= kChunkBytes) ScanWaiting();
}

Case RecordCase::End() {
  ScanWaiting();
  kept_.End();
  std::vector<ReadFile> files(1);
  files[0].file.path = name_;
  files[0].kept = std::move(kept_);
  Case made;
  AssembleCase(std::move(files), &made);
  return made;
}

void RecordCase::ScanWaiting() {
  kept_.Add(scanner_.Scan(waiting_, rules_, kept_.bytes_read > kKeepAllBytes));
  waiting_.clear();
}

}  // namespace rankscope::diagnose
