#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/filter.h"
#include "model/record_value.h"
#include "store/block_reader.h"
#include "store/text_term.h"

namespace rankscope::store {

// A filter, prepared for blocks: what of it is about time, about origins, about classes of rows, and about single rows.
// One thread at a time.
class ScanFilter {
 public:
  // kInvalid: a regex that RE2 does not take. `cache` outlives it.
  static base::Result<std::unique_ptr<ScanFilter>> Compile(const model::Filter& filter, VerdictCache* cache);

  // No record from outside these times matches.
  base::TimeNs since() const { return since_; }
  base::TimeNs until() const { return until_; }
  // Whether records of this job may match at all.
  bool MayMatchJob(const std::string& project, const std::string& job) const;
  bool Matches(const model::Record& record) const { return matcher_->Matches(record); }

  // The matching rows of the block, ascending. After a failure, which is in the reader's status, none; a single row
  // that cannot be read is left out.
  std::vector<uint32_t> Select(BlockReader* reader, const std::shared_ptr<const TemplateDictionary>& dictionary,
                               base::Budget* budget) const;
  // How many match, where that follows from the header alone.
  std::optional<uint64_t> CountByHeader(const Segment& segment, const BlockInfo& info, const BlockHeader& header,
                                        const std::shared_ptr<const TemplateDictionary>& dictionary) const;

 private:
  struct Node;       // the filter's tree, with what its leaves are about
  struct Judgement;  // of a block's classes and origins

  ScanFilter() = default;
  base::Status AddConjuncts(const model::Filter& filter);
  Judgement Judge(const BlockInfo& info, const BlockHeader& header, const Segment& segment,
                  const std::shared_ptr<const TemplateDictionary>& dictionary) const;
  bool KeepCandidates(BlockReader* reader, const Judgement& judgement, std::vector<uint32_t>* rows) const;
  bool Verify(BlockReader* reader, const Judgement& judgement, base::Budget* budget, std::vector<uint32_t>* rows) const;

  VerdictCache* cache_ = nullptr;
  std::unique_ptr<model::Matcher> matcher_;
  base::TimeNs since_ = INT64_MIN, until_ = INT64_MAX;
  std::vector<std::shared_ptr<Node>> origin_terms_, class_terms_;
  bool needs_text_ = false, needs_fields_ = false;
};

}  // namespace rankscope::store
