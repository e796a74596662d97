#include <zlib.h>

#include <algorithm>

#include "diagnose/testing/case_folder.h"

namespace rankscope::diagnose {
namespace {

TEST_F(CaseReaderTest, ACompressedFileThatIsCutOffGivesWhatCame) {
  std::string path = folder_ + "/train.log.gz";
  gzFile file = gzopen(path.c_str(), "wb");
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "line " + std::to_string(i * 7919 % 100'003) + "\n";
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  EXPECT_EQ(ReadFolder().lines_read, 100'000u);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  Case read = Read({path});
  EXPECT_GT(read.lines.size(), 1000u);
  ASSERT_EQ(read.skipped.size(), 1u);
  EXPECT_EQ(read.skipped[0], path + " (the gzip stream is cut off)");
  Case folder = ReadFolder();
  EXPECT_EQ(folder.lines.size(), read.lines.size());
  ASSERT_EQ(folder.skipped.size(), 1u);
  EXPECT_EQ(folder.skipped[0], path + " (the gzip stream is cut off)");
}

// More than is kept whole.
std::string ManyLines(size_t bytes) {
  std::string text;
  for (int i = 0; text.size() < bytes; ++i) {
    std::string rank = std::to_string(i % 4);
    text += "[rank" + rank + "]: step " + std::to_string(i) + " loss " + std::to_string(2.5 + i % 7) + "\n";
  }
  return text;
}

TEST_F(CaseReaderTest, OfALargeFileWhatTellsIsKeptWithItsSurroundings) {
  std::string text = ManyLines(9 << 20);
  std::string before = text;
  text += "[rank3]: Input image size: [3, 8192, 4096]\n[rank1]: elsewhere\n[rank3]: CUDA error: out\n";
  text += "[rank2]: Traceback (most recent call last):\n";
  for (int i = 0; i < 30; ++i) text += "[rank2]:   File \"x.py\", line " + std::to_string(i) + "\n[rank0]: noise\n";
  text += "[rank2]: KeyError: 'pixel_values'\n[rank1]: loss nan\n" + ManyLines(9 << 20);
  Case read = Read({Write("all.log", text)});
  uint64_t lines = static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n'));
  uint64_t lines_before = static_cast<uint64_t>(std::count(before.begin(), before.end(), '\n'));
  EXPECT_EQ(read.lines_read, lines);
  EXPECT_LT(read.lines.size(), lines / 10);
  Line told = Find(read, "CUDA error: out");
  EXPECT_EQ(told.number, lines_before + 3);
  EXPECT_EQ(told.rank, 3);
  Find(read, "Input image size: [3, 8192, 4096]");
  Find(read, "KeyError: 'pixel_values'");
  Find(read, "  File \"x.py\", line 29");
  Find(read, "loss nan");
  uint64_t counted = 0;
  for (int32_t rank = 0; rank < 4; ++rank) counted += WriterOf(read, rank).lines;
  EXPECT_EQ(counted, lines);
  EXPECT_EQ(read.lines.back().number, lines);
  EXPECT_FALSE(read.lines.front().gap_before);
  for (size_t i = 1; i < read.lines.size(); ++i) {
    EXPECT_EQ(read.lines[i].gap_before, read.lines[i].number > read.lines[i - 1].number + 1) << i;
  }
}

TEST_F(CaseReaderTest, OfManyShortLinesWhatTellsIsKept) {
  const std::string many(600'000, '\n');
  const Case read = Read({Write("all.log", many + "[rank3]: CUDA error: out\n" + many)});
  EXPECT_EQ(read.lines_read, 1'200'001u);
  EXPECT_LT(read.lines.size(), 1000u);
  EXPECT_EQ(Find(read, "CUDA error: out").number, 600'001u);
}

TEST_F(CaseReaderTest, OfALargeFileTheReportsBeforeWhatTellsAreKept) {
  std::string text;
  auto reports = [&](int first, size_t bytes) {
    int step = first;
    for (; text.size() < bytes; ++step)
      text += "INFO rank " + std::to_string(step % 8) + " step " + std::to_string(step) + " done\n";
    return step;
  };
  const int end = reports(0, 9 << 20);
  text += "[rank6]: CUDA error: out\n";
  reports(end, 18 << 20);
  const Case read = Read({Write("all.log", text)});
  for (int step = end - 8; step < end; ++step)
    Find(read, "INFO rank " + std::to_string(step % 8) + " step " + std::to_string(step) + " done");
}

TEST_F(CaseReaderTest, WhatEveryLineTellsDoesNotFillTheMemory) {
  std::string text;
  for (int i = 0; text.size() < (20u << 20); ++i) text += "CUDA error: number " + std::to_string(i) + " of many\n";
  Case read = Read({Write("all.log", text)});
  EXPECT_LT(read.lines.size(), 20'000u);
  EXPECT_EQ(read.lines.front().number, 1u);
  EXPECT_EQ(read.lines.back().number, read.lines_read);
}

TEST_F(CaseReaderTest, BytesWithoutLineEndsAreCutAndKeepTheirNumber) {
  std::string text(20 << 20, 'x');
  text[7'000'000] = '\0';
  text += "\nCUDA error: at the end\n";
  Case read = Read({Write("all.log", text)});
  EXPECT_EQ(read.lines_read, 2u);
  EXPECT_EQ(read.bytes_read, text.size());
  EXPECT_EQ(Find(read, "CUDA error: at the end").number, 2u);
}

// Of all byte values, as what is compressed or computed with.
std::string Bytes(size_t count) {
  std::string bytes;
  uint64_t state = 88172645463325252;
  for (; bytes.size() < count; bytes += static_cast<char>(state >> 32)) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
  }
  return bytes;
}

TEST_F(CaseReaderTest, BytesThatAreNoTextAreRefusedByName) {
  for (size_t size : {40, 3000, 200'000}) {
    std::string path = Write("noise.log", Bytes(size));
    auto read = ReadCase({path}, telling_);
    ASSERT_FALSE(read.ok()) << size;
    EXPECT_EQ(read.status().message(), path + ": cannot read: not text");
  }
}

TEST_F(CaseReaderTest, FolderWithBytesThatAreNoTextIsReadWithoutThem) {
  Write("noise.log", Bytes(3000));
  Write("rank_0.log", "CUDA error: out of memory\n");
  Case read = Read({folder_});
  EXPECT_EQ(read.lines_read, 1u);
  EXPECT_EQ(read.skipped, std::vector<std::string>{folder_ + "/noise.log (not text)"});
}

TEST_F(CaseReaderTest, LogThatRotationLeftNoughtsBeforeIsRead) {
  std::string path =
      Write("train.log", std::string(100'000, '\0') + "\n" + std::string(5000, 'x') + "\nCUDA error: here\n");
  EXPECT_EQ(Read({path}).lines.back().text, "CUDA error: here");
}

TEST_F(CaseReaderTest, LogWithHolesOfNoughtsIsRead) {
  const std::string holes =
      "CUDA error: before\n" + std::string(500, '\0') + "CUDA error: behind\n" + std::string(500, '\0');
  Case read = Read({Write("train.log", holes)});
  EXPECT_EQ(Find(read, "CUDA error: behind").number, 2u);
  Write("hole.log", std::string(3000, '\0'));
  EXPECT_EQ(ReadFolder().skipped, std::vector<std::string>{folder_ + "/hole.log (not text)"});
}

TEST_F(CaseReaderTest, Utf16IsReadAsItsMarkTells) {
  const std::string text = "[rank1]: CUDA error: here\r\nlast\r\n";
  std::string little = "\xff\xfe", big = "\xfe\xff";
  for (char c : text) {
    little += {c, '\0'};
    big += {'\0', c};
  }
  for (const std::string& bytes : {little, big}) {
    Case read = Read({Write("train.log", bytes)});
    EXPECT_EQ(Find(read, "CUDA error: here").rank, 1);
    EXPECT_EQ(Find(read, "last").number, 2u);
    EXPECT_TRUE(read.skipped.empty());
  }
}

TEST_F(CaseReaderTest, Utf16IsReadWithoutItsMarkToo) {
  std::string little, big;
  for (char c : std::string("[rank1]: CUDA error: here\r\nlast\r\n")) {
    little += {c, '\0'};
    big += {'\0', c};
  }
  for (const std::string& bytes : {little, big}) {
    EXPECT_EQ(Find(Read({Write("train.log", bytes)}), "CUDA error: here").rank, 1);
  }
}

TEST_F(CaseReaderTest, LinesAcrossChunksAreWhole) {
  std::string text;
  uint64_t lines = 0;
  for (size_t size = 1; text.size() < (20u << 20); size = size * 31 % 99'991, ++lines) {
    text += "CUDA error " + std::string(size, 'y') + " end\n";
  }
  Case read = Read({Write("all.log", text)});
  EXPECT_EQ(read.lines_read, lines);
  for (const Line& line : read.lines) {
    EXPECT_TRUE(line.text.starts_with("CUDA error y") && line.text.ends_with("y end")) << line.number;
  }
}

}  // namespace
}  // namespace rankscope::diagnose
