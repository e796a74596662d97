#include "agent/hook_exits.h"

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

TEST(HookExits, UncaughtExceptionTellsAnUnknownExit) {
  HookExits exits;
  std::vector<model::Record> earlier = {Event(2, "uncaught_exception", {{"exit_code", int64_t{1}}})};
  exits.Resolve(&earlier);
  std::vector<model::Record> records = {Event(2, "rank_exit", {{"exit_source", std::string("unknown")}}),
                                        Event(3, "rank_exit", {{"exit_source", std::string("unknown")}})};
  exits.Resolve(&records);
  EXPECT_EQ(Source(records[0]), "hook");
  EXPECT_EQ(*model::FindField(records[0].fields, "exit_code"), model::FieldValue(int64_t{1}));
  EXPECT_EQ(Source(records[1]), "unknown");
}

TEST(HookExits, WhatTheKernelSaidStands) {
  HookExits exits;
  std::vector<model::Record> records = {Event(2, "uncaught_exception", {{"exit_code", int64_t{1}}}),
                                        Event(2, "rank_exit", {{"exit_source", std::string("pidfd")}})};
  exits.Resolve(&records);
  EXPECT_EQ(Source(records[1]), "pidfd");
  EXPECT_EQ(model::FindField(records[1].fields, "exit_code"), nullptr);
}

}  // namespace
}  // namespace rankscope::agent
