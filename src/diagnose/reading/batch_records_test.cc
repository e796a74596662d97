#include "diagnose/reading/batch_records.h"

#include <gtest/gtest.h>

#include "diagnose/case/record_case.h"
#include "diagnose/signatures/signature_set.h"
#include "diagnose/verdict/verdict.h"

namespace rankscope::diagnose {
namespace {

// Four ranks that record their batches and run for 20 steps; rank 3 then has no memory left.
class RecordedBatchTest : public testing::Test {
 protected:
  static std::string Head(int step, int rank, const char* stream) {
    char text[160];
    std::snprintf(text, sizeof text,
                  R"({"timestamp":"2026-04-01T00:%02d:%02dZ","rank":%d,"local_rank":%d,"stream":"%s","step":%d)", step,
                  rank, rank, rank, stream, step);
    return text;
  }
  void Steps(double growth = 0) {
    for (int step = 1; step <= 20; ++step) {
      for (int rank = 0; rank < 4; ++rank) {
        Batch(step, rank, R"(["a.png","b.png"])", "[[3,224,224]]", "[500,520]");
        double held = 40 + (rank == 3 ? growth * step : 0);
        records_.Add(Head(step, rank, "metric") + R"(,"loss":2.0,"gpu_memory_gib":)" + std::to_string(held) + "}");
      }
    }
  }
  void Batch(int step, int rank, const std::string& ids, const std::string& shapes, const std::string& lengths) {
    auto quoted = [](std::string text) {
      for (size_t at = 0; (at = text.find('"', at)) != std::string::npos; at += 2) text.insert(at, "\\");
      return text;
    };
    records_.Add(Head(step, rank, "batch") + R"(,"ids":")" + quoted(ids) + R"(","shapes":")" + shapes +
                 R"(","lengths":")" + lengths + "\"}");
  }
  Verdict RunOut() {
    records_.Add(Head(21, 3, "stderr") +
                 R"(,"msg":"torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 4.20 GiB"})");
    read_ = records_.End();
    return Diagnose(read_, {});
  }
  static bool Tells(const Verdict& verdict, const std::string& figure) {
    return std::count(verdict.figures.begin(), verdict.figures.end(), figure) == 1;
  }

  RecordCase records_{"job j", TellingLines()};
  Case read_;
};

TEST_F(RecordedBatchTest, AnExtremeSampleIsNamedWithItsFile) {
  Steps();
  Batch(21, 3, R"(["images/0095.png","b.png"])", "[[3,8192,4096],[3,224,224]]", "[500,9000]");
  Batch(21, 0, R"(["c.png","d.png"])", "[[3,224,224]]", "[500,520]");
  Verdict verdict = RunOut();
  EXPECT_EQ(verdict.failure, "cuda_oom");
  EXPECT_EQ(verdict.kind, "one extreme sample");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{3});
  EXPECT_TRUE(Tells(verdict, "the batch in flight of step 21: samples images/0095.png, b.png, 1.00 times the usual"));
  EXPECT_TRUE(Tells(verdict, "its largest shape: [3, 8192, 4096], 668.73 times the usual"));
  EXPECT_TRUE(Tells(
      verdict, "its longest sample: b.png, of 9000, 17.31 times the usual; all together 9500, 9.31 times the usual"));
}

TEST_F(RecordedBatchTest, TwiceAsManyOrdinarySamplesAreABatchTooLarge) {
  Steps();
  Batch(21, 3, R"(["a","b","c","d"])", "[[3,224,224]]", "[500,520,500,520]");
  EXPECT_EQ(RunOut().kind, "batch size too large");
}

TEST_F(RecordedBatchTest, AnOrdinaryBatchLeavesTheLeakToBeNamedAgainstItsPeers) {
  Steps(1);
  Batch(21, 3, R"(["a.png","b.png"])", "[[3,224,224]]", "[500,520]");
  Verdict verdict = RunOut();
  EXPECT_EQ(verdict.kind, "leak");
  EXPECT_TRUE(Tells(verdict, "memory went from 41.00 to 60.00 GiB in 20 reports, steadily"));
  EXPECT_TRUE(Tells(verdict, "that of 3 other ranks from 40.00 to 40.00 GiB"));
}

}  // namespace
}  // namespace rankscope::diagnose
