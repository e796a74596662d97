#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "diagnose/case/case.h"

namespace rankscope::diagnose {

// A folder of files, read as a case.
class CaseReaderTest : public testing::Test {
 protected:
  CaseReaderTest() : folder_(testing::TempDir() + "case_reader." + std::to_string(getpid())) {
    std::filesystem::create_directories(folder_);
    EXPECT_TRUE(telling_.Add("CUDA error").ok());
    telling_.Compile();
  }
  ~CaseReaderTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) {
    std::string path = folder_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  Case Read(const std::vector<std::string>& paths) {
    auto read = ReadCase(paths, telling_);
    EXPECT_TRUE(read.ok()) << read.status().message();
    return read.ok() ? *std::move(read) : Case();
  }
  Case ReadFolder() { return Read({folder_}); }

  // The line of that text; the test fails where there is none.
  static Line Find(const Case& read, std::string_view text) {
    for (const Line& line : read.lines) {
      if (line.text == text) return line;
    }
    ADD_FAILURE() << "no line \"" << text << "\"";
    return {};
  }
  static const Writer& WriterOf(const Case& read, int32_t rank) {
    for (const Writer& writer : read.writers) {
      if (writer.rank == rank) return writer;
    }
    ADD_FAILURE() << "nobody is rank " << rank;
    static const Writer kNobody;
    return kNobody;
  }

  std::string folder_;
  detect::PatternSet telling_;
};

}  // namespace rankscope::diagnose
