#include "parse/plain_json.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace rankscope::parse {
namespace {

using Members = std::vector<std::pair<std::string, std::string>>;

// The members, in one line after another, each with `behind` to read after it; none of a line that is not plain.
std::vector<Members> Read(const std::vector<std::string>& lines, const std::string& behind = std::string(64, '\0')) {
  JsonKeys keys;
  PlainJson reader(&keys);
  std::vector<Members> all;
  for (const std::string& line : lines) {
    std::string padded = line + behind;
    keys.BeginLine();
    reader.Begin(std::string_view(padded).substr(0, line.size()));
    Members members;
    JsonKey key{};
    std::string_view name;
    JsonValue value;
    while (reader.Next(&key, &name, &value)) members.emplace_back(name, value.text);
    all.push_back(reader.whole() ? members : Members{});
  }
  return all;
}

TEST(PlainJson, ReadsWhatProgramsWrite) {
  const std::string line =
      R"( { "msg" : "a \"b\"\n\\", "rank":7,"loss":-1.5e-3 ,"ok":true,"no":false,"x":null, "é":"é"} )";
  Members wanted = {{"msg", "a \"b\"\n\\"}, {"rank", "7"},   {"loss", "-1.5e-3"},
                    {"ok", "true"},         {"no", "false"}, {"x", "null"}};
  const std::string plain = R"( { "msg" : "a \"b\"\n\\", "rank":7,"loss":-1.5e-3 ,"ok":true,"no":false,"x":null} )"
                            "\r";
  EXPECT_EQ(Read({plain, plain}), (std::vector<Members>{wanted, wanted}));
  EXPECT_EQ(Read({line}), (std::vector<Members>{{}}));  // of a key that is new and not ASCII others must know first
  EXPECT_EQ(Read({R"({"msg":"é漢"})"}), (std::vector<Members>{{{"msg", "é漢"}}}));
}

TEST(PlainJson, TextsOfEverySizeAndEscapesAtEveryPlace) {
  for (size_t size = 0; size < 100; ++size) {
    for (size_t at = 0; at <= size; ++at) {
      std::string written(size, 'a');
      std::string text = written;
      written.insert(at, "\\t");
      text.insert(at, 1, '\t');
      std::string line = R"({"k":")";
      line.append(written).append(R"(","l":")").append(written).append(R"("})");
      EXPECT_EQ(Read({line}), (std::vector<Members>{{{"k", text}, {"l", text}}}));
    }
  }
}

TEST(PlainJson, TextsThatAreMostlyEscapes) {
  const std::vector<std::pair<std::string, std::string>> parts = {
      {"\\\\", "\\"}, {"\\\"", "\""}, {"\\n", "\n"}, {"\\/", "/"}, {"a", "a"}, {"some words ", "some words "}};
  std::mt19937 random(5);
  for (int i = 0; i < 2000; ++i) {
    std::string line = "{\"k\":\"", text;
    for (size_t left = random() % 60; left > 0; --left) {
      const auto& [written, read] = parts[random() % parts.size()];
      line += written;
      text += read;
    }
    line += "\"}";
    for (const std::string& behind : {std::string(64, '\\'), std::string(64, '"'), std::string(64, 'n')}) {
      EXPECT_EQ(Read({line}, behind), (std::vector<Members>{{{"k", text}}})) << line;
      EXPECT_EQ(Read({line.substr(0, line.size() - 2)}, behind), std::vector<Members>{{}}) << line;
    }
  }
}

TEST(PlainJson, LeavesAllElseToOthers) {
  for (const char* line : {"",
                           "{",
                           "}",
                           "[]",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{\"a\":1",
                           "{\"a\":1}}",
                           "{\"a\":1} x",
                           "{,}",
                           "{\"a\":1 \"b\":2}",
                           "{\"a\":[1]}",
                           "{\"a\":{}}",
                           "{\"a\":NaN}",
                           "{\"a\":-Infinity}",
                           "{\"a\":tru}",
                           "{\"a\":truer}",
                           "{\"a\":\"\\u00e9\"}",
                           "{\"a\":\"\\x\"}",
                           "{\"a\":\"\x01\"}",
                           "{\"a\":\"b}",
                           "{\"a\":\"b\\",
                           "{\"a\":\"b\\\"}",
                           "{a:1}",
                           "{\"a\":\"\xff\"}",
                           "{\"a\":\"\xc3\"}"}) {
    EXPECT_EQ(Read({line}), (std::vector<Members>{{}})) << line;
  }
}

// What follows is another's: it may look like the rest of the line.
TEST(PlainJson, NeverTakesWhatLiesBehindTheLine) {
  const std::string whole = R"({"key":"text","number":12,"truth":true,"none":null,"escaped":"a\tb"})";
  const std::string behind = std::string(whole).substr(0) + std::string(64, '"');
  ASSERT_EQ(Read({whole}, behind)[0].size(), 5u);
  for (size_t size = 0; size < whole.size(); ++size) {
    // With keys that are known from the line before.
    EXPECT_EQ(Read({whole, whole.substr(0, size)}, whole.substr(size) + std::string(64, '}'))[1], Members()) << size;
  }
}

TEST(PlainJson, TellsKeysOfEverySizeApartThatOtherLinesHadAtTheirPlace) {
  for (size_t size = 1; size < 70; ++size) {
    const std::string name(size, 'k');
    const std::vector<std::string> names = {name, name + "k", name.substr(1) + "l", name, name.substr(1), name + "k"};
    std::vector<std::string> lines;
    std::vector<Members> wanted;
    for (const std::string& key : names) {
      lines.push_back("{\"" + key + "\":7,\"x\":1}");
      wanted.push_back({{key, "7"}, {"x", "1"}});
    }
    EXPECT_EQ(Read(lines), wanted);
  }
}

TEST(PlainJson, AKeyWithARawControlCharacterIsNone) {
  EXPECT_EQ(Read({R"({"a\tb":1})", "{\"a\tb\":1}"}), (std::vector<Members>{{{"a\tb", "1"}}, {}}));
}

}  // namespace
}  // namespace rankscope::parse
