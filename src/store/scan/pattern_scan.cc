#include "store/scan/pattern_scan.h"

#include <map>
#include <optional>

#include "store/scan/pattern_counter.h"
#include "store/scan/pattern_mask.h"
#include "store/scan/row_source.h"

namespace rankscope::store {
namespace {

// The rows of one class in a block, and the first of them.
struct ClassRows {
  PatternCounter::Group group;
  uint32_t first_row = 0;
  uint32_t last_origin = ~uint32_t{0};
};

class PatternScan {
 public:
  PatternScan(const View& view, const ScanFilter& filter, base::Budget* budget)
      : view_(view), filter_(filter), budget_(budget), counter_(budget) {}

  void TakePiece(size_t piece) {
    std::optional<BlockReader> reader = ReaderOf(piece);
    if (!reader) return;
    SelectedRows selected = filter_.Select(&*reader, budget_);
    const auto& rows = selected.rows();
    if (reader->ok() && !rows.empty()) TakeRows(piece, rows, &*reader);
    if (!reader->ok()) ReportDamage(reader->status(), budget_);
  }

  void TakeRecord(const model::Record& record) { counter_.Take(record); }

  std::vector<model::Pattern> Finish() {
    std::optional<BlockReader> reader;
    size_t opened = ~size_t{0};
    return counter_.Finish([&](PatternCounter::Place place) {
      if (place.piece != opened) reader = ReaderOf(opened = place.piece);
      std::string text;
      if (reader && !reader->AppendText(place.row, &text)) {
        ReportDamage(reader->status(), budget_);
        reader->Forgive();
        text.clear();
      }
      return text;
    });
  }

 private:
  std::optional<BlockReader> ReaderOf(size_t index) {
    const BlockPiece& piece = view_.pieces[index];
    auto header = piece.segment->Header(piece.block);
    if (!header.ok()) {
      ReportDamage(header.status(), budget_);
      return std::nullopt;
    }
    return std::optional<BlockReader>(std::in_place, piece.segment, piece.block, *header, piece.templates,
                                      filter_.caches().columns);
  }

  void TakeRows(size_t piece, const std::vector<uint32_t>& rows, BlockReader* reader) {
    const auto& classes = reader->classes();
    const auto& times = reader->times();
    const auto& seqs = reader->seqs();
    const auto& origins = reader->origins();
    if (!reader->ok()) return;
    const BlockHeader& header = reader->header();
    std::vector<ClassRows> found(header.classes.size());
    for (uint32_t row : rows) {
      uint32_t form = header.classes[classes[row]].form;
      if (form == Row::kEmptyText) continue;
      const auto& rank = header.origins[origins[row]].rank;
      RowKey key{times[row], static_cast<uint64_t>(seqs[row]), rank.value_or(-1)};
      if (form == Row::kRawText) {
        TakeRaw(piece, row, key, rank, reader);
        continue;
      }
      ClassRows& of_class = found[classes[row]];
      if (of_class.group.count++ == 0 || key < of_class.group.first) {
        of_class.group.first = key;
        of_class.first_row = row;
      }
      of_class.group.last = std::max(of_class.group.last, key.time);
      if (rank && of_class.last_origin != origins[row]) of_class.group.ranks.insert(*rank);
      of_class.last_origin = origins[row];
    }
    for (size_t i = 0; i < found.size(); ++i) {
      if (found[i].group.count > 0) TakeClass(piece, header.classes[i].form, found[i]);
    }
  }

  void TakeRaw(size_t piece, uint32_t row, const RowKey& key, const std::optional<int32_t>& rank, BlockReader* reader) {
    std::string text;
    if (!reader->ok() || !reader->AppendText(row, &text)) return;  // said by TakePiece
    PatternCounter::Group group{1, key, key.time, {}};
    if (rank) group.ranks.insert(*rank);
    PatternCounter::Take(group, {piece, row}, counter_.Of(view_.pieces[piece].segment->job(), PatternOf(text)));
  }

  void TakeClass(size_t piece, uint32_t form, const ClassRows& rows) {
    const auto& [segment, block, templates] = view_.pieces[piece];
    uint32_t id = form - Row::kFirstTemplate;
    if (id >= templates->size()) return budget_->LeaveOut(segment->Damaged(block));
    auto& counts = counts_[templates.get()];
    if (counts.size() <= id) counts.resize(templates->size());
    if (!counts[id]) counts[id] = counter_.Of(segment->job(), PatternOfTemplate(templates->form(id)));
    PatternCounter::Take(rows.group, {piece, rows.first_row}, counts[id]);
  }

  const View& view_;
  const ScanFilter& filter_;
  base::Budget* budget_;
  PatternCounter counter_;
  std::map<const TemplateDictionary*, std::vector<PatternCounter::Count*>> counts_;  // by number of the template
};

}  // namespace

std::vector<model::Pattern> CountPatterns(const View& view, const model::Scan& scan, const ScanFilter& filter,
                                          base::Budget* budget) {
  PatternScan counting(view, filter, budget);
  for (size_t piece = 0; piece < view.pieces.size() && !budget->Spent(); ++piece) counting.TakePiece(piece);
  auto memory = MakeMemorySource(view.batches, &filter, scan, budget);
  RowKey key;
  bool exact;
  while (memory->Peek(&key, &exact)) counting.TakeRecord(*memory->Next());
  return counting.Finish();
}

}  // namespace rankscope::store
