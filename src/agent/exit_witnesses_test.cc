#include "agent/exit_witnesses.h"

#include <gtest/gtest.h>

#include <string>

namespace rankscope::agent {
namespace {

model::Record Event(int32_t rank, const std::string& name, model::Fields fields) {
  model::Record record;
  record.origin.rank = rank;
  record.stream = model::Stream::kEvent;
  record.fields = std::move(fields);
  record.fields.emplace_back("event", name);
  return record;
}

std::string Source(const model::Record& record) {
  return std::get<std::string>(*model::FindField(record.fields, "exit_source"));
}

TEST(ExitWitnesses, UncaughtExceptionTellsAnUnknownExit) {
  ExitWitnesses exits;
  std::vector<model::Record> earlier = {Event(2, "uncaught_exception", {{"exit_code", int64_t{1}}})};
  exits.Resolve(&earlier);
  std::vector<model::Record> records = {Event(2, "rank_exit", {{"exit_source", std::string("unknown")}}),
                                        Event(3, "rank_exit", {{"exit_source", std::string("unknown")}})};
  exits.Resolve(&records);
  EXPECT_EQ(Source(records[0]), "hook");
  EXPECT_EQ(*model::FindField(records[0].fields, "exit_code"), model::FieldValue(int64_t{1}));
  EXPECT_EQ(Source(records[1]), "unknown");
}

TEST(ExitWitnesses, WhatTheKernelSaidStands) {
  ExitWitnesses exits;
  std::vector<model::Record> records = {Event(2, "uncaught_exception", {{"exit_code", int64_t{1}}}),
                                        Event(2, "rank_exit", {{"exit_source", std::string("pidfd")}})};
  exits.Resolve(&records);
  EXPECT_EQ(Source(records[1]), "pidfd");
  EXPECT_EQ(model::FindField(records[1].fields, "exit_code"), nullptr);
}

TEST(ExitWitnesses, LauncherTellsTheSignalLaterAndTheExitGoesOutOnceMore) {
  ExitWitnesses exits;
  std::vector<model::Record> records = {
      Event(2, "rank_exit", {{"exit_source", std::string("unknown")}, {"pid", int64_t{4711}}})};
  exits.Resolve(&records);
  EXPECT_EQ(Source(records.front()), "unknown");

  model::Record line;
  line.stream = model::Stream::kStderr;
  line.text =
      "ERROR:torch.distributed.elastic.multiprocessing.api:failed (exitcode: -9) local_rank: 2 (pid: 4711) of binary: "
      "py";
  std::vector<model::Record> later = {line};
  exits.Resolve(&later);
  ASSERT_EQ(later.size(), 2u);
  EXPECT_EQ(Source(later[1]), "torchelastic");
  EXPECT_EQ(*model::FindField(later[1].fields, "signal"), model::FieldValue(std::string("SIGKILL")));
  EXPECT_EQ(later[1].text, "rank 2 ended: SIGKILL");

  std::vector<model::Record> again = {line};
  exits.Resolve(&again);
  EXPECT_EQ(again.size(), 1u);
}

TEST(ExitWitnesses, OtherLinesTellNothing) {
  EXPECT_FALSE(ReadTorchelasticLine("failed (exitcode: -9) local_rank: 2 (pid: ) of binary"));
  EXPECT_FALSE(ReadTorchelasticLine("process failed (exitcode: 1) (pid: 3)"));
  EXPECT_EQ(ReadTorchelasticLine("E1125 api.py:882] failed (exitcode: 1) local_rank: 0 (pid: 77) of binary: x")->pid,
            77);
}

}  // namespace
}  // namespace rankscope::agent
