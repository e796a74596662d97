#include "diagnose/signatures/signature_set.h"

#include <re2/re2.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>

namespace rankscope::diagnose {
namespace {

std::span<const Signature> (*const kFamilies[])() = {
    GpuSignatures,      CollectiveSignatures, HostSignatures,    StorageSignatures, DataSignatures,
    SoftwareSignatures, CompilerSignatures,   ConfigSignatures,  TensorSignatures,  TrainingSignatures,
    EndSignatures,      ForeignSignatures,    HarmlessSignatures};

// Beside the signatures: what tracebacks, exits, watchdogs, endings and memory reports are made of.
constexpr std::string_view kOtherTelling[] = {
    R"(Traceback \(most recent call last\)|^\s*(?:\[?\w+\]?:? ?)*File "[^"]+", line \d+|During handling of the above|The above exception was)",
    R"(^\s*(?:\[?\w+\]?:? ?)*(?:time|host|rank|exitcode|error_file|traceback)\s+:)",
    R"(WorkNCCL\(|last (?:enqueued|completed)|SeqNum=|pg_id|process group|worker_count)",
    R"((?i)train_runtime|training (?:completed?|finished|done|ended)|stopped: .max_)",
    R"((?i)checkpoint|\bckpt\b)",
    R"(^==> \S+ <==|^-+ ?(?:Begin|End) (?:global )?rank \d+ STD)",
    R"((?:shape|size|dims?|length|len|tokens)\b\W{0,4}[\[(]?\d+)",
    R"(\*{5} Running |(?:examples|Epochs|steps per epoch|size per device|accumulation\)|[nN] steps|trainable parameters) = \d)",
    R"(\bseed\b\W{1,4}\d|data_seed|group_by_length|train_sampling_strategy|dataloader_drop_last|seedable_sampler|transformers_version)",
};

// A pattern of the program's own tables that RE2 does not take is a bug of the table: every test shows it.
int MustAdd(std::string_view pattern, detect::PatternSet* patterns) {
  auto number = patterns->Add(std::string(pattern));
  if (!number.ok()) {
    std::fprintf(stderr, "diagnose: %s\n", number.status().message().c_str());
    std::abort();
  }
  return *number;
}

// Compiled when first asked for; the tables are constant.
const re2::RE2& FramesRegex(std::string_view pattern) {
  thread_local std::map<const char*, std::unique_ptr<re2::RE2>> compiled;
  auto& regex = compiled[pattern.data()];
  if (!regex) regex = std::make_unique<re2::RE2>(re2::StringPiece(pattern.data(), pattern.size()));
  return *regex;
}

bool FitsFrames(const Signature& signature, const std::string* frames) {
  return signature.frames.empty() || (frames && re2::RE2::PartialMatch(*frames, FramesRegex(signature.frames)));
}

}  // namespace

bool IsAnyException(const Signature* signature) {
  return signature->failure == "python_exception_one_rank" && signature->kind == "exception";
}

std::string_view RoleName(Role role) {
  constexpr std::string_view kNames[] = {"cause", "symptom", "cascade", "outcome", "harmless"};
  return kNames[static_cast<size_t>(role)];
}

SignatureSet::SignatureSet() {
  for (auto family : kFamilies) {
    for (const Signature& signature : family()) {
      MustAdd(signature.pattern, &patterns_);
      signatures_.push_back(&signature);
    }
  }
  patterns_.Compile();
}

const SignatureSet& SignatureSet::Shipped() {
  static const SignatureSet set;
  return set;
}

void SignatureSet::Match(std::string_view text, const std::string* frames, std::vector<const Signature*>* found) const {
  thread_local std::vector<int> numbers;
  patterns_.Match(text, &numbers);
  found->clear();
  int hidden = 0, hidden_ends = 0;
  for (int number : numbers) {
    const Signature* signature = signatures_[static_cast<size_t>(number)];
    if (signature->role == Role::kHarmless) {
      int& least = signature->life == Life::kEnds ? hidden_ends : hidden;
      least = std::max(least, signature->weight);
    } else if (FitsFrames(*signature, frames)) {
      found->push_back(signature);
    }
  }
  // What ended in an exception did not go on, whatever its message says; that it was caught, later lines tell.
  if (std::any_of(found->begin(), found->end(), IsAnyException)) hidden_ends = 0;
  std::erase_if(*found, [&](const Signature* s) {
    return s->weight < hidden || (s->life == Life::kEnds && s->weight < hidden_ends);
  });
}

void SignatureSet::MatchHarmless(std::string_view text, std::vector<const Signature*>* found) const {
  thread_local std::vector<int> numbers;
  patterns_.Match(text, &numbers);
  found->clear();
  for (int number : numbers) {
    const Signature* signature = signatures_[static_cast<size_t>(number)];
    if (signature->role == Role::kHarmless) found->push_back(signature);
  }
}

const detect::PatternSet& TellingLines() {
  static const detect::PatternSet& patterns = *[] {
    auto* set = new detect::PatternSet(detect::PatternSet::kShortWord);  // lives as long as the program
    for (auto family : kFamilies) {
      for (const Signature& signature : family()) {
        if (signature.role != Role::kHarmless) MustAdd(signature.pattern, set);
      }
    }
    for (std::string_view pattern : kOtherTelling) MustAdd(pattern, set);
    set->Compile();
    return set;
  }();
  return patterns;
}

}  // namespace rankscope::diagnose
