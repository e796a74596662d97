#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/blocks/block.h"
#include "store/columns/uuids.h"
#include "store/texts/text_template.h"

namespace rankscope::store {

class Segment;

// Some of a segment's blocks.
class BlockSet {
 public:
  explicit BlockSet(size_t blocks) : words_((blocks + 63) / 64) {}
  bool Has(size_t block) const { return words_[block / 64] >> block % 64 & 1; }
  void Add(size_t block) { words_[block / 64] |= uint64_t{1} << block % 64; }
  // Its blocks 64 * `word` and those behind it, a bit each.
  void AddWord(size_t word, uint64_t blocks) { words_[word] |= blocks; }
  void Add(const BlockSet& others) {
    for (size_t i = 0; i < words_.size(); ++i) words_[i] |= others.words_[i];
  }
  void Keep(const BlockSet& others) {
    for (size_t i = 0; i < words_.size(); ++i) words_[i] &= others.words_[i];
  }

  size_t Memory() const { return sizeof *this + words_.size() * sizeof(uint64_t); }

 private:
  std::vector<uint64_t> words_;
};

// What the blocks of a segment have together, so that a filter need not look at each of them: the headers of thousands
// do not fit in memory, and this takes a hundredth of theirs. Never changes; any thread.
class SegmentSummary {
 public:
  // Null where it would not help: few blocks, or more classes than can be numbered. Reads every header.
  static std::shared_ptr<const SegmentSummary> Of(const Segment& segment);

  // As of one block with the rows of all: origins, levels, schemas, classes and steps, without runs, pools and columns.
  const BlockHeader& header() const { return data_.header; }
  size_t Memory() const;
  size_t blocks() const { return data_.hex_filters.size(); }
  // Blocks that could not be read are in every set; numbers of rows are then not the segment's.
  bool whole() const { return data_.whole; }

  BlockSet NoBlocks() const { return data_.unread; }
  // Blocks with rows of one of the header's classes, or of one of its origins.
  const BlockSet& BlocksOfClass(uint16_t number) const { return data_.classes[number]; }
  const BlockSet& BlocksOfOrigin(size_t number) const { return data_.origins[number]; }
  // Whether a slot of hexadecimal digits in the block may hold the id, as WordFilter::MayHoldId.
  bool MayHoldHex(size_t block, const std::string& id) const;
  // Blocks in which a UUID may hold what is searched; the columns of a block's UUIDs, where that is to be seen.
  BlockSet BlocksThatMayHold(const UuidSearch& search) const;
  struct UuidColumn {
    uint32_t number, rows;
    BlockHeader::Column place;
  };
  const std::vector<UuidColumn>& UuidColumns(size_t block) const { return data_.uuid_columns[block]; }
  // The word filter of the block's raw texts. Nothing: it was too large to keep, or could not be read.
  const std::optional<std::string>& RawTextFilter(size_t block) const { return data_.raw_text_filters[block]; }

 private:
  friend class SummaryBuilder;
  struct Data {
    explicit Data(size_t blocks)
        : unread(blocks), hex_filters(blocks), uuid_columns(blocks), unknown_uuids(blocks), raw_text_filters(blocks) {}
    BlockHeader header;
    BlockSet unread;
    bool whole = true;
    std::vector<BlockSet> classes, origins;
    std::vector<std::vector<std::string>> hex_filters;         // by block
    std::vector<std::vector<UuidColumn>> uuid_columns;         // by block
    std::vector<UuidSignatures> uuid_signatures;               // by 64 blocks
    BlockSet unknown_uuids;                                    // blocks of which they do not tell
    std::vector<std::optional<std::string>> raw_text_filters;  // by block
  };

  explicit SegmentSummary(Data data) : data_(std::move(data)) {}

  const Data data_;
};

}  // namespace rankscope::store
