#include "store/columns/slot_column.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace rankscope::store {
namespace {

// Lines of one variable: those of one kind make a slot.
std::vector<std::string> SomeLines(std::mt19937* random) {
  std::vector<std::string> lines;
  const char* digits = "0123456789abcdef";
  for (int i = 0; i < 300; ++i) {
    std::string hex;
    for (size_t left = 1 + (*random)() % 14; left > 0; --left) hex.push_back(digits[(*random)() % 16]);
    std::string uuid;
    for (size_t at = 0; at < 36; ++at) {
      bool dash = at == 8 || at == 13 || at == 18 || at == 23;
      uuid.push_back(dash ? '-' : digits[(*random)() % 16]);
    }
    lines.push_back(std::to_string((*random)() % 100000));
    lines.push_back("00" + std::to_string((*random)() % 1000));
    lines.push_back(std::to_string((*random)() % 1000) + "." + std::to_string((*random)() % 1000));
    lines.push_back("1." + std::to_string((*random)() % 1000) + "e-05");
    lines.push_back(hex);
    std::transform(hex.begin(), hex.end(), hex.begin(), [](unsigned char c) { return std::toupper(c); });
    lines.push_back(hex);
    lines.push_back(uuid);
    lines.push_back("R4nk" + std::to_string((*random)() % 100) + "K");
  }
  return lines;
}

struct Split {
  std::vector<std::string> lines;
  std::vector<Variable> variables;
};

std::vector<Split> BySlot(const std::vector<std::string>& lines) {
  std::vector<Split> splits(kLastMarker - kFirstMarker + 1);
  std::string form;
  for (const std::string& line : lines) {
    std::vector<Variable> variables;
    EXPECT_TRUE(SplitText(line, &form, &variables)) << line;
    if (variables.size() != 1 || form.size() != 1) continue;
    Split& split = splits[static_cast<size_t>(form[0] - kFirstMarker)];
    split.lines.push_back(line);
    split.variables.push_back(variables[0]);
  }
  return splits;
}

TEST(SlotColumn, GivesBackEachVariableAndFindsPartsOfThem) {
  std::mt19937 random(11);
  std::vector<std::string> lines = SomeLines(&random);
  size_t kinds = 0, parts = 0;
  for (const Split& split : BySlot(lines)) {
    if (split.lines.empty()) continue;
    ++kinds;
    std::string bytes, filter, back;
    EncodeSlot(split.variables, &bytes, &filter);
    SlotColumn column;
    ASSERT_TRUE(DecodeSlot(bytes, split.variables[0].slot, split.lines.size(), &column));
    char scratch[SlotColumn::kScratchBytes];
    for (size_t i = 0; i < split.lines.size(); ++i) {
      back.clear();
      AppendVariable(column.At(i, scratch), &back);
      EXPECT_EQ(back, split.lines[i]);
    }
    for (int round = 0; round < 200; ++round) {
      std::string part = split.lines[random() % split.lines.size()];
      size_t at = random() % part.size();
      part = part.substr(at, 1 + random() % 6);
      std::transform(part.begin(), part.end(), part.begin(), [](unsigned char c) { return std::tolower(c); });
      std::vector<uint32_t> wanted, found;
      for (uint32_t i = 0; i < split.lines.size(); ++i) {
        std::string line = split.lines[i];
        std::transform(line.begin(), line.end(), line.begin(), [](unsigned char c) { return std::tolower(c); });
        if (line.find(part) != std::string::npos) wanted.push_back(i);
      }
      LiteralSearch search(part);
      column.Find(&search, part, &found);
      EXPECT_EQ(found, wanted) << part << " in slots like " << split.lines[0];
      parts += wanted.size();
    }
  }
  EXPECT_EQ(kinds, 7u);
  EXPECT_GT(parts, 7u * 200);
}

}  // namespace
}  // namespace rankscope::store
