#include "diagnose/verdict/verdict_page.h"

#include "diagnose/testing/judged_files.h"
#include "model/shown.h"

namespace rankscope::diagnose {
namespace {

TEST(VerdictPage, NothingThatALogOrAFilesNameSaysSteersATerminal) {
  Verdict verdict;
  verdict.failure = "data_error";
  verdict.summary = "node \x1b[2Jn1";
  verdict.evidence = {
      {"bad \x1b[31m row \u009b5m \x9b"
       "5m",
       "root", std::nullopt, 0, "logs/\x1b]0;x\x07.log", 3}};
  for (const std::string& page : {ToText(verdict, false), ToHtml(verdict)}) {
    EXPECT_EQ(page.find_first_of("\x1b\x07"), std::string::npos) << page;
    EXPECT_EQ(page.find("\u009b"), std::string::npos) << page;
    EXPECT_NE(page.find("\ufffd"
                        "5m"),
              std::string::npos)
        << page;
  }
}

TEST(VerdictPage, WhatIsLongIsCutBetweenCharacters) {
  std::string long_word;
  for (int i = 0; i < 400; ++i) long_word += "\u6570";
  const Verdict verdict = JudgeLog(Steps(1, 4) + Traceback("/app/data.py", "ValueError: a" + long_word));
  ASSERT_FALSE(verdict.evidence.empty());
  for (const std::string& text :
       {verdict.evidence.front().text, verdict.timeline.back().what, ToText(verdict, false)}) {
    EXPECT_NE(text.find("\u6570"), std::string::npos) << text;
    EXPECT_EQ(model::Shown(text).find("\ufffd"), std::string::npos) << text;
  }
}

TEST(VerdictPage, WhatSeveralRanksSayAtOnceStandsInOneRow) {
  Verdict verdict;
  for (int32_t rank : {1, 2, 5}) verdict.timeline.push_back({{}, rank, 7, "symptom: lost"});
  verdict.timeline.push_back({{}, 6, 8, "symptom: lost"});
  verdict.timeline.push_back({{}, {}, 8, "symptom: lost"});
  const std::string page = ToText(verdict, false);
  EXPECT_NE(page.find("ranks 1-2, 5 step 7 symptom: lost\n  rank 6 step 8 symptom: lost\n  step 8 symptom: lost\n"),
            std::string::npos)
      << page;
}

}  // namespace
}  // namespace rankscope::diagnose
