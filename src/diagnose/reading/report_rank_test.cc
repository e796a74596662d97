#include <functional>

#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

using Words = std::function<std::string(int rank, const std::string& figures)>;

// What three ranks print of their steps between a trainer's own lines and bars; rank 2 is slow from the fourth on, and
// rank 0 was in the first.
std::string Reports(const Words& words) {
  std::string text;
  for (int step = 0; step < 12; ++step) {
    const std::string number = std::to_string(step), longest = step < 3 ? "0.02" : "0.51";
    for (int rank = 0; rank < 3; ++rank) {
      const bool slow = rank == (step == 0 ? 0 : 2);
      text += words(rank, "step " + number + " loss 1.50 compute_time " + (slow ? longest : "0.004") + " step_time " +
                              longest + "1") +
              "\n";
    }
    text += "{'loss': 1.5, 'grad_norm': 2.1, 'learning_rate': 1e-05, 'epoch': 0." + number + "}\n 33%|###   | " +
            number + "/12 [00:00<00:01, 5.96it/s]\n";
  }
  return text;
}

std::vector<int32_t> Culprits(const Words& words) {
  const Verdict verdict = JudgeLog(Reports(words));
  EXPECT_EQ(verdict.failure, "straggler");
  return verdict.culprits;
}

TEST(ReportRank, IsThatOfTheWordAtItsHeadOrOfItsField) {
  const std::vector<int32_t> slow{2};
  EXPECT_EQ(Culprits([](int rank, auto& figures) { return "rank " + std::to_string(rank) + " " + figures; }), slow);
  EXPECT_EQ(Culprits([](int rank, auto& figures) { return figures + " rank=" + std::to_string(rank); }), slow);
  EXPECT_EQ(Culprits([](int rank, auto& figures) {
              return " 25%|##    | 3/12 [00:00<00:00, 19.0it/s]rank " + std::to_string(rank) + " " + figures;
            }),
            slow);
}

TEST(ReportRank, IsThatOfTheNumberAtItsHeadWhereSeveralStepsHaveIt) {
  EXPECT_EQ(Culprits([](int rank, auto& figures) { return "[" + std::to_string(rank) + "] " + figures; }),
            std::vector<int32_t>{2});
  EXPECT_TRUE(Culprits([](int, auto& figures) { return "[7] " + figures; }).empty());
  const auto count_steps = [](int, const std::string& figures) {
    return "[" + figures.substr(5, figures.find(' ', 5) - 5) + "] " + figures;
  };
  EXPECT_TRUE(Culprits(count_steps).empty());
}

}  // namespace
}  // namespace rankscope::diagnose
