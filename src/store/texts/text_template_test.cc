#include "store/texts/text_template.h"

#include <gtest/gtest.h>

#include <random>

namespace rankscope::store {
namespace {

std::string Template(const std::string& text) {
  std::string form;
  std::vector<Variable> variables;
  EXPECT_TRUE(SplitText(text, &form, &variables)) << text;
  std::string joined;
  JoinText(form, variables.data(), &joined);
  EXPECT_EQ(joined, text);
  return ReadableTemplate(form);
}

TEST(TextTemplate, TakesTheVariablesOutOfLinesOfTrainers) {
  EXPECT_EQ(Template("loss: 2.1534 lr 1.25e-05 step 0041"), "loss: <float> lr <float> step <int>");
  EXPECT_EQ(Template("node012:20003:21 [3] NCCL INFO comm 0x7f3a00ff rank 3"),
            "node<int>:<int>:<int> [<int>] NCCL INFO comm 0x<hex> rank <int>");
  EXPECT_EQ(Template("request 7d1c9e52-4b0a-4f7e-9c3d-5ee1ab1e5eed done"), "request <uuid> done");
  EXPECT_EQ(Template("/out/v3-20261101/zero_pp_rank_7_mp_rank_02_optim.pt"),
            "/out/v<int>-<int>/zero_pp_rank_<int>_mp_rank_<int>_optim.pt");
  EXPECT_EQ(Template("from 10.2.255.7:29500, 5.25GiB, v1.2.3"),
            "from <int>.<int>.<int>.<int>:<int>, <float>GiB, v<int>.<int>.<int>");
  EXPECT_EQ(Template("token xK9f2QzPw81LmA"), "token <*>");
  EXPECT_EQ(Template("etag 00ff12ab34 DEAD01"), "etag <hex> <hex>");
}

TEST(TextTemplate, GivesBackTheVeryBytes) {
  for (const char* text : {"",
                           "0",
                           "00",
                           "007",
                           "0.0",
                           "00.5",
                           "0.50",
                           "1.",
                           ".5",
                           "1..2",
                           "-1.5e+10",
                           "1.0e-00",
                           "1.0e+00",
                           "1.0e5",
                           "1.0E-05",
                           "1.5e-123",
                           "1.5e-1x",
                           "123456789012345678",
                           "1234567890123456789",
                           "0.123456789012345678",
                           "12345678.12345678901",
                           "0x",
                           "0x0",
                           "0xFF",
                           "0xfF",
                           "1_000_000",
                           "_1_",
                           "a1b2",
                           "A1",
                           "e12",
                           "1e5",
                           "7d1c9e52-4b0a-4f7e-9c3d-5ee1ab1e5eedx",
                           "7d1c9e52-4b0a-4f7e-9c3d",
                           "第3步 损失2.5",
                           "é1é",
                           "1.2.3.4.5",
                           "5.2.",
                           "5.2.x",
                           "5.2GiB3",
                           "\x1b[31mred\x1b[0m",
                           "12345678-1234-1234-1234-123456789012"}) {
    Template(text);
  }
}

TEST(TextTemplate, GivesBackTheVeryBytesOfRandomTexts) {
  std::mt19937 random(7);
  constexpr std::string_view kAlphabet = "0123456789..ee-+_xabfFG z:\x80";
  for (int i = 0; i < 200000; ++i) {
    std::string text;
    for (size_t size = random() % 40; size > 0; --size) text.push_back(kAlphabet[random() % kAlphabet.size()]);
    std::string form, joined;
    std::vector<Variable> variables;
    if (!SplitText(text, &form, &variables)) continue;
    JoinText(form, variables.data(), &joined);
    ASSERT_EQ(joined, text);
  }
}

TEST(TextTemplate, TakesWordsOfAllLengthsApartAlike) {
  for (size_t size = 1; size < 100; ++size) {
    std::string zs(size, 'z'), as(size, 'a');
    EXPECT_EQ(Template(zs + "7"), zs + "<int>");
    EXPECT_EQ(Template("7" + zs + " x"), "<int>" + zs + " x");
    EXPECT_EQ(Template(zs + "70" + zs), zs + "<int>" + zs);
    EXPECT_EQ(Template(zs + "7" + zs + "7"), "<*>");
    EXPECT_EQ(Template(zs + "7" + zs + "_7 z"), zs + "<int>" + zs + "_<int> z");
    EXPECT_EQ(Template(as + "7"), "<hex>");
    EXPECT_EQ(Template("7B" + std::string(size, 'F') + "7."), "<hex>.");
    EXPECT_EQ(Template(as + "7F"), size + 2 < 12 ? as + "<int>F" : "<*>");
    EXPECT_EQ(Template("Z" + as + "7"), "Z" + as + "<int>") << "a capital at the beginning";
    EXPECT_EQ(Template(as + "é7"), as + "é<int>");
  }
}

// Texts are looked at 64 bytes at a time.
TEST(TextTemplate, TakesVariablesOutWhereverTheyStand) {
  for (size_t before = 0; before < 200; ++before) {
    std::string blanks(before, ' ');
    EXPECT_EQ(Template(blanks + "rank_12 lost 0.25, 1.5e-05 5.2GiB 0x0ff 7d1c9e52-4b0a-4f7e-9c3d-5ee1ab1e5eed"),
              blanks + "rank_<int> lost <float>, <float> <float>GiB 0x<hex> <uuid>");
    EXPECT_EQ(Template(blanks + "xK9f2QzPw81LmA"), blanks + "<*>");
    EXPECT_EQ(Template("7" + blanks), "<int>" + blanks);
    std::string form;
    std::vector<Variable> variables;
    EXPECT_FALSE(SplitText("7" + blanks + "\x16", &form, &variables));
  }
  std::string longest = std::string(kMaxSplitBytes - 1, 'x') + "7";
  EXPECT_EQ(Template(longest), std::string(kMaxSplitBytes - 1, 'x') + "<int>");
}

TEST(TextTemplate, LeavesAloneWhatHoldsMarkersOrIsLong) {
  std::string form;
  std::vector<Variable> variables;
  EXPECT_FALSE(SplitText("a\x12z 1", &form, &variables));
  EXPECT_FALSE(SplitText(std::string(5000, 'x'), &form, &variables));
  std::string many;
  for (int i = 0; i < 60; ++i) many += "1 ";
  EXPECT_FALSE(SplitText(many, &form, &variables));
  EXPECT_TRUE(variables.empty());
}

}  // namespace
}  // namespace rankscope::store
