#include "api/holding_memory.h"

#include <gtest/gtest.h>

namespace rankscope::api {
namespace {

TEST(HoldingMemory, IsTakenUntilTheLastCopyIsGone) {
  auto memory = std::make_shared<HoldingMemory>(100);
  auto first = memory->Take(60);
  ASSERT_TRUE(first);
  EXPECT_FALSE(memory->Take(41));
  EXPECT_TRUE(memory->Take(40));
  auto copy = first;
  first.reset();
  EXPECT_FALSE(memory->Take(41));
  copy.reset();
  EXPECT_TRUE(memory->Take(100));
}

TEST(HoldingMemory, OutlivesItsOwner) {
  auto memory = std::make_shared<HoldingMemory>(100);
  auto taken = memory->Take(60);
  memory.reset();
  EXPECT_TRUE(taken);
}

}  // namespace
}  // namespace rankscope::api
