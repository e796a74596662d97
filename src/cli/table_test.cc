#include "cli/table.h"

#include <gtest/gtest.h>

#include <memory>

#include "base/file.h"

namespace rankscope::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Written {
  std::string text;
  std::vector<std::string> left_out;
  size_t dropped = 0;
};

Written Write(TableWriter::Format format, size_t width, const std::vector<Json>& rows,
              const std::vector<std::string>& columns = {}) {
  std::string path = testing::TempDir() + "/table";
  std::unique_ptr<FILE, int (*)(FILE*)> out(std::fopen(path.c_str(), "w"), std::fclose);
  TableWriter table(format, {}, out.get(), width, columns);
  for (const Json& row : rows) EXPECT_TRUE(table.Add(row));
  table.Finish();
  out.reset();
  return {*base::ReadWholeFile(path), table.left_out(), table.dropped()};
}

const Json kLine = {{"timestamp", "12:00"}, {"stream", "stdout"}, {"msg", std::string(100, 'm')}};
const Json kMetric = {{"timestamp", "12:01"}, {"rank", 3}, {"stream", "metric"}, {"step", 7}, {"loss", 2.5}, {"lr", 1}};

TEST(Table, RecordsHaveTheirOwnKeysInOrderThenTheTextThenFields) {
  EXPECT_EQ(Write(TableWriter::Format::kCsv, 0, {kLine, kMetric}).text,
            "timestamp,rank,stream,step,msg,loss,lr\n12:00,,stdout,," + std::string(100, 'm') +
                ",,\n12:01,3,metric,7,,2.5,1\n");
}

TEST(Table, ColumnsThatAQuestionChoseKeepTheirOrder) {
  EXPECT_EQ(Write(TableWriter::Format::kTable, 0, {{{"level", "error"}, {"rank", 1}, {"n", 5}}}).text,
            "level  rank  n\nerror  1     5\n");
}

TEST(Table, NamedColumnsAreTheHeaderThoughNoEarlyRowHasThem) {
  std::vector<Json> rows(TableWriter::kLookAhead, Json{{"rank", 1}});
  rows.push_back({{"late", 42}});
  Written written = Write(TableWriter::Format::kCsv, 0, rows, {"late", "rank", "nosuch"});
  EXPECT_TRUE(written.text.starts_with("late,rank,nosuch\n,1,\n")) << written.text.substr(0, 40);
  EXPECT_TRUE(written.text.ends_with("\n42,,\n"));
  EXPECT_EQ(written.dropped, 0u);
  EXPECT_EQ(Write(TableWriter::Format::kCsv, 0, rows).dropped, 1u);
  EXPECT_EQ(Write(TableWriter::Format::kCsv, 0, {}, {"n"}).text, "n\n");
  EXPECT_EQ(Write(TableWriter::Format::kTable, 0, {}, {"n"}).text, "");
  Json record = {{"project", "p"}, {"attempt", 0}, {"seq", 1}};
  EXPECT_EQ(Write(TableWriter::Format::kTable, 0, {record}, {"project", "attempt", "seq"}).text,
            "project  attempt  seq\np        0        1\n");
}

TEST(Table, TerminalCutsTheTextThenLeavesOutTheLastFields) {
  Written wide = Write(TableWriter::Format::kTable, 70, {kLine, kMetric});
  EXPECT_EQ(wide.text,
            "timestamp  rank  stream  step  msg                            loss  lr\n"
            "12:00            stdout        mmmmmmmmmmmmmmmmmmmmmmmmmmmm…\n"
            "12:01      3     metric  7                                    2.5   1\n");
  EXPECT_TRUE(wide.left_out.empty());
  Written narrow = Write(TableWriter::Format::kTable, 55, {kLine, kMetric});
  EXPECT_EQ(narrow.left_out, std::vector<std::string>({"lr"}));
  EXPECT_EQ(narrow.dropped, 0u) << "what there is no room for is told by its name";
  EXPECT_EQ(narrow.text.find("lr"), std::string::npos);
  EXPECT_NE(narrow.text.find("2.5"), std::string::npos);
}

TEST(Table, TheTextKeepsAThirdOfTheTerminalBesideFieldsThatFewHave) {
  Json event = {{"timestamp", "12:02"}, {"stream", "event"}, {"msg", "x"}, {"command", std::string(40, 'c')}};
  Written written = Write(TableWriter::Format::kTable, 90, {kLine, event});
  EXPECT_EQ(written.left_out, std::vector<std::string>({"command"}));
  EXPECT_NE(written.text.find(std::string(60, 'm')), std::string::npos) << written.text;
}

TEST(Table, WithoutATerminalNoValueIsCut) {
  std::string value(200, 'v');
  std::string text = Write(TableWriter::Format::kTable, 0, {{{"setting", "lr"}, {"old", value}, {"new", 1}}}).text;
  EXPECT_NE(text.find(value + "  1\n"), std::string::npos) << text;
}

TEST(Table, AttemptIsAColumnOfRecordsWhereItTellsThemApart) {
  Json record = {{"timestamp", "12:00"}, {"project", "default"}, {"attempt", 0}, {"rank", 3}, {"seq", 1}};
  EXPECT_EQ(Write(TableWriter::Format::kTable, 0, {record}).text, "timestamp  rank\n12:00      3\n");
  Json relaunched = record;
  relaunched["attempt"] = 1;
  EXPECT_EQ(Write(TableWriter::Format::kTable, 0, {record, relaunched}).text,
            "timestamp  attempt  rank\n12:00      0        3\n12:00      1        3\n");
  EXPECT_EQ(Write(TableWriter::Format::kTable, 0, {{{"attempt", 0}, {"n", 5}}}).text, "attempt  n\n0        5\n");
}

TEST(Table, WithoutATerminalTextIsWholeWhereverItStands) {
  std::string text = Write(TableWriter::Format::kTable, 0, {kLine, kMetric}).text;
  EXPECT_NE(text.find(std::string(100, 'm')), std::string::npos);
  EXPECT_NE(text.find("lr"), std::string::npos);
}

}  // namespace
}  // namespace rankscope::cli
