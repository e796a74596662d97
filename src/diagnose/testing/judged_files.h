#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "diagnose/signatures/signature_set.h"
#include "diagnose/verdict/verdict.h"

namespace rankscope::diagnose {

using Files = std::vector<std::pair<std::string, std::string>>;  // name, text

// The verdict over files that lie in one folder, as a user would give it.
inline Verdict Judge(const Files& files) {
  std::string folder = testing::TempDir() + "judged." + std::to_string(getpid());
  std::filesystem::remove_all(folder);
  for (const auto& [name, text] : files) {
    std::filesystem::path path = folder + "/" + name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  auto read = ReadCase({folder}, TellingLines());
  std::filesystem::remove_all(folder);
  EXPECT_TRUE(read.ok()) << read.status().message();
  return read.ok() ? Diagnose(*read) : Verdict();
}

inline Verdict JudgeLog(const std::string& text) { return Judge({{"train.log", text}}); }

inline std::string Steps(int first, int last) {
  std::string text;
  for (int step = first; step <= last; ++step) {
    text += "{'loss': 2." + std::to_string(50 - step % 40) +
            ", 'learning_rate': 1e-05, 'step': " + std::to_string(step) + "}\n";
  }
  return text;
}

inline std::string Traceback(const std::string& place, const std::string& exception) {
  return "Traceback (most recent call last):\n  File \"/app/train.py\", line 88, in <module>\n    main()\n  File \"" +
         place + "\", line 41, in run\n    return inner(x)\n" + exception + "\n";
}

}  // namespace rankscope::diagnose
