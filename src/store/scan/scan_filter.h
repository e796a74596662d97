#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/filter.h"
#include "store/scan/class_judge.h"
#include "store/scan/selected_rows.h"
#include "store/segment_summary.h"

namespace rankscope::store {

// What queries share; both outlive them.
struct ScanCaches {
  VerdictCache* verdicts;
  ColumnCache* columns;
};

// A filter, prepared for blocks: what of it is about time, about origins, about classes of rows, and about single rows.
// One thread at a time.
class ScanFilter {
 public:
  // kInvalid: a regex that RE2 does not take.
  static base::Result<std::unique_ptr<ScanFilter>> Compile(const model::Filter& filter, const ScanCaches& caches);

  // No record from outside these times matches.
  base::TimeNs since() const { return since_; }
  base::TimeNs until() const { return until_; }
  // Whether records of this job may match at all.
  bool MayMatchJob(const std::string& project, const std::string& job) const;
  bool Matches(const model::Record& record) const { return matcher_->Matches(record); }
  // For the readers of the blocks that are asked about.
  const ScanCaches& caches() const { return caches_; }

  // These REQUIRE that the block's job, or the segment's, may match.
  //
  // The segment's blocks that may hold matching rows. Nothing: any may. Worth asking where there are many.
  std::optional<BlockSet> BlocksOf(const Segment& segment,
                                   const std::shared_ptr<const TemplateDictionary>& dictionary) const;
  // How many rows of the segment match beside those of some blocks, which are left to look at; from its summary, and
  // the headers of these. Nothing: all are.
  struct SummaryCount {
    uint64_t rows;
    BlockSet left;
  };
  std::optional<SummaryCount> CountBySummary(const std::shared_ptr<const Segment>& segment,
                                             const std::shared_ptr<const TemplateDictionary>& dictionary) const;
  // The matching rows of the block. After a failure, which is in the reader's status, none; a single row
  // that cannot be read is left out.
  SelectedRows Select(BlockReader* reader, base::Budget* budget) const;
  // Whether rollups of rows between these times can know what matches.
  bool MayJudgeRollups(base::TimeNs min_time, base::TimeNs max_time) const;
  // What the filter says by origin and shape of rows between these times, of whose rollup the header is. Nothing: rows
  // must be looked at.
  std::optional<Judgement> JudgeRollup(const Segment& segment, base::TimeNs min_time, base::TimeNs max_time,
                                       const BlockHeader& header) const;
  // How many match, where that follows from the header alone.
  std::optional<uint64_t> CountByHeader(BlockReader* reader) const;

 private:
  ScanFilter() = default;
  base::Status AddConjuncts(const model::Filter& filter);
  void AskDictionary(const std::shared_ptr<const TemplateDictionary>& dictionary) const;
  Judgement Judge(BlockReader* reader) const;
  Judgement Judge(const Segment& segment, const SegmentSummary& summary) const;
  bool JudgesAllBlocksAlike() const;
  static uint64_t CertainRows(const Judgement& judgement, const BlockHeader& header);
  bool Narrow(BlockReader* reader, Judgement* judgement, std::vector<uint32_t>* rows) const;
  std::vector<uint32_t> RowsOf(BlockReader* reader, const Judgement& judgement) const;
  std::optional<uint16_t> WholeClass(const BlockReader& reader, const Judgement& judgement) const;
  BlockReader::FieldChoice FieldsFor(const BlockHeader& header) const;
  static void DropRawRows(BlockReader* reader, const Judgement& judgement, std::vector<uint32_t>* rows);
  bool Verify(BlockReader* reader, const Judgement& judgement, base::Budget* budget, std::vector<uint32_t>* rows) const;

  ScanCaches caches_{};
  std::unique_ptr<model::Matcher> matcher_;
  base::TimeNs since_ = INT64_MIN, until_ = INT64_MAX;
  FilterTerms terms_;
  bool needs_text_ = false;
  std::vector<std::string> needed_fields_;
  mutable std::shared_ptr<const TemplateDictionary> judged_;  // of which the verdicts are
  mutable LeafVerdicts verdicts_;
};

}  // namespace rankscope::store
