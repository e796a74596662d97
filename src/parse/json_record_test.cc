#include "parse/json_record.h"

#include <gtest/gtest.h>

#include <cmath>

#include "model/record_json.h"

namespace rankscope::parse {
namespace {

struct Outcome {
  base::Status status;
  std::vector<model::Record> records;
};

Outcome ReadBy(JsonRecordReader* reader, const std::vector<std::string>& lines) {
  model::RecordBatchBuilder builder;
  Outcome outcome;
  for (const std::string& line : lines) {
    std::string padded = line + std::string(JsonRecordReader::kPadding, '\0');
    outcome.status = reader->Read(std::string_view(padded).substr(0, line.size()), 99, 0, &builder);
    if (!outcome.status.ok()) return outcome;
  }
  outcome.records = (*model::RecordBatch::Decode(builder.Take()))->ToRecords();
  return outcome;
}

Outcome Read(const std::vector<std::string>& lines) {
  JsonRecordReader reader("default", "j");
  return ReadBy(&reader, lines);
}

TEST(JsonRecord, KnownKeysAreMembersAndTheRestFields) {
  auto [status, records] = Read({R"({"timestamp":"2026-11-01T00:20:00.123Z","job_id":"j","attempt":2,"node_rank":1,)"
                                 R"("rank":9,"local_rank":1,"host":"n\u00e9","stream":"metric","seq":7,"step":41,)"
                                 R"("level":"WARN","msg":"a \"b\"\n","loss":2.1500,"tokens":4611686018427387904,)"
                                 R"("ok":true,"none":null,"shape":[1, 2],"big":1e300})"});
  ASSERT_TRUE(status.ok()) << status.message();
  const model::Record& record = records.at(0);
  EXPECT_EQ(model::FormatTime(record.time), "2026-11-01T00:20:00.123000000Z");
  EXPECT_EQ(record.origin, (model::Origin{"default", "j", 2, 1, 9, 1, "né"}));
  EXPECT_EQ(record.stream, model::Stream::kMetric);
  EXPECT_EQ(record.seq, 7u);
  EXPECT_EQ(record.step, 41);
  EXPECT_EQ(record.level, "warning");
  EXPECT_EQ(record.text, "a \"b\"\n");
  EXPECT_EQ(record.fields,
            (model::Fields{
                {"loss", 2.15}, {"tokens", int64_t{1} << 62}, {"ok", "true"}, {"shape", "[1, 2]"}, {"big", 1e300}}));
}

TEST(JsonRecord, TheLastOfAKeyCountsWhateverLinesCameBefore) {
  std::string many;  // more fields, the same in each line
  for (int i = 0; i < 12; ++i) many += "\"k" + std::to_string(i) + "\":1,";
  for (const std::string& head : {std::string("{"), "{" + many}) {
    auto [status, records] = Read({head + R"("x":1,"y":2})", head + R"("y":3})",
                                   // Each key is where it was in a line before, and never twice in one.
                                   head + R"("y":4,"y":5})", head + R"("y":6,"y":7})",
                                   // Read a second time, for the bytes that are not UTF-8.
                                   head + "\"z\":1,\"z\":\"\xff\"}"});
    ASSERT_TRUE(status.ok()) << status.message();
    for (size_t line : {size_t{2}, size_t{3}}) {
      EXPECT_EQ(records.at(line).fields.back(), (model::Fields::value_type{"y", int64_t{line == 2 ? 5 : 7}}));
      EXPECT_EQ(records.at(line).fields.size(), records.at(1).fields.size());
    }
    EXPECT_EQ(records.at(4).fields.back(), (model::Fields::value_type{"z", "\xef\xbf\xbd"}));
    EXPECT_EQ(records.at(4).fields.size(), records.at(1).fields.size());
  }
}

TEST(JsonRecord, AKeyThatEndsInABackslashIsNotTheBeginningOfAnother) {
  auto [status, records] = Read({R"({"a\\":1})", R"({"a\"b":2})"});
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(records.at(0).fields, (model::Fields{{"a\\", int64_t{1}}}));
  EXPECT_EQ(records.at(1).fields, (model::Fields{{"a\"b", int64_t{2}}}));
}

TEST(JsonRecord, ANameThatHoldsQuotesIsNotTakenForTheKeysOfALaterLine) {
  auto [status, records] = Read({R"({"a\":1,\"b":5})", R"({"a":1,"b":2})"});
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(records.at(0).fields, (model::Fields{{"a\":1,\"b", int64_t{5}}}));
  EXPECT_EQ(records.at(1).fields, (model::Fields{{"a", int64_t{1}}, {"b", int64_t{2}}}));
}

TEST(JsonRecord, NamesAreTakenHoweverManyCameBefore) {
  std::vector<std::string> lines;
  lines.reserve(3000);
  for (int i = 0; i < 3000; ++i) lines.push_back("{\"" + std::string(500, 'x') + std::to_string(i) + "\":1,\"y\":2}");
  auto [status, records] = Read(lines);
  ASSERT_TRUE(status.ok()) << status.message();
  for (int i = 0; i < 3000; ++i) {
    EXPECT_EQ(records.at(static_cast<size_t>(i)).fields,
              (model::Fields{{std::string(500, 'x') + std::to_string(i), int64_t{1}}, {"y", int64_t{2}}}));
  }
}

TEST(JsonRecord, ARankWithoutAJobIsRefused) {
  JsonRecordReader reader("default", "");
  EXPECT_EQ(ReadBy(&reader, {R"({"switch":"leaf-2","port":3})"}).records.at(0).origin.job, "");
  EXPECT_EQ(ReadBy(&reader, {R"({"rank":7,"msg":"x"})"}).status.message(),
            R"(rank "7": the request names no job_id, and what belongs to no job has no rank)");
  EXPECT_EQ(ReadBy(&reader, {R"({"job_id":"j","msg":"x"})"}).status.message(),
            R"(job_id "j": the request names no job_id)");
}

TEST(JsonRecord, WithoutARequestEachRecordSaysItsJob) {
  JsonRecordReader reader("file");
  auto [status, records] = ReadBy(&reader, {R"({"job_id":"a","project":"p","msg":"x"})", R"({"msg":"y"})"});
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(records.at(0).origin.job, "a");
  EXPECT_EQ(records.at(0).origin.project, "p");
  EXPECT_EQ(records.at(1).origin.job, "file");
  EXPECT_EQ(records.at(1).origin.project, "default");
}

TEST(JsonRecord, OtherNamesOfTimeAndText) {
  for (std::string key : {"@timestamp", "_time", "time", "ts"}) {
    for (std::string value : {"1793491200", "1793491200000", "1793491200000000", "1793491200000000000", "1793491200.0",
                              "\"2026-11-01T01:00:00+01:00\"", "\"2026-11-01 00:00:00\""}) {
      auto [status, records] =
          Read({std::string("{\"").append(key).append("\":").append(value).append(",\"_msg\":\"x\"}")});
      ASSERT_TRUE(status.ok()) << status.message();
      EXPECT_EQ(records.at(0).time, 1793491200000000000) << key << value;
      EXPECT_EQ(records.at(0).text, "x");
    }
  }
}

TEST(JsonRecord, OwnNamesWinAndOthersBesideThemStayFields) {
  // As mmengine writes, in either order.
  for (const char* line :
       {R"({"timestamp":"2026-11-01T00:00:00Z","step":5,"loss":2.5,"time":0.53,"data_time":0.01})",
        R"({"time":0.53,"data_time":0.01,"step":5,"loss":2.5,"timestamp":"2026-11-01T00:00:00Z"})"}) {
    auto [status, records] = Read({line});
    ASSERT_TRUE(status.ok()) << status.message();
    EXPECT_EQ(model::FormatTime(records.at(0).time), "2026-11-01T00:00:00.000000000Z");
    EXPECT_EQ(records[0].fields.size(), 3u);
    EXPECT_EQ(*model::FindField(records[0].fields, "time"), model::FieldValue(0.53));
  }
  auto [status, records] =
      Read({R"({"timestamp":"2026-11-01T00:00:00Z","time":"12:33"})",
            R"({"log":"x","msg":"real message","text":"a sample text"})",
            R"({"log":"raw","message":"of two the one","_msg":7})", R"({"text":12.50})",
            R"({"message":null,"text":"a","text":"b"})", R"({"job_id":"j","job":"worker"})", R"({"job":"j"})"});
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(records.at(0).fields, (model::Fields{{"time", "12:33"}}));
  EXPECT_EQ(records.at(1).text, "real message");
  EXPECT_EQ(records.at(1).fields, (model::Fields{{"log", "x"}, {"text", "a sample text"}}));
  EXPECT_EQ(records.at(2).text, "of two the one");
  EXPECT_EQ(records.at(2).fields, (model::Fields{{"log", "raw"}, {"_msg", int64_t{7}}}));
  EXPECT_EQ(records.at(3).text, "12.50");
  EXPECT_EQ(records.at(4).text, "b");
  EXPECT_TRUE(records.at(4).fields.empty());
  EXPECT_EQ(records.at(5).fields, (model::Fields{{"job", "worker"}}));
  EXPECT_TRUE(records.at(6).fields.empty());
  EXPECT_EQ(Read({R"({"job":"k"})"}).status.message(), R"(job "k": the request is for job_id "j")");
}

TEST(JsonRecord, ADurationThatIsCalledTimeIsNoTime) {
  auto [status, records] = Read({R"({"time":0.53,"loss":2})", R"({"time":12,"ts":1793491200})"});
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(records.at(0).time, 99);  // that of arrival
  EXPECT_EQ(records.at(0).fields, (model::Fields{{"time", 0.53}, {"loss", int64_t{2}}}));
  EXPECT_EQ(records.at(1).time, 1793491200000000000);
  EXPECT_EQ(records.at(1).fields, (model::Fields{{"time", int64_t{12}}}));
}

TEST(JsonRecord, ANumberInQuotesIsATimeLikeAnother) {
  auto [status, records] = Read({R"({"ts":"1793491200.5"})", R"({"timestamp":"1793491200"})", R"({"time":"0.53"})"});
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(records.at(0).time, 1793491200500000000);
  EXPECT_EQ(records.at(1).time, 1793491200000000000);
  EXPECT_EQ(records.at(2).time, 99);  // that of arrival
  EXPECT_EQ(records.at(2).fields, (model::Fields{{"time", "0.53"}}));
}

TEST(JsonRecord, IntegersThatAreWrittenAsDoublesAreIntegers) {
  auto [status, records] = Read({R"({"step":5.0,"rank":"7.0","local_rank":-1.0,"seq":1e3})"});
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(records.at(0).step, 5);
  EXPECT_EQ(records[0].origin.rank, 7);
  EXPECT_EQ(records[0].origin.local_rank, -1);
  EXPECT_EQ(records[0].seq, 1000u);
  for (const char* line : {R"({"step":5.5})", R"({"rank":1e10})", R"({"step":1e300})", R"({"seq":-1.0})",
                           R"({"step":"x"})", R"({"step":NaN})", R"({"step":""})"}) {
    EXPECT_NE(Read({line}).status.message().find("no integer of that size"), std::string::npos) << line;
  }
}

TEST(JsonRecord, NumbersKeepTheirDigitsAndSigns) {
  auto [status, records] =
      Read({R"({"seed":18446744073709551615,"low":-9223372036854775809,"most":9223372036854775807,)"
            R"("zero":-0.0,"large":1e400})"});
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(records.at(0).fields, (model::Fields{{"seed", "18446744073709551615"},
                                                 {"low", "-9223372036854775809"},
                                                 {"most", INT64_MAX},
                                                 {"zero", -0.0},
                                                 {"large", INFINITY}}));
  EXPECT_TRUE(std::signbit(std::get<double>(records[0].fields[3].second)));
}

TEST(JsonRecord, HalvesOfSurrogatePairsAreReplaced) {
  auto [status, records] =
      Read({R"({"msg":"bad \udcff byte","a":"\ud83d\ude00","b":"\ud83d","c":"\\udcff","\ud800":"\n\u00e9"})"});
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(records.at(0).text, "bad \xef\xbf\xbd byte");
  EXPECT_EQ(
      records[0].fields,
      (model::Fields{{"a", "\xf0\x9f\x98\x80"}, {"b", "\xef\xbf\xbd"}, {"c", "\\udcff"}, {"\xef\xbf\xbd", "\né"}}));
}

TEST(JsonRecord, WithoutATimeItIsThatOfArrival) { EXPECT_EQ(Read({R"({"msg":"x"})"}).records.at(0).time, 99); }

TEST(JsonRecord, BareAndQuotedNonFiniteNumbers) {
  auto [status, records] = Read({R"({"a":NaN,"b":-Infinity,"c":"Infinity","d":"NaN ","msg":"is NaN"})"});
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_TRUE(std::isnan(std::get<double>(records.at(0).fields[0].second)));
  EXPECT_EQ(records[0].fields[1].second, model::FieldValue(-INFINITY));
  EXPECT_EQ(records[0].fields[2].second, model::FieldValue(INFINITY));
  EXPECT_EQ(records[0].fields[3].second, model::FieldValue("NaN "));
  EXPECT_EQ(records[0].text, "is NaN");
}

TEST(JsonRecord, AByteOrderMarkIsNoneOfTheLine) {
  auto read = Read({"\xEF\xBB\xBF{\"msg\":\"first\"}", "\xEF\xBB\xBF", "\xEF\xBB\xBF{\"msg\":\"of another file\"}"});
  ASSERT_EQ(read.records.size(), 2u);
  EXPECT_EQ(read.records[0].text, "first");
  EXPECT_EQ(read.records[1].text, "of another file");
}

TEST(JsonRecord, BytesThatAreNotUtf8AreReplaced) {
  auto [status, records] = Read({"{\"msg\":\"a\xff\xc3\x28 \xe4\xb8\xad\"}"});
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(records.at(0).text, "a\xef\xbf\xbd\xef\xbf\xbd( 中");
}

TEST(JsonRecord, TheLastOfEqualKeysCounts) {
  auto [status, records] = Read({R"({"loss":1,"x":2,"loss":3})", R"({"loss":1,"x":2,"loss":3})"});
  ASSERT_TRUE(status.ok());
  for (const auto& record : records) {
    EXPECT_EQ(record.fields, (model::Fields{{"x", int64_t{2}}, {"loss", int64_t{3}}}));
  }
}

TEST(JsonRecord, KeysThatVaryFromLineToLine) {
  auto [status, records] = Read({R"({"a":1,"b":2})", R"({"b":3})", R"({"rank":1,"a":4,"b":5,"c":6})", R"({})"});
  ASSERT_TRUE(status.ok());
  EXPECT_EQ(records[1].fields, (model::Fields{{"b", int64_t{3}}}));
  EXPECT_EQ(records[2].fields, (model::Fields{{"a", int64_t{4}}, {"b", int64_t{5}}, {"c", int64_t{6}}}));
  EXPECT_EQ(records[2].origin.rank, 1);
  EXPECT_TRUE(records[3].fields.empty());
}

TEST(JsonRecord, WhatIsWrongIsSaid) {
  auto message = [](const std::string& line) { return Read({line}).status.message(); };
  EXPECT_EQ(message(R"({"job_id":"k"})"), "job_id \"k\": the request is for job_id \"j\"");
  EXPECT_EQ(message(R"({"project":"p"})"), "project \"p\": the request is for project \"default\"");
  EXPECT_EQ(message(R"({"rank":1.5})"), "rank \"1.5\": no integer of that size");
  EXPECT_EQ(message(R"({"stream":"tty"})").substr(0, 14), "stream \"tty\": ");
  EXPECT_EQ(message(R"({"ts":"yesterday"})").substr(0, 24), "ts \"yesterday\": no time:");
  for (const char* line :
       {"[1]", "{", R"({"a":)", R"({"a":1} x)", R"({"a" 1})", "nonsense", R"({"a":01})", R"({"a":tru})", R"({"a":"b)",
        R"({"a":1-2})", R"({"a":{"b":1)", R"({"msg":+})", R"({"msg":e})", R"({"msg":.})", R"({"msg":--1})",
        R"({"host":1.2.3,"msg":"x"})", R"({"level":+5,"msg":"x"})", R"({"msg":01})"}) {
    EXPECT_NE(message(line).find("no JSON object"), std::string::npos) << line << ": " << message(line);
  }
}

}  // namespace
}  // namespace rankscope::parse
