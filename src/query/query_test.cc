#include "query/query.h"

#include <gtest/gtest.h>

#include "query/columns.h"
#include "query/plan.h"
#include "query/run.h"
#include "query/testing/naive_source.h"

namespace rankscope::query {
namespace {

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
  std::vector<std::string> Run(const std::string& text, base::Budget* budget) {
    auto query = ParseQuery(text, 0);
    EXPECT_TRUE(query.ok()) << query.status().message();
    std::vector<std::string> rows;
    EXPECT_TRUE(RunQueryAsJson(&source_, *query, budget, [&](std::string_view lines, size_t count) {
                  for (; count > 0; --count) {
                    rows.emplace_back(lines.substr(0, lines.find('\n')));
                    lines.remove_prefix(rows.back().size() + 1);
                  }
                  return true;
                }).ok());
    return rows;
  }
  NaiveSource source_;
};

TEST_F(QueryTest, AnAnswerThatMeetsItsRowsIsPartial) {
  for (int i = 0; i < 5; ++i) Add(i, "line");
  base::Budget budget({.memory_bytes = 0, .time_ns = 0, .rows = 3});
  EXPECT_EQ(Run("line", &budget).size(), 3u);
  EXPECT_EQ(budget.met(), base::Budget::Limit::kRows);
  EXPECT_NE(ExplainLimit(budget).find("3 rows"), std::string::npos);
}

TEST_F(QueryTest, WhatWasGroupedBeforeTheMemoryEndedComesOut) {
  for (int i = 0; i < 5000; ++i) Add(i, "line");
  base::Budget budget({.memory_bytes = 1 << 16, .time_ns = 0, .rows = 0});
  auto rows = Run("* | stats count() as n by (rank)", &budget);
  EXPECT_EQ(budget.met(), base::Budget::Limit::kMemory);
  EXPECT_GT(rows.size(), 10u);
  EXPECT_LT(rows.size(), 5000u);
}

TEST_F(QueryTest, SortingIsBoundedByMemoryButNotWhenOnlyTheFirstAreWanted) {
  for (int i = 0; i < 5000; ++i) Add(i, "line", {{"loss", i * 0.5}});
  base::Budget budget({.memory_bytes = 1 << 16, .time_ns = 0, .rows = 0});
  EXPECT_EQ(Run("* | sort loss desc | limit 2 | fields rank", &budget),
            (std::vector<std::string>{"{\"rank\":4999}", "{\"rank\":4998}"}));
  EXPECT_EQ(budget.met(), base::Budget::Limit::kNone);
  Run("* | sort loss desc", &budget);
  EXPECT_EQ(budget.met(), base::Budget::Limit::kMemory);
}

TEST_F(QueryTest, NewestFirstIsTheReverseOfTimeWhereverItIsSorted) {
  for (int i = 0; i < 6; ++i) {
    Add(i, "line");
    source_.records.back().time = 7;
  }
  auto run = [&](const std::string& text) {
    base::Budget budget;
    return Run(text, &budget);
  };
  std::vector<std::string> ranks = run("* | fields timestamp, rank"), reversed(ranks.rbegin(), ranks.rend());
  EXPECT_EQ(run("* | sort timestamp desc | fields timestamp, rank"), reversed);
  EXPECT_EQ(run("* | fields timestamp, rank | sort timestamp desc"), reversed);
  EXPECT_EQ(run("* | fields timestamp, rank | sort timestamp desc | limit 2"),
            std::vector<std::string>(reversed.begin(), reversed.begin() + 2));
  EXPECT_EQ(run("* | sort timestamp desc, msg | fields timestamp, rank"), ranks);  // else stable
}

TEST_F(QueryTest, ACancelledQueryEnds) {
  for (int i = 0; i < 5000; ++i) Add(i, "line");
  base::Budget budget;
  budget.Cancel();
  EXPECT_TRUE(Run("line", &budget).empty());
}

Plan PlanOf(const std::string& text) { return MakePlan(*ParseQuery(text, 0)); }

TEST(Plan, TheSourceDoesWhatItCan) {
  Plan plan = PlanOf("job:j x | sort timestamp desc | limit 7");
  EXPECT_TRUE(plan.scan.newest_first);
  EXPECT_EQ(plan.scan.limit, 7u);
  EXPECT_TRUE(plan.pipes.empty());
  EXPECT_TRUE(plan.scan.fields.empty()) << "records are the answer";
  plan = PlanOf("x | stats count() by (rank) | sort rank desc | limit 3");
  EXPECT_EQ(plan.source, Plan::Source::kTable);
  EXPECT_EQ(plan.pipes.size(), 2u);
  EXPECT_EQ(PlanOf("x | patterns").source, Plan::Source::kPatterns);
  EXPECT_EQ(PlanOf("x | limit 0").source, Plan::Source::kNothing);
}

TEST(Plan, ALimitIsNeverPushedPastWhatItWouldChange) {
  Plan plan = PlanOf("x | limit 5 | sort timestamp desc");
  EXPECT_FALSE(plan.scan.newest_first);
  EXPECT_EQ(plan.pipes.size(), 1u);
  plan = PlanOf("x | limit 5 | stats count()");
  EXPECT_EQ(plan.source, Plan::Source::kRecords);
  EXPECT_EQ(plan.scan.limit, 5u);
  plan = PlanOf("x | first by (rank) | limit 5");
  EXPECT_EQ(plan.scan.limit, 0u);
  plan = PlanOf("x | join metrics(loss) within 5 steps | limit 5");
  EXPECT_EQ(plan.scan.limit, 5u) << "a join makes one row of each";
}

TEST(Plan, OnlyTheFieldsThatAreLookedAtAreRead) {
  EXPECT_EQ(PlanOf("x | first by (rank) | fields loss").scan.fields,
            (std::vector<std::string>{"timestamp", "rank", "loss"}));
}

TEST(Columns, AreThoseThatTheLastFieldsOrStatsNames) {
  auto columns = [](const char* text) { return ColumnsOf(*ParseQuery(text, 0)); };
  using Names = std::vector<std::string>;
  EXPECT_EQ(columns("x | fields _time, nosuch | sort nosuch | limit 3"), (Names{"timestamp", "nosuch"}));
  EXPECT_EQ(columns("x | stats avg(loss), count() as n by (rank, _time:1m)"),
            (Names{"rank", "timestamp", "avg(loss)", "n"}));
  EXPECT_EQ(columns("x | stats count() as n by (rank) | fields n"), Names{"n"});
  EXPECT_EQ(columns("x | join metrics(loss) within 5 steps"), Names());
}

TEST(ParseQuery, BytesThatAreNotUtf8AreRefusedWhereTheyStand) {
  auto query = ParseQuery("显存 host:a\x86*", 0);
  ASSERT_FALSE(query.ok());
  EXPECT_NE(query.status().message().find("column 10"), std::string::npos) << query.status().message();
}

TEST(Plan, AProjectIsWhereToLook) {
  auto query = ParseQuery("project:p x", 0);
  EXPECT_EQ(query->project, "p");
  EXPECT_EQ(ParseQuery("project:p", 0)->project, "p");
  EXPECT_EQ(ParseQuery("x", 0)->project, "default");
}

}  // namespace
}  // namespace rankscope::query
