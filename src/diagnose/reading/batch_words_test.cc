#include "diagnose/reading/batch_words.h"

#include <gtest/gtest.h>

namespace rankscope::diagnose {
namespace {

using Kind = PrintedSize::Kind;

std::string Told(const std::string& text) {
  const BatchWords words = ReadBatchWords(text);
  std::string told(words.ids.empty() ? "" : words.id_label);
  for (const std::string& id : words.ids) told += " " + id;
  constexpr const char* kNames[] = {"shape", "lengths", "total", "samples"};
  for (const PrintedSize& size : words.sizes) {
    told += (told.empty() ? "" : "; ") + std::string(kNames[static_cast<int>(size.kind)]) + " of " + size.label + " " +
            size.shown;
  }
  return told;
}

TEST(BatchWords, SizesAreToldByTheWordsBeforeThem) {
  EXPECT_EQ(Told("rank 3 Input image size: [3, 8192, 4096]"), "shape of Input image size [3, 8192, 4096]");
  EXPECT_EQ(Told("input_ids.shape = torch.Size([4, 9000])"), "shape of input_ids.shape [4, 9000]");
  EXPECT_EQ(Told("decoded a video of size 1920x1080"), "shape of video of size 1920x1080");
  EXPECT_EQ(Told("batch 7: max_tokens=4096 total_tokens=65536"), "total of total_tokens 65536");
  EXPECT_EQ(Told("micro batch size: 32"), "samples of micro batch size 32");
  EXPECT_EQ(ReadBatchWords("image size: 1920x1080").sizes.at(0).amount(), 1920 * 1080);
}

TEST(BatchWords, NamesOfSamplesAreNoSizes) {
  EXPECT_EQ(Told("batch ids [12, 13, 14] lengths [798, 31744, 547]"),
            "samples 12 13 14; lengths of lengths [798, 31744, 547]");
  EXPECT_EQ(Told("sample idx=48213 seq_len=131072"), "samples 48213; lengths of seq_len 131072");
  EXPECT_EQ(Told("OOM in the batch with rows [88121, 88122]"), "rows 88121 88122");
  EXPECT_EQ(Told("{'input_ids': (8, 40960), 'row': 20117}"), "rows 20117; shape of input_ids (8, 40960)");
  EXPECT_EQ(Told("key 000120_00002 of shard-000120.tar"), "samples 000120_00002");
}

TEST(BatchWords, OtherNumbersAreNotTheBatchs) {
  EXPECT_EQ(Told("loss 2.41 lr 1e-05 step 120/1000"), "");
  EXPECT_EQ(Told("device index 3, batch idx 120, layer ids [4, 5], 1000 rows: 12"), "");
  EXPECT_EQ(Told("consumed tokens: 8192000 vocab size [32000, 4096]"), "shape of vocab size [32000, 4096]");
  EXPECT_EQ(Told("  Num examples = 20,000"), "");
  EXPECT_EQ(Told(""), "");
}

}  // namespace
}  // namespace rankscope::diagnose
