#include "query/query.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace rankscope::query {
namespace {

// Records in a vector, already in order.
class VectorSource : public LogSource {
 public:
  base::Status Read(const model::Scan& scan, base::Budget* budget,
                    const std::function<bool(const model::Record&)>& take) override {
    ASSIGN_OR_RETURN(model::Matcher matcher, model::Matcher::Compile(scan.filter));
    std::vector<model::Record> ordered = records;
    if (scan.newest_first) std::reverse(ordered.begin(), ordered.end());
    for (const auto& record : ordered) {
      if (budget->Spent() || (matcher.Matches(record) && !take(record))) break;
    }
    return {};
  }
  uint64_t Subscribe(std::function<void(const model::RecordBatch&)>) override { return 0; }
  void Unsubscribe(uint64_t) override {}
  std::vector<model::Record> records;
};

class QueryTest : public testing::Test {
 protected:
  void Add(int rank, const std::string& text, model::Fields fields = {}) {
    model::Record record;
    record.origin.job = "j";
    record.origin.rank = rank;
    record.time = static_cast<int64_t>(source_.records.size()) * base::kNsPerSecond;
    record.text = text;
    record.fields = std::move(fields);
    source_.records.push_back(record);
  }
  size_t Count(const std::string& text) {
    auto query = ParseQuery(text, 0);
    EXPECT_TRUE(query.ok()) << query.status().message();
    size_t count = 0;
    EXPECT_TRUE(RunQuery(&source_, *query, [&](std::string_view) { return ++count > 0; }).ok());
    return count;
  }
  VectorSource source_;
};

TEST_F(QueryTest, WordsAndPhrasesMatchAtTokenBorders) {
  Add(0, "CUDA out of memory. Tried to allocate 4.20 GiB");
  Add(1, "XCUDA out of memoryX");
  Add(2, "\x1b[31mCUDA\x1b[0m out of memory");
  EXPECT_EQ(Count("\"CUDA out of memory\""), 2u);
  EXPECT_EQ(Count("memory"), 2u);
  EXPECT_EQ(Count("*UDA out of mem*"), 3u);
  EXPECT_EQ(Count("~\"allocate [0-9.]+ GiB\""), 1u);
  EXPECT_EQ(Count("-memory"), 1u);
}

TEST_F(QueryTest, TermsSelectAndFieldsCompare) {
  Add(0, "a", {{"loss", 2.5}});
  Add(1, "b", {{"loss", 3.0}, {"event", std::string("rank_exit")}});
  EXPECT_EQ(Count("job:j rank:0,1"), 2u);
  EXPECT_EQ(Count("job:j rank:!0"), 1u);
  EXPECT_EQ(Count("job:other"), 0u);
  EXPECT_EQ(Count("loss:2.5"), 1u);
  EXPECT_EQ(Count("event:rank_exit"), 1u);
  EXPECT_EQ(Count("_time:[1970-01-01T00:00:01Z,1970-01-01T00:00:02Z]"), 1u);
}

TEST_F(QueryTest, PipesLimitSortAndCount) {
  for (int i = 0; i < 5; ++i) Add(i, "line " + std::to_string(i));
  std::vector<std::string> lines;
  auto query = ParseQuery("job:j | sort timestamp desc | limit 2", 0);
  ASSERT_TRUE(RunQuery(&source_, *query, [&](std::string_view line) {
                lines.emplace_back(line);
                return true;
              }).ok());
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_NE(lines[0].find("line 4"), std::string::npos);
  query = ParseQuery("job:j line | stats count() as n", 0);
  ASSERT_TRUE(RunQuery(&source_, *query, [&](std::string_view line) {
                EXPECT_EQ(line, "{\"n\":5}");
                return true;
              }).ok());
}

TEST(ParseQuery, ErrorsNameTheCharacter) {
  for (const char* text :
       {"\"open", "rank:x", "stream:foo", "~\"(\"", "| nosuch", "*half", "_time:yesterday", "job:"}) {
    auto query = ParseQuery(text, 0);
    ASSERT_FALSE(query.ok()) << text;
    EXPECT_EQ(query.status().code(), base::Code::kInvalid);
  }
  EXPECT_NE(ParseQuery("job:j \"open", 0).status().message().find("character 7"), std::string::npos);
}

}  // namespace
}  // namespace rankscope::query
