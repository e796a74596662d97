#include "monitor/job_ledger.h"

#include <utility>

namespace rankscope::monitor {
namespace {

using diagnose::InsightsBook;

// To write the sums of 100,000 jobs takes as long as to add up some hundred changes.
constexpr size_t kChangesOfSums = 256;

// What was written, not what was found: the same is to be taken out one day, and writing may change a text.
void AddTo(InsightsBook* book, std::string_view facts_json) {
  if (auto facts = diagnose::FactsFromJson(facts_json); facts.ok()) book->Add(*facts);
}

void TakeOutOf(InsightsBook* book, std::string_view facts_json) {
  if (auto facts = diagnose::FactsFromJson(facts_json); facts.ok()) book->Remove(*facts);
}

}  // namespace

base::Status JobLedger::Open() {
  std::lock_guard lock(mutex_);
  return OpenBook();
}

base::Status JobLedger::OpenBook() {
  if (book_) return {};
  ASSIGN_OR_RETURN(std::string text, knowledge_->Sums());
  auto sums = InsightsBook::FromJson(text);
  kept_ = sums.ok();
  if (kept_) {
    RETURN_IF_ERROR(AddUpChanges(&*sums));
  } else {
    sums = InsightsBook();
    RETURN_IF_ERROR(knowledge_->Each([&](const catalog::KnownJob& known) { AddTo(&*sums, known.facts); }));
  }
  book_ = *std::move(sums);
  if (!kept_ || changes_ >= kChangesOfSums) (void)KeepSums();  // else all that was saved is added up next time
  return {};
}

base::Status JobLedger::AddUpChanges(InsightsBook* sums) {
  changes_ = 0;
  return knowledge_->EachChange([&](const std::string& before, const std::string& after) {
    TakeOutOf(sums, before);
    AddTo(sums, after);
    ++changes_;
  });
}

base::Status JobLedger::KeepSums() {
  RETURN_IF_ERROR(knowledge_->SaveSums(book_->ToJson()));
  kept_ = true;
  changes_ = 0;
  return {};
}

base::Status JobLedger::Close() {
  std::lock_guard lock(mutex_);
  return book_ && (!kept_ || changes_ > 0) ? KeepSums() : base::Status();
}

base::Status JobLedger::Save(const catalog::KnownJob& known) {
  std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(OpenBook());
  ASSIGN_OR_RETURN(auto before, knowledge_->Find(known.job));
  RETURN_IF_ERROR(knowledge_->Save(known));
  if (before) TakeOutOf(&*book_, before->facts);
  AddTo(&*book_, known.facts);
  NoteChange();
  return {};
}

// What cannot be kept now is later; the changes are.
void JobLedger::NoteChange() {
  if (++changes_ % kChangesOfSums == 0) (void)KeepSums();
}

base::Status JobLedger::Forget(const std::string& job) {
  std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(OpenBook());
  ASSIGN_OR_RETURN(auto known, knowledge_->Find(job));
  if (!known) return {};
  RETURN_IF_ERROR(knowledge_->DeleteJob(job));
  TakeOutOf(&*book_, known->facts);
  NoteChange();
  return {};
}

base::Result<diagnose::Insights> JobLedger::Summarize() {
  std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(OpenBook());
  return book_->Summarize();
}

base::Result<std::vector<diagnose::Similar>> JobLedger::FindSimilar(const diagnose::JobFacts& facts) {
  std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(OpenBook());
  return book_->FindSimilar(facts);
}

}  // namespace rankscope::monitor
