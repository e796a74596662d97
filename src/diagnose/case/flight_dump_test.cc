#include "diagnose/case/flight_dump.h"

#include <gtest/gtest.h>

#include <initializer_list>

#include "diagnose/case/plain_tree.h"

namespace rankscope::diagnose {
namespace {

using namespace std::string_literals;

// Values as Python's pickle writes them in protocol 2.
std::string Text(const std::string& text) {
  std::string size(4, '\0');
  size[0] = static_cast<char>(text.size());
  return "X" + size + text;
}
std::string Small(int number) { return "K"s + static_cast<char>(number); }
std::string Joined(std::initializer_list<std::string> parts) {
  std::string all;
  for (const std::string& part : parts) all += part;
  return all;
}
std::string Dict(std::initializer_list<std::string> parts) { return "}(" + Joined(parts) + "u"; }
std::string List(std::initializer_list<std::string> parts) { return "](" + Joined(parts) + "e"; }
std::string Pickle(const std::string& value) { return "\x80\x02" + value + "."; }

const std::string kMinusOne = "J\xff\xff\xff\xff";
const std::string kTime =
    "\x8a\x08"
    "\x01\x00\xca\x7b\xbe\xc2\xe3\x18"s;  // 1793491200000000001
const std::string kNone = "N";

std::string Frame(const std::string& function, const std::string& file, uint8_t line) {
  return Dict({Text("name"), Text(function), Text("filename"), Text(file), Text("line"), Small(line)});
}

std::string Entry(int seq, const std::string& state) {
  return Dict({Text("record_id"),
               Small(1),
               Text("pg_id"),
               Small(0),
               Text("process_group"),
               Text("0") + Text("default_pg") + "\x86",
               Text("collective_seq_id"),
               Small(seq),
               Text("op_id"),
               Small(9),
               Text("profiling_name"),
               Text("nccl:all_reduce"),
               Text("time_created_ns"),
               kTime,
               Text("input_sizes"),
               List({List({Small(3), Small(4)}), "]"}),
               Text("input_dtypes"),
               List({Text("Float"), Text("Int")}),
               Text("state"),
               Text(state),
               Text("time_discovered_started_ns"),
               kNone,
               Text("retired"),
               "\x89",
               Text("timeout_ms"),
               "J\xc0\x27\x09\x00"s,
               Text("is_p2p"),
               "\x89",
               Text("frames"),
               List({Frame("all_reduce", "/x/torch/distributed/distributed_c10d.py", 71),
                     Frame("step", "/x/train.py", 88), Frame("main", "/x/train.py", 99)})});
}

std::string Dump(const std::string& entries) {
  std::string config =
      Dict({Text("0"),
            Dict({Text("name"), Text("0"), Text("desc"), Text("default_pg"), Text("ranks"), Text("[0, 1, 12]")})});
  std::string status =
      Dict({Text("0"), Dict({Text("last_enqueued_collective"), Small(8), Text("last_started_collective"), kMinusOne,
                             Text("last_completed_collective"), Small(7)})});
  return Pickle(Dict(
      {Text("version"), Text("2.9"), Text("pg_config"), config, Text("pg_status"), status, Text("entries"), entries}));
}

TEST(FlightDump, APickledDumpIsRead) {
  auto dump = ParseFlightDump(Dump(List({Entry(7, "completed"), Entry(8, "scheduled")})));
  ASSERT_TRUE(dump.ok()) << dump.status().message();
  EXPECT_EQ(dump->version, "2.9");
  ASSERT_EQ(dump->groups.size(), 1u);
  EXPECT_EQ(dump->groups[0].description, "default_pg");
  EXPECT_EQ(dump->groups[0].ranks, (std::vector<int32_t>{0, 1, 12}));
  EXPECT_EQ(dump->groups[0].last_enqueued, 8);
  EXPECT_EQ(dump->groups[0].last_started, -1);
  EXPECT_EQ(dump->groups[0].last_completed, 7);
  ASSERT_EQ(dump->entries.size(), 2u);
  const FlightEntry& entry = dump->entries[1];
  EXPECT_EQ(entry.collective_seq, 8);
  EXPECT_EQ(entry.operation, "nccl:all_reduce");
  EXPECT_EQ(entry.input_sizes, (std::vector<std::vector<int64_t>>{{3, 4}, {}}));
  EXPECT_EQ(entry.input_dtypes, (std::vector<std::string>{"Float", "Int"}));
  EXPECT_EQ(entry.state, FlightEntry::State::kScheduled);
  EXPECT_EQ(entry.created, 1'793'491'200'000'000'001);
  EXPECT_FALSE(entry.started);
  EXPECT_EQ(entry.timeout_ms, 600'000);
  EXPECT_EQ(entry.where, "/x/train.py:88 step");
}

TEST(FlightDump, WithoutEntriesTheStatusStillBelongsToItsGroup) {
  auto dump = ParseFlightDump(Dump("]"));
  ASSERT_TRUE(dump.ok());
  EXPECT_TRUE(dump->entries.empty());
  EXPECT_EQ(dump->groups[0].last_completed, 7);
}

TEST(FlightDump, TheJsonFormIsTheSame) {
  auto dump = ParseFlightDump(R"({"version":"2.5","pg_config":{"0":{"name":"0","desc":"default_pg","ranks":"[0, 1]"}},
    "pg_status":{"0":{"last_enqueued_collective":"5","last_started_collective":"-1","last_completed_collective":"4"}},
    "entries":[{"pg_id":0,"process_group":["0","default_pg"],"collective_seq_id":5,"profiling_name":"nccl:broadcast",
      "state":"started","time_created_ns":1793491200000000000,"time_discovered_started_ns":0,"is_p2p":true}]})");
  ASSERT_TRUE(dump.ok()) << dump.status().message();
  EXPECT_EQ(dump->groups[0].last_enqueued, 5);
  EXPECT_EQ(dump->entries[0].state, FlightEntry::State::kStarted);
  EXPECT_FALSE(dump->entries[0].started) << "0 stands for none";
  EXPECT_TRUE(dump->entries[0].is_p2p);
}

TEST(FlightDump, APickleThatMakesObjectsIsRefusedAndNeverRun) {
  auto dump = ParseFlightDump(
      "\x80\x02"
      "c__builtin__\nprint\nq\x00X\x01\x00\x00\x00xq\x01\x85q\x02Rq\x03."s);
  EXPECT_EQ(dump.status().code(), base::Code::kInvalid);
  EXPECT_EQ(dump.status().message(), "pickle: opcode 99, which no plain value needs, at byte 2");
}

TEST(FlightDump, WhatIsCutOffOrNoDumpIsRefused) {
  std::string whole = Dump(List({Entry(7, "completed")}));
  for (size_t size = 1; size < whole.size(); ++size) {
    EXPECT_FALSE(ParseFlightDump(std::string_view(whole).substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(ParseFlightDump("{}").ok());
  EXPECT_FALSE(ParseFlightDump("{\"entries\": [").ok());
  EXPECT_FALSE(ParseFlightDump("").ok());
  EXPECT_FALSE(ParseFlightDump(Pickle("K\x01")).ok());
}

// A list of 200 times the list before it, so often: 200^depth entries of some hundred bytes.
std::string Bomb(int depth) {
  std::string bytes = "]q\x01(" + Joined({Small(1), Small(2)}) + "e";
  for (int i = 1; i < depth; ++i) {
    bytes += "]q" + std::string(1, static_cast<char>(i + 1)) + "(";
    for (int part = 0; part < 200; ++part) bytes += "h" + std::string(1, static_cast<char>(i));
    bytes += "e";
  }
  return Pickle(Dict({Text("entries"), "](" + bytes + "e"}));
}

TEST(FlightDump, ValuesThatArePartsOfEachOtherAgainAndAgainAreRefused) {
  EXPECT_TRUE(ParseFlightDump(Bomb(2)).ok());
  EXPECT_EQ(ParseFlightDump(Bomb(20)).status().code(), base::Code::kInvalid);
  EXPECT_FALSE(ParseFlightDump(Pickle(Dict({Text("entries"),
                                            "]q\x01h\x01"
                                            "a"s})))
                   .ok());
}

TEST(FlightDump, AFrameOfManyEntriesIsNoBomb) {
  std::string entries = "](" + Dict({Text("frames"), "](" + Frame("step", "/x/train.py", 88) + "q\x01" + "e"});
  for (int i = 0; i < 500; ++i)
    entries += Dict({Text("frames"),
                     "](h\x01"
                     "e"s});
  auto dump = ParseFlightDump(Dump(entries + "e"));
  ASSERT_TRUE(dump.ok()) << dump.status().message();
  EXPECT_EQ(dump->entries.at(500).where, "/x/train.py:88 step");
}

TEST(FlightDump, AListInItselfEnds) {
  auto tree =
      ReadPickle(Pickle("]q\x01h\x01"
                        "a"s));
  ASSERT_TRUE(tree.ok());
  EXPECT_EQ(&tree->at(tree->root().items[0]), &tree->root());
  EXPECT_FALSE(ReadPickle(Pickle("h\x07")).ok());
  EXPECT_FALSE(ReadPickle(Pickle("t")).ok());
  EXPECT_FALSE(ReadPickle(Pickle("K\x01K\x02")).ok());
}

}  // namespace
}  // namespace rankscope::diagnose
