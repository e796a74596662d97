#include "store/segment_summary.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <random>

#include "store/store.h"
#include "store/view.h"

namespace rankscope::store {
namespace {

namespace fs = std::filesystem;
using model::Filter;

constexpr int kRecords = 60'000, kRanks = 64;

// A segment of a dozen blocks or more, in which much is in few of them.
class SegmentSummaryTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/rankscope_segment_summary_test";
    fs::remove_all(folder_);
    std::vector<std::string> damage;
    auto store = Store::Open(folder_, {}, &damage);
    ASSERT_TRUE(store.ok()) << store.status().message();
    std::string bytes;
    for (int i = 0; i < kRecords; ++i) records_.push_back(RecordOf(i));
    model::EncodeRecords(records_, &bytes);
    ASSERT_TRUE((*store)->Append(1, *model::RecordBatch::Decode(bytes)).ok());
    ASSERT_TRUE((*store)->Flush().ok());
    store->reset();
    auto folder = SegmentFolder::Open(folder_, "default", &damage);
    ASSERT_TRUE(folder.ok()) << folder.status().message();
    segments_ = *std::move(folder);
    live_ = segments_->TakeOpened();
    ASSERT_EQ(live_.size(), 1u);
    ASSERT_NE(live_[0].segment->Summary(), nullptr);
  }
  void TearDown() override {
    live_.clear();
    segments_.reset();
    fs::remove_all(folder_);
  }

  std::string Random(int length, const char* sixteen) {
    std::string text;
    for (int i = 0; i < length; ++i) text += sixteen[random_() % 16];
    return text;
  }
  std::string Hex(int digits) { return Random(digits, "0123456789abcdef"); }
  std::string Uuid() { return Hex(8) + "-" + Hex(4) + "-" + Hex(4) + "-" + Hex(4) + "-" + Hex(12); }

  model::Record RecordOf(int i) {
    model::Record record;
    record.origin.job = "job";
    record.origin.rank = i % kRanks;
    record.time = i * base::kNsPerMs;
    switch (i % 5) {
      case 0:
        record.text = "request " + Uuid() + " done";
        break;
      case 1:
        record.text = "etag a" + Hex(9);
        break;
      case 2:
        if (i % 2 == 0) {
          record.text = "token " + Random(1200, "ghijklmnopqrstuv");
          break;
        }
        for (int word = 0; word < 12; ++word) record.text += Hex(3).replace(0, 1, "q") + "x ";
        break;
      case 3:
        record.text = i % kRanks == 7 ? "rare phrase of step " + std::to_string(i) : "step " + std::to_string(i);
        break;
      default:
        record.stream = model::Stream::kMetric;
        record.step = i / kRanks;
        record.fields.emplace_back("loss", 0.25 * i);
    }
    return record;
  }

  // Asks the store's way, and every record one by one; returns how many blocks were looked at.
  size_t Look(const Filter& filter) {
    VerdictCache verdicts;
    ColumnCache columns;
    model::Scan scan;
    scan.filter = filter;
    auto compiled = ScanFilter::Compile(filter, {&verdicts, &columns});
    EXPECT_TRUE(compiled.ok());
    View view = MakeView(live_, {}, scan, **compiled);
    size_t found = 0, blocks = view.pieces.size();
    base::Budget budget;
    ReadView(view, scan, **compiled, &budget, [&](const model::Record&) { return ++found > 0; });
    auto matches = [&](const model::Record& record) { return (*compiled)->Matches(record); };
    auto expected = static_cast<size_t>(std::count_if(records_.begin(), records_.end(), matches));
    EXPECT_EQ(found, expected);
    EXPECT_EQ(Count(view, scan, **compiled), expected);
    return blocks;
  }
  static size_t Count(const View& view, const model::Scan& scan, const ScanFilter& filter) {
    model::Aggregation count;
    count.aggregates.emplace_back().function = model::Aggregate::Function::kCount;
    int64_t counted = -1;
    base::Budget budget;
    AggregateView(view, scan, filter, count, &budget, [&](const auto& cells) {
      counted = std::get<int64_t>(cells[0]);
      return true;
    });
    return static_cast<size_t>(counted);
  }
  static Filter Text(Filter::Kind kind, const std::string& text) {
    return Filter::Text(kind, "msg", text, /*case_sensitive=*/false);
  }
  static Filter Rank(int rank) {
    return Filter::Range("rank", static_cast<long double>(rank), static_cast<long double>(rank));
  }
  size_t all() const { return live_[0].segment->blocks().size(); }

  std::string folder_;
  std::mt19937 random_{7};
  std::vector<model::Record> records_;
  std::unique_ptr<SegmentFolder> segments_;
  std::vector<LiveSegment> live_;
};

TEST_F(SegmentSummaryTest, BlocksThatLackATermAreNotLookedAt) {
  ASSERT_GE(all(), 8u);
  std::string uuid = records_[40'000].text.substr(8, 36);
  EXPECT_LE(Look(Text(Filter::Kind::kPhrase, uuid)), 3u);
  EXPECT_LE(Look(Text(Filter::Kind::kPhrase, Uuid())), 2u);
  // A part of it, which raw texts would hold as a word, and one that is nowhere.
  std::string part = uuid.substr(10, 12);
  EXPECT_LE(Look(Text(Filter::Kind::kSubstring, part)), 2u);
  EXPECT_LE(Look(Text(Filter::Kind::kSubstring, std::string(part.rbegin(), part.rend()))), 1u);
  EXPECT_EQ(Look(Filter::And({Rank((40'000 + kRanks / 2) % kRanks), Text(Filter::Kind::kSubstring, part)})), 0u);
  EXPECT_LE(Look(Text(Filter::Kind::kPhrase, "rare phrase")), all() / 2);
  EXPECT_LE(Look(Text(Filter::Kind::kPhrase, "no such word")), 2u);
  EXPECT_LE(Look(Rank(7)), all() / 2);
  EXPECT_EQ(Look(Filter::And({Rank(60), Text(Filter::Kind::kPhrase, "rare phrase")})), 0u);
}

TEST_F(SegmentSummaryTest, EveryMatchIsFoundWhateverIsAsked) {
  std::string uuid = records_[40'000].text.substr(8, 36), etag = records_[40'001].text.substr(5),
              words = records_[30'007].text.substr(0, 14);
  for (const Filter& filter :
       {Filter{}, Text(Filter::Kind::kSubstring, uuid.substr(9, 14)),
        Text(Filter::Kind::kSubstring, uuid.substr(25, 10)), Text(Filter::Kind::kSubstring, uuid.substr(6, 9)),
        Text(Filter::Kind::kPhrase, uuid.substr(0, 8)), Text(Filter::Kind::kPhrase, etag),
        Text(Filter::Kind::kPhrase, words), Text(Filter::Kind::kSubstring, words.substr(2)),
        Text(Filter::Kind::kRegex, "done$"), Text(Filter::Kind::kRegex, "etag a00[0-9]"),
        Filter::Or({Rank(3), Text(Filter::Kind::kPhrase, uuid)}), Filter::Not(Text(Filter::Kind::kPhrase, "request")),
        Filter::And({Filter::Exists("loss"), Filter::Range("step", 100, 110)}),
        Filter::And({Text(Filter::Kind::kPhrase, "request"), Filter::Time(0, 20 * base::kNsPerSecond)})}) {
    Look(filter);
  }
}

TEST_F(SegmentSummaryTest, ABlockThatCannotBeReadIsInEverySet) {
  const BlockInfo info = live_[0].segment->blocks()[2];
  std::string path = live_[0].segment->path();
  live_.clear();
  std::FILE* file = std::fopen(path.c_str(), "r+b");
  ASSERT_NE(file, nullptr);
  std::fseek(file, static_cast<long>(info.offset + info.bytes - 5), SEEK_SET);
  std::fputc(0x5a, file);
  std::fclose(file);
  HeaderCache headers;
  auto segment = Segment::Open(path, &headers);
  ASSERT_TRUE(segment.ok());
  auto summary = (*segment)->Summary();
  ASSERT_NE(summary, nullptr);
  EXPECT_FALSE(summary->whole());
  EXPECT_TRUE(summary->NoBlocks().Has(2));
  EXPECT_TRUE(summary->BlocksOfClass(0).Has(2));
  EXPECT_TRUE(summary->MayHoldHex(2, "0123456789abcdef"));
  EXPECT_TRUE(summary->BlocksThatMayHold(UuidSearch(Uuid())).Has(2));
}

}  // namespace
}  // namespace rankscope::store
