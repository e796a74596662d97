#include "model/filter.h"

#include <gtest/gtest.h>

#include <cmath>

namespace rankscope::model {
namespace {

using Kind = Filter::Kind;

Filter Text(Kind kind, const std::string& text, bool case_sensitive = false, const std::string& name = "msg") {
  return Filter::Text(kind, name, text, case_sensitive);
}

Filter Range(const std::string& name, long double low, long double high, bool open = false) {
  Filter range = Filter::Range(name, low, high);
  range.low_open = range.high_open = open;
  return range;
}

Filter Set(const std::string& name, const std::string& set) { return Filter::Set(name, *NumberSet::Parse(set)); }

bool Holds(const Filter& filter, const Record& record) {
  auto matcher = Matcher::Compile(filter);
  EXPECT_TRUE(matcher.ok());
  return matcher->Matches(record);
}

Record Line(const std::string& text, Fields fields = {}) {
  Record record;
  record.origin.job = "Job";
  record.origin.rank = 7;
  record.time = 100;
  record.text = text;
  record.fields = std::move(fields);
  return record;
}

TEST(Filter, TextIsFoundWithoutCaseAndColours) {
  Record line = Line("\x1b[31mCUDA\x1b[0m out of memory");
  EXPECT_TRUE(Holds(Text(Kind::kPhrase, "cuda OUT of"), line));
  EXPECT_FALSE(Holds(Text(Kind::kPhrase, "cuda OUT of", true), line));
  EXPECT_TRUE(Holds(Text(Kind::kPhrase, "CUDA out", true), line));
  EXPECT_FALSE(Holds(Text(Kind::kPhrase, "mem"), line));
  EXPECT_TRUE(Holds(Text(Kind::kSubstring, "UDA OUT OF MEM"), line));
  EXPECT_TRUE(Holds(Text(Kind::kRegex, "^CUDA.*memory$", true), line));
  EXPECT_FALSE(Holds(Text(Kind::kRegex, "^cuda", true), line));
  EXPECT_TRUE(Holds(Text(Kind::kRegex, "^cuda"), line));
}

TEST(Filter, TextOfOtherValuesIsThatOfJson) {
  Record record = Line("x", {{"loss", 2.5}, {"bad", std::nan("")}, {"name", std::string("Größe")}});
  EXPECT_TRUE(Holds(Text(Kind::kRegex, "^2\\.5$", true, "loss"), record));
  EXPECT_TRUE(Holds(Text(Kind::kPhrase, "nan", false, "bad"), record));
  EXPECT_TRUE(Holds(Text(Kind::kSubstring, "RÖSS", false, "name"), record) ==
              Holds(Text(Kind::kSubstring, "röss", false, "name"), record));
  EXPECT_TRUE(Holds(Text(Kind::kSubstring, "RÖ", false, "name"), record));
  EXPECT_TRUE(Holds(Text(Kind::kRegex, "^1970-01-01T00:00:00", true, "timestamp"), record));
}

TEST(Filter, EqualsComparesNumbersAsNumbersAndElseTexts) {
  Record record = Line("", {{"loss", 2.5},
                            {"big", int64_t{9007199254740993}},
                            {"id", std::string("007")},
                            {"bad", std::nan("")},
                            {"up", INFINITY}});
  EXPECT_TRUE(Holds(Text(Kind::kEquals, "2.50", true, "loss"), record));
  EXPECT_TRUE(Holds(Text(Kind::kEquals, "25e-1", true, "loss"), record));
  EXPECT_TRUE(Holds(Text(Kind::kEquals, "9007199254740993", true, "big"), record));
  EXPECT_FALSE(Holds(Text(Kind::kEquals, "9007199254740992", true, "big"), record));
  EXPECT_FALSE(Holds(Text(Kind::kEquals, "7", true, "id"), record));
  EXPECT_TRUE(Holds(Text(Kind::kEquals, "007", true, "id"), record));
  EXPECT_TRUE(Holds(Text(Kind::kEquals, "nan", true, "bad"), record));
  EXPECT_TRUE(Holds(Text(Kind::kEquals, "Infinity", true, "up"), record));
  EXPECT_FALSE(Holds(Text(Kind::kEquals, "job", true, "job_id"), record));
  EXPECT_TRUE(Holds(Text(Kind::kEquals, "job", false, "job_id"), record));
}

TEST(Filter, RangesHoldTheirEndsUnlessOpen) {
  Record record = Line("", {{"loss", 0.1}, {"big", INT64_MAX}, {"bad", std::nan("")}, {"word", std::string("5")}});
  auto tenth = static_cast<long double>(0.1);
  EXPECT_TRUE(Holds(Range("loss", tenth, tenth), record));
  EXPECT_FALSE(Holds(Range("loss", tenth, 1, true), record));
  EXPECT_TRUE(Holds(Range("big", 9223372036854775807.0L, INFINITY), record));
  EXPECT_FALSE(Holds(Range("big", 9223372036854775808.0L, INFINITY), record));
  EXPECT_FALSE(Holds(Range("bad", -INFINITY, INFINITY), record)) << "NaN lies nowhere";
  EXPECT_FALSE(Holds(Range("word", 0, 9), record)) << "a text is no number";
  EXPECT_FALSE(Holds(Range("absent", -INFINITY, INFINITY), record));
}

TEST(Filter, SetsHoldNumbers) {
  EXPECT_TRUE(Holds(Set("rank", "0-9,!3"), Line("")));
  EXPECT_FALSE(Holds(Set("rank", "0-9,!7"), Line("")));
  EXPECT_TRUE(Holds(Set("rank", "!3"), Line("")));
  EXPECT_FALSE(Holds(Set("node_rank", "!3"), Line(""))) << "no node is known";
  EXPECT_FALSE(Holds(Set("loss", "2"), Line("", {{"loss", 2.5}})));
}

TEST(Filter, TimesAreHalfOpen) {
  EXPECT_TRUE(Holds(Filter::Time(100, 101), Line("")));
  EXPECT_FALSE(Holds(Filter::Time(0, 100), Line("")));
}

TEST(Filter, TermsCombine) {
  Filter cuda = Text(Kind::kPhrase, "cuda"), nccl = Text(Kind::kPhrase, "nccl");
  Filter either = Filter::Or({cuda, nccl}), both = Filter::And({cuda, nccl}), neither = Filter::Not(either);
  EXPECT_TRUE(Holds(either, Line("NCCL timeout")));
  EXPECT_FALSE(Holds(both, Line("NCCL timeout")));
  EXPECT_FALSE(Holds(neither, Line("NCCL timeout")));
  EXPECT_TRUE(Holds(neither, Line("gloo")));
  EXPECT_TRUE(Holds({}, Line("anything")));
}

TEST(Filter, OneMatcherServesRecordAfterRecord) {
  auto matcher = Matcher::Compile(Filter::Or({Text(Kind::kPhrase, "a"), Text(Kind::kRegex, "B", true)}));
  ASSERT_TRUE(matcher.ok());
  EXPECT_TRUE(matcher->Matches(Line("A")));
  EXPECT_FALSE(matcher->Matches(Line("c")));
  EXPECT_TRUE(matcher->Matches(Line("xB")));
}

TEST(Filter, ABadRegexIsNamed) {
  auto matcher = Matcher::Compile(Text(Kind::kRegex, "("));
  ASSERT_FALSE(matcher.ok());
  EXPECT_EQ(matcher.status().code(), base::Code::kInvalid);
  EXPECT_NE(matcher.status().message().find("\"(\""), std::string::npos);
}

}  // namespace
}  // namespace rankscope::model
