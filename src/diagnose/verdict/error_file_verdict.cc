#include "diagnose/verdict/error_file_verdict.h"

#include <algorithm>

#include "diagnose/signatures/signature_set.h"
#include "diagnose/verdict/advice.h"
#include "diagnose/verdict/failure_class.h"
#include "parse/line_record.h"

namespace rankscope::diagnose {
namespace {

// The most specific signature of the message's lines; null: none.
const Signature* SignatureOf(const ErrorFile& file) {
  std::vector<const Signature*> found;
  SignatureSet::Shipped().Match(file.message, file.callstack.empty() ? nullptr : &file.callstack, &found);
  auto best = std::max_element(found.begin(), found.end(),
                               [](const Signature* a, const Signature* b) { return a->weight < b->weight; });
  return best == found.end() ? nullptr : *best;
}

bool IsVictims(const Signature* signature) {
  return signature && (signature->role == Role::kCascade || signature->failure == "gloo_error");
}

struct Told {
  const ErrorFile* file = nullptr;
  const Signature* signature = nullptr;
};

bool IsBefore(const Told& a, const Told& b) {
  if (IsVictims(a.signature) != IsVictims(b.signature)) return IsVictims(b.signature);
  return a.file->time.value_or(0) < b.file->time.value_or(0);
}

}  // namespace

std::optional<Verdict> JudgeErrorFiles(const Case& read) {
  std::vector<Told> told;
  for (const ErrorFile& file : read.error_files) told.push_back({&file, SignatureOf(file)});
  if (told.empty()) return std::nullopt;
  const Told first = *std::min_element(told.begin(), told.end(), IsBefore);
  const ErrorFile& file = *first.file;
  std::string message = file.message;
  parse::RedactSecrets(&message);
  Verdict verdict;
  verdict.healthy = false;
  verdict.failure = first.signature ? first.signature->failure : "python_exception_one_rank";
  verdict.kind = first.signature ? first.signature->kind : "exception";
  verdict.confidence = 0.6;
  verdict.root_line = message;
  const FailureClass* known = FindFailureClass(verdict.failure);
  verdict.summary = known ? known->meaning : verdict.failure;
  std::optional<int32_t> rank = file.rank ? file.rank : file.local_rank;
  if (rank) {
    verdict.culprit = Culprit{file.node_rank, rank, {}};
    verdict.culprits = {*rank};
  }
  verdict.evidence.push_back({message, "root", file.time, rank, file.path, 0});
  verdict.would_settle = {"the logs of the ranks beside their error files"};
  verdict.advice = AdviceOn(verdict.failure, verdict.kind);
  return verdict;
}

}  // namespace rankscope::diagnose
