#include "diagnose/reading/section_rank.h"

#include <functional>

#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

const std::string kRaised = Traceback("/app/run.py", "ZeroDivisionError: no tokens in the batch");

TEST(SectionRank, IsThatOfTheOutputThatALauncherShows) {
  Verdict verdict = JudgeLog(
      "----------Begin global rank 2 STDOUT----------\nstep 1\n----------End global rank 2 "
      "STDOUT----------\n----------Begin global rank 5 STDERR----------\n" +
      kRaised + "----------End global rank 5 STDERR----------\n");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{5});
}

TEST(SectionRank, IsThatOfTheFileWhoseEndWasShown) {
  Verdict verdict = JudgeLog("==> logs/rank_0.log <==\nstep 1\n\n==> logs/rank_3.log <==\n" + kRaised);
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{3});
}

// Dumps of py-spy of four processes, one after the other, of which the third reads a file.
std::string DumpsOf(const std::function<std::string(int place)>& command) {
  std::string text;
  for (int place = 0; place < 4; ++place) {
    const std::string number = std::to_string(4100 + place);
    text += "Process " + number + ": " + command(place) + "\nPython v3.11.4 (/usr/bin/python3.11)\n\nThread " + number +
            " (idle): \"MainThread\"\n";
    text += place == 2 ? "    read_shard (data.py:77)\n    main (train.py:188)\n"
                       : "    all_reduce (torch/distributed/distributed_c10d.py:2050)\n    main (train.py:201)\n";
  }
  return text;
}

TEST(SectionRank, IsThatOfTheProcessWhoseStackWasDumped) {
  Verdict verdict = JudgeLog(DumpsOf([](int place) { return "python train.py --rank " + std::to_string(place); }));
  EXPECT_EQ(verdict.failure, "process_hung");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{2});
  verdict = JudgeLog(DumpsOf([](int) { return "python train.py --workers 2"; }));
  EXPECT_TRUE(verdict.culprits.empty()) << "no command line tells a rank";
  EXPECT_NE(verdict.root_line.find("read_shard"), std::string::npos) << verdict.root_line;
  ASSERT_FALSE(verdict.figures.empty());
  EXPECT_EQ(
      verdict.figures.front(),
      "process 4102: it stands in read_shard (data.py:77), 3 others in all_reduce (distributed_c10d.py:2050) from "
      "main (train.py:201)");
}

TEST(SectionRank, EndsWithItsSection) {
  Verdict ended = JudgeLog(
      "----------Begin global rank 2 STDOUT----------\nstep 1\n----------End global rank 2 "
      "STDOUT----------\n" +
      kRaised);
  EXPECT_TRUE(ended.culprits.empty());
  Verdict other = JudgeLog("==> logs/rank_0.log <==\nstep 1\n\n==> logs/console.log <==\n" + kRaised);
  EXPECT_TRUE(other.culprits.empty());
}

}  // namespace
}  // namespace rankscope::diagnose
